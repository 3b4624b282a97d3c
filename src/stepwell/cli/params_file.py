"""``--params-file``: values of many parameters from one file of JSON, TOML or YAML."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

from stepwell.definition.given_text import json_in, text_of_file
from stepwell.exceptions import StepwellException, UsageError


def values_in(file: Path) -> dict[str, object]:
    """Return the values that a file gives, by the names of parameters.

    Raises
    ------
    UsageError
        It cannot be read, or holds no names with values.
    """
    try:
        text = text_of_file(file)
    except ValueError as error:
        raise UsageError(f"--params-file {file} cannot be read: {error}.") from None
    read = _READERS.get(file.suffix.lower(), _json)
    try:
        found = read(text)
    except (ValueError, StepwellException) as error:
        raise UsageError(f"--params-file {file}: {error}.") from None
    if not isinstance(found, Mapping):
        raise UsageError(f"--params-file {file} must hold names of parameters and their values.")
    return {str(name): value for name, value in cast("Mapping[object, object]", found).items()}


def _json(text: str) -> object:
    try:
        return json_in(text)
    except ValueError as error:
        raise ValueError(f"{error}. What ends in .toml or .yaml is read as such") from None


def _toml(text: str) -> object:
    from stepwell.definition.config_parsers import toml_parser

    return toml_parser(text)


def _yaml(text: str) -> object:
    from stepwell.definition.config_parsers import yaml_parser

    return yaml_parser(text)


_READERS: Mapping[str, Callable[[str], object]] = {".toml": _toml, ".yaml": _yaml, ".yml": _yaml}
