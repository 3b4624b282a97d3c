"""Where values of configs come from: the command line, variables, defaults; and what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from stepwell.definition.config import Declared, configs_of
from stepwell.definition.configs_given import NOTHING_GIVEN, ConfigsGiven
from stepwell.definition.given_text import json_in, text_of_file
from stepwell.definition.nearest import did_you_mean, listed
from stepwell.definition.parameter_values import DefaultContext
from stepwell.definition.parameters import normal
from stepwell.exceptions import UsageError

_PARSERS = "stepwell.definition.config_parsers"


class _Wrong(Exception):
    """A complaint about one config; all are collected."""


def resolve_configs(flow_class: type, given: ConfigsGiven = NOTHING_GIVEN) -> dict[str, object]:
    """Return the value of each config of a flow, by attribute, as it is stored.

    Raises
    ------
    UsageError
        What is wrong with any of them; all is listed.
    """
    known = configs_of(flow_class)
    complaints = [*_unknown(flow_class, known, given), *_twice(known, given)]
    stored: dict[str, object] = {}
    for config in known:
        if config.attribute in given.stored:
            stored[config.attribute] = given.stored[config.attribute]
            continue
        try:
            stored[config.attribute] = _value(config, flow_class, given)
        except _Wrong as wrong:
            complaints.append(f"Config `{config.name}`{wrong}")
    if complaints:
        raise UsageError("\n".join(complaints))
    return stored


def _unknown(flow_class: type, known: tuple[Declared, ...], given: ConfigsGiven) -> Iterator[str]:
    names = {config.key: config.name for config in known}
    for name in dict.fromkeys((*given.paths, *given.values)):
        if normal(name) not in names:
            there = f"There are: {listed(names.values())}." if names else "It has none."
            advice = " ".join(filter(None, (did_you_mean(name, names.values()), there)))
            yield f"{flow_class.__name__} has no Config `{name}`{_origin(given, name)}. {advice}"


def _twice(known: tuple[Declared, ...], given: ConfigsGiven) -> Iterator[str]:
    both = {normal(name) for name in given.paths} & {normal(name) for name in given.values}
    for config in known:
        if config.key in both:
            yield f"Config `{config.name}` is given a file and a value as well. Leave one of them out."
        if config.default is not None and config.default_value is not None:
            yield f"Config `{config.name}` has both `default` and `default_value`. Leave one of them out."


def _value(config: Declared, flow_class: type, given: ConfigsGiven) -> object:
    paths = {normal(name): path for name, path in given.paths.items()}
    values = {normal(name): value for name, value in given.values.items()}
    if config.key in values:
        return _parsed(config, values[config.key], "given")
    if config.key in paths:
        return _parsed(config, _read(paths[config.key], "given"), f"in {paths[config.key]}")
    if config.default is not None:
        path = _of_default(config, config.default, flow_class, given)
        if path is None:
            return None
        return _parsed(config, _read(str(path), "the default"), f"in {path}")
    if config.default_value is not None:
        found = _of_default(config, config.default_value, flow_class, given)
        return None if found is None else _parsed(config, found, "of the default")
    if config.required:
        raise _Wrong(
            f" has no value. Give it one before the command: `--config {config.name} FILE` or "
            f"`--config-value {config.name} TEXT`."
        )
    return None


def _of_default(config: Declared, default: object, flow_class: type, given: ConfigsGiven) -> object:
    if not callable(default):
        return default
    context = DefaultContext(
        flow_name=flow_class.__name__,
        user_name=given.user_name,
        parameter_name=config.name,
        ds_type="local",
    )
    try:
        return cast("Callable[[DefaultContext], object]", default)(context)
    except Exception as error:  # noqa: BLE001 - the user's function may raise anything
        raise _Wrong(f": the function of its default failed: {_said(error)}") from None


def _read(path: str, which: str) -> str:
    try:
        return text_of_file(Path(path))
    except ValueError as error:
        raise _Wrong(f": the file {path} ({which}) cannot be read: {error}.") from None


def _parsed(config: Declared, given: object, where: str) -> object:
    """Return the value as it is stored: plain dictionaries, or anything if the config is plain."""
    value = given
    if config.parser is not None and isinstance(given, str):
        parser = _parser(config.parser)
        try:
            value = parser(given)
        except Exception as error:  # noqa: BLE001 - the user's function may raise anything
            name = getattr(parser, "__name__", config.parser)
            raise _Wrong(f": its parser `{name}` failed on the text {where}: {_said(error)}") from None
    elif isinstance(given, str) and not config.plain:
        try:
            value = json_in(given)
        except ValueError as error:
            raise _Wrong(f": the text {where} is {error}.") from None
    if config.plain:
        return value
    if not isinstance(value, Mapping):
        raise _Wrong(
            f": the value {where} is {type(value).__name__}, and it must be a mapping. Declare the Config "
            "with plain=True to take any value."
        )
    stored = _plain(cast("Mapping[str, object]", value))
    try:
        config.seen(stored)
    except ValueError as error:
        line = _line_of(str(error), given) if isinstance(given, str) else ""
        raise _Wrong(f": the value {where} does not fit {_name(config.type)}: {error}{line}.") from None
    return stored


def _parser(given: Callable[[str], object] | str) -> Callable[[str], object]:
    if not isinstance(given, str):
        return given
    module, _, name = given.rpartition(".")
    try:
        found: object = getattr(import_module(module or _PARSERS), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise _Wrong(f": its parser `{given}` cannot be imported: {error}.") from None
    if not callable(found):
        raise _Wrong(f": its parser `{given}` is no function.")
    return cast("Callable[[str], object]", found)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in cast("Mapping[Any, object]", value).items()}
    if type(value) in (list, tuple):
        items = cast("list[object]", value)
        return type(items)(_plain(item) for item in items)
    return value


def _line_of(said: str, text: str) -> str:
    """Return the line of the place that a complaint names as in ``$.model.depth``, in words."""
    place = 0
    for key in re.findall(r"[.\[]([^.\[\]`]+)", said.rpartition("`$")[2]):
        if (found := text.find(key, place)) >= 0:
            place = found
    return f", line {text.count(chr(10), 0, place) + 1}" if place else ""


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _name(kind: object) -> str:
    return str(getattr(kind, "__name__", kind))


def _origin(given: ConfigsGiven, name: str) -> str:
    return f" ({given.origins[name]})" if name in given.origins else ""
