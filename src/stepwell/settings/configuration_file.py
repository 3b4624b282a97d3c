"""Configuration files: JSON objects of names and values, one for the user and one for each profile."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import msgspec

from stepwell.exceptions import UsageError

PREFIX = "STEPWELL_"
_PROFILE = re.compile(r"[\w.-]+")


def bare(name: str) -> str:
    """Return a setting's name as the table of keys has it: in upper case, without the prefix."""
    return name.upper().removeprefix(PREFIX)


def home(environ: Mapping[str, str]) -> Path:
    """Return the directory of the user's configuration files."""
    if given := environ.get(f"{PREFIX}HOME"):
        return Path(given).expanduser()
    return Path(environ.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser()) / "stepwell"


def file_of(profile: str, environ: Mapping[str, str] | None = None) -> Path:
    """Return the user's file of a profile, whether it exists or not; the empty name is the file without one.

    Raises
    ------
    UsageError
        It cannot be the name of a profile.
    """
    if profile and not _PROFILE.fullmatch(profile):
        raise UsageError(f"{profile!r} is no name of a profile: use letters, digits, `_`, `-` and `.`.")
    environ = os.environ if environ is None else environ
    return home(environ) / (f"config_{profile}.json" if profile else "config.json")


def read(path: Path) -> dict[str, object]:
    """Return what a file holds, under the names that it uses; nothing if there is no file.

    Raises
    ------
    UsageError
        It cannot be read, or is no JSON object.
    """
    try:
        return parse(path.read_bytes(), str(path))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"The configuration file {path} cannot be read: {error.strerror}.") from error


def parse(data: bytes, place: str) -> dict[str, object]:
    """Return the object that the text of a configuration file is; raises what `read` raises."""
    try:
        content: object = msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        raise UsageError(f"The configuration file {place} is not valid JSON: {error}.") from error
    if not isinstance(content, dict):
        raise UsageError(f"The configuration file {place} must hold a JSON object of names and values.")
    return cast("dict[str, object]", content)


def write(path: Path, content: Mapping[str, object]) -> None:
    """Put a file in the place of the one that is there, at once and readable for the user only.

    Raises
    ------
    UsageError
        It cannot be written; what was there is there still.
    """
    import tempfile  # 8 ms that only who changes settings pays

    target = path.resolve()  # where a link leads to, for whoever keeps the file elsewhere
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(dir=target.parent, prefix=".config-")
        try:
            with open(handle, "wb") as file:
                file.write(encoded(content))
                file.flush()
                os.fsync(file.fileno())
            os.replace(aside, target)  # noqa: PTH105 - `aside` is a name already
        except BaseException:
            Path(aside).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(f"The configuration file {path} cannot be written: {error.strerror}.") from error


def encoded(content: Mapping[str, object]) -> bytes:
    """Return the text of a configuration file."""
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"


def changed(
    content: Mapping[str, object], given: Mapping[str, object], gone: frozenset[str] = frozenset()
) -> dict[str, object]:
    """Return the content with settings added or replaced, then others removed; names are bare.

    What stays keeps its place and its spelling.
    """
    left = {name: value for name, value in content.items() if bare(name) not in gone}
    spelling = {bare(name): name for name in left}
    return {**left, **{spelling.get(name, name): value for name, value in given.items()}}


def as_text(value: object) -> str:
    """Return the text of a value; what is no text in JSON stays as it was written there."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
