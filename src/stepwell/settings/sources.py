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
from stepwell.settings.keys import is_known, nearest_key
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
    for path in _files(profile, environ, directory) if files else ():
        for name, content in read(path).items():
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


def _files(profile: Value, environ: Mapping[str, str], directory: Path) -> Iterator[Path]:
    """Yield the configuration files that exist, the weakest first."""
    own = file_of(profile.text, environ)
    if own.is_file():
        yield own
    elif profile.text:
        raise UsageError(
            f"The profile {profile.text!r} ({profile.origin}) has no file: {own} does not exist. "
            f"`stepwell configure set NAME VALUE --profile {profile.text}` makes it."
        )
    place = nearest(directory)
    if place is not None and (project := place / "config.json").is_file():
        yield project


def unknown(name: str, origin: str) -> str:
    """Return the words for a setting that does not exist, with the nearest that does."""
    near = nearest_key(bare(name))
    prefix = PREFIX if name.startswith(PREFIX) else ""
    hint = f" Did you mean {prefix}{near}?" if near else ""
    return f"Unknown setting {name} in {origin}.{hint}"
