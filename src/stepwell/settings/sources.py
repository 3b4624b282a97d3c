"""Where settings come from: command line, environment, the project's file, the user's file, defaults.

Nothing else in Stepwell reads the environment.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from stepwell.exceptions import UsageError
from stepwell.settings.account import account_user
from stepwell.settings.configuration_file import PREFIX, as_text, bare, file_of, read
from stepwell.settings.keys import NOT_OF_A_DATASTORE, is_known, nearest_key
from stepwell.settings.settings import Settings, Value, nearest


def load_settings(
    overrides: Mapping[str, Value] | None = None,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
    files: bool = True,
) -> Settings:
    """Build the settings of this process.

    Parameters
    ----------
    overrides
        From the command line, by name without prefix.
    environ, directory
        The process's own unless given.
    files
        Whether to read configuration files.

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
    profile = (overrides or {}).get("PROFILE") or from_environment.get("PROFILE") or Value("", "")
    for path, is_own in _files(profile, environ, directory) if files else ():
        for name, content in read(path).items():
            if bare(name) in NOT_OF_A_DATASTORE and not is_own:
                warnings.append(f"{name} in {path} is ignored: it counts in your own configuration only.")
                continue
            if not is_known(bare(name)):
                warnings.append(unknown(bare(name), str(path)))
            values[bare(name)] = Value(as_text(content), str(path))
    for name, value in from_environment.items():
        if not is_known(name):
            warnings.append(unknown(PREFIX + name, "the environment"))
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


def _files(profile: Value, environ: Mapping[str, str], directory: Path) -> Iterator[tuple[Path, bool]]:
    """Yield the configuration files that exist, the weakest first, and whether it is the user's own."""
    own = file_of(profile.text, environ)
    if _is_file(own):
        yield own, True
    elif profile.text:
        raise UsageError(
            f"The profile {profile.text!r} ({profile.origin}) has no file: {own} does not exist. "
            f"`stepwell configure set NAME VALUE --profile {profile.text}` makes it."
        )
    place = nearest(directory)
    if place is not None and _is_file(project := place / "config.json"):
        yield project, False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except PermissionError:
        return False  # in a folder of somebody else, as the home of who ran `sudo` may be


def unknown(name: str, origin: str) -> str:
    """Return the words for a setting that does not exist, with the nearest that does."""
    near = nearest_key(bare(name))
    prefix = PREFIX if name.startswith(PREFIX) else ""
    hint = f" Did you mean {prefix}{near}?" if near else ""
    return f"Unknown setting {name} in {origin}.{hint}"
