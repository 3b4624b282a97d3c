"""Where settings come from: command line, environment, the project's file, the user's file, defaults.

Nothing else in Stepwell reads the environment.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

import msgspec

from stepwell.exceptions import UsageError
from stepwell.settings.account import account_user
from stepwell.settings.keys import GENERAL_KEYS, NOT_OF_A_DATASTORE, OPTION_VARIABLES, is_known
from stepwell.settings.settings import Settings, Value, nearest

PREFIX = "STEPWELL_"


def load_settings(
    overrides: Mapping[str, Value] | None = None,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> Settings:
    """Build the settings of this process.

    Parameters
    ----------
    overrides
        From the command line, by name without prefix.
    environ, directory
        The process's own unless given.

    Raises
    ------
    UsageError
        A configuration file cannot be read, or the profile that was asked for has none.
    """
    environ = os.environ if environ is None else environ
    directory = _working_directory() if directory is None else directory
    from_environment = dict(_environment(environ))
    values: dict[str, Value] = {}
    warnings: list[str] = []
    for path, is_own in _files(from_environment, environ, directory):
        for name, value in _read(path):
            if name in NOT_OF_A_DATASTORE and not is_own:
                warnings.append(f"{name} in {path} is ignored: it counts in your own configuration only.")
                continue
            if not is_known(name):
                warnings.append(_unknown(name, value.origin))
            values[name] = value
    for name, value in from_environment.items():
        if not is_known(name):
            warnings.append(_unknown(PREFIX + name, "the environment"))
        values[name] = value
    values.update(overrides or {})
    return Settings(
        values=values, directory=directory, account=account_user(environ), warnings=tuple(warnings)
    )


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        raise UsageError(
            f"The working directory cannot be used: {error.strerror}. Change to a directory that exists."
        ) from error


def _environment(environ: Mapping[str, str]) -> Iterator[tuple[str, Value]]:
    for name, text in environ.items():
        if name.startswith(PREFIX):
            yield name.removeprefix(PREFIX), Value(text, f"environment variable {name}")


def _files(
    given: Mapping[str, Value], environ: Mapping[str, str], directory: Path
) -> Iterator[tuple[Path, bool]]:
    """Yield the configuration files that exist, the weakest first, and whether it is the user's own."""
    if "HOME" in given:
        home = Path(given["HOME"].text).expanduser()
    else:
        home = Path(environ.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser()) / "stepwell"
    profile = given["PROFILE"].text if "PROFILE" in given else ""
    own = home / (f"config_{profile}.json" if profile else "config.json")
    if _is_file(own):
        yield own, True
    elif profile:
        raise UsageError(
            f"The profile {profile!r} (STEPWELL_PROFILE) has no file: {own} does not exist. "
            "Create it with `{}` as its content, or unset STEPWELL_PROFILE."
        )
    place = nearest(directory)
    if place is not None and _is_file(project := place / "config.json"):
        yield project, False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except PermissionError:
        return False  # in a folder of somebody else, as the home of who ran `sudo` may be


def _read(path: Path) -> Iterator[tuple[str, Value]]:
    try:
        content: object = msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise UsageError(f"The configuration file {path} cannot be read: {error.strerror}.") from error
    except msgspec.DecodeError as error:
        raise UsageError(f"The configuration file {path} is not valid JSON: {error}.") from error
    if not isinstance(content, dict):
        raise UsageError(f"The configuration file {path} must hold a JSON object of names and values.")
    for name, value in cast("dict[str, object]", content).items():
        yield name.upper().removeprefix(PREFIX), Value(_as_text(value), str(path))


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _unknown(name: str, origin: str) -> str:
    import difflib  # costs start-up time, and is hardly ever needed

    bare = name.removeprefix(PREFIX)
    close = difflib.get_close_matches(bare, [*GENERAL_KEYS, *OPTION_VARIABLES], n=1)
    prefix = PREFIX if name.startswith(PREFIX) else ""
    nearest_name = f" Did you mean {prefix}{close[0]}?" if close else ""
    return f"Unknown setting {name} in {origin}.{nearest_name}"
