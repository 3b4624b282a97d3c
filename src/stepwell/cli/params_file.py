"""``--params-file``: values of many parameters from one file of JSON, TOML or YAML."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

from stepwell.exceptions import StepwellException, UsageError


def values_in(file: Path) -> dict[str, object]:
    """Return the values that a file gives, by the names of parameters.

    Raises
    ------
    UsageError
        It cannot be read, or holds no names with values.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"--params-file {file} cannot be read: {why}.") from error
    read = _READERS.get(file.suffix.lower(), _json)
    try:
        found = read(text)
    except (ValueError, StepwellException) as error:
        raise UsageError(f"--params-file {file}: {error}.") from error
    if not isinstance(found, Mapping):
        raise UsageError(f"--params-file {file} must hold names of parameters and their values.")
    return {str(name): value for name, value in cast("Mapping[object, object]", found).items()}


def _json(text: str) -> object:
    import json  # only this option needs it

    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"no valid JSON at line {error.lineno}, column {error.colno}: {error.msg}. What ends in .toml or "
            ".yaml is read as such"
        ) from None
    except RecursionError:
        raise ValueError("JSON that is nested too deeply") from None


def _toml(text: str) -> object:
    from stepwell.definition.config_parsers import toml_parser

    return toml_parser(text)


def _yaml(text: str) -> object:
    from stepwell.definition.config_parsers import yaml_parser

    return yaml_parser(text)


_READERS: Mapping[str, Callable[[str], object]] = {".toml": _toml, ".yaml": _yaml, ".yml": _yaml}
