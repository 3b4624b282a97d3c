"""Decorators that are attached from outside the source: ``--with name:key=value``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import CodeType
from typing import Any

from stepwell.definition.config_expression import ConfigScope
from stepwell.definition.decorator import StepDecorator
from stepwell.definition.nearest import did_you_mean, listed
from stepwell.definition.own_decorator import OwnKind, OwnStepDecorator
from stepwell.definition.step import spec_of
from stepwell.exceptions import FlowError, UnknownStepDecoratorException, UsageError

# Names and not imports: a decorator is loaded when it is used, and its module lies above this one.
BUILT_IN: Mapping[str, str] = {
    "cache": "stepwell.decorators.cache:Cache",
    "card": "stepwell.decorators.card:CardDecorator",
    "catch": "stepwell.decorators.catch:Catch",
    "checkpoint": "stepwell.decorators.checkpoint:Checkpoint",
    "environment": "stepwell.decorators.environment:Environment",
    "parallel": "stepwell.decorators.parallel:Parallel",
    "resources": "stepwell.decorators.resources:ResourcesDecorator",
    "retry": "stepwell.decorators.retry:Retry",
    "timeout": "stepwell.decorators.timeout:Timeout",
}

NO_NAMES: Mapping[str, object] = {}

_COMMA = re.compile(r",(?=\s*\w+\s*=)")


def parse_spec(text: str, option: str = "--with ") -> tuple[str, dict[str, object]]:
    """Return name and attributes of ``name[:attribute=value,...]``.

    Each value is read as JSON, else as text. A comma splits only before ``word=``. ``option`` is what
    the text was given to, for errors.

    Raises
    ------
    UsageError
        The text has another form.
    """
    name, colon, rest = text.partition(":")
    name = name.strip()
    attributes: dict[str, object] = {}
    for piece in _COMMA.split(rest) if colon and rest.strip() else ():
        key, equals, value = piece.partition("=")
        if not equals or not key.strip().isidentifier():
            raise UsageError(f"`{option}{text}`: {piece!r} is not of the form attribute=value.")
        attributes[key.strip()] = _value(value.strip())
    if not name:
        raise UsageError(f"`{option}{text}` names no decorator. Write {option}name:attribute=value.")
    return name, attributes


def _value(text: str) -> object:
    import json  # only `--with` with values needs it

    for read in (json.loads, int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text


def step_decorator(
    name: str, attributes: Mapping[str, object], module: Mapping[str, object] = NO_NAMES
) -> StepDecorator:
    """Return a step decorator, one not of the source, by its name, ours or a plugin's, or by its place.

    Parameters
    ----------
    module
        Names of the flow's module: one of a decorator of the user's needs no dots.

    Raises
    ------
    UnknownStepDecoratorException
        There is none.
    """
    found = _found(name, module)
    if isinstance(found, OwnKind) and not found.for_flows:
        return OwnStepDecorator(found, (), attributes, statically_defined=False)
    if not isinstance(found, type) or not issubclass(found, StepDecorator):
        raise UnknownStepDecoratorException(
            f"`{name}` is no step decorator: neither made by `user_step_decorator`, nor a subclass of "
            "UserStepDecorator."
        )
    return found(attributes, statically_defined=False)


def _found(name: str, module: Mapping[str, object]) -> object:
    if name in BUILT_IN:
        place, _, attribute = BUILT_IN[name].partition(":")
    else:
        place, _, attribute = name.rpartition(".")
        if _is_same(place, module) and isinstance(module.get(attribute), OwnKind):
            return module[attribute]
        if not place:
            from stepwell.definition.announced import ANNOUNCED  # only a mistake pays for it

            if name in ANNOUNCED:
                ANNOUNCED[name].refuse((None, None))
            # Few flows have plugins, and it looks through all that is installed.
            from stepwell.definition.offered import names_offered, offered_step_decorator

            plugin = offered_step_decorator(name)
            if plugin is not None:
                return plugin
            own = (one for one, kind in module.items() if isinstance(kind, OwnKind) and not kind.for_flows)
            known = (*BUILT_IN, *names_offered(), *own)
            advice = f"{did_you_mean(name, known)} There are: {listed(known)}.".strip()
            raise UnknownStepDecoratorException(f"There is no step decorator `{name}`. {advice}")
    try:
        return getattr(import_module(place), attribute)
    except (ImportError, AttributeError) as error:
        raise UnknownStepDecoratorException(
            f"Step decorator `{name}` cannot be imported: {error}. Built in are: {listed(BUILT_IN)}."
        ) from error


def _is_same(place: str, module: Mapping[str, object]) -> bool:
    """Whether a module's name means the flow's, which is imported under another name than its file has."""
    stem = str(module.get("__file__", "")).replace("\\", "/").rpartition("/")[2].removesuffix(".py")
    return place in ("", stem, module.get("__name__"))


Decorators = dict[str, tuple[StepDecorator, ...]]
"""Those of each step, the outermost first."""


def of_source(functions: Mapping[str, Callable[..., Any]], scope: ConfigScope) -> Decorators:
    """Return the decorators that steps have in the source, with their expressions over configs computed.

    Raises
    ------
    FlowError
        One cannot be computed or used.
    """
    return {
        step: () if spec is None else tuple(_ready(one, scope, function) for one in spec.decorators)
        for step, function in functions.items()
        for spec in (spec_of(function),)
    }


def attached(
    decorators: Decorators, with_specs: Sequence[str], scope: ConfigScope, only: str = ""
) -> Decorators:
    """Return the decorators of each step with those of ``with_specs`` behind them.

    The latter are for all steps, or for ``only`` one. A step keeps its own when it carries a decorator of
    that name already; of two specs with one name, the first holds.

    Raises
    ------
    UsageError, FlowError
        There is no such decorator, or it has no such attributes.
    """
    wanted: dict[str, StepDecorator] = {}
    for text in with_specs:
        name, attributes = parse_spec(text)
        try:
            decorator = step_decorator(name, attributes, scope.module).with_configs(scope)
        except FlowError as error:
            # The mistake is not in the flow.
            error.headline, error.message = UsageError.headline, f"`--with {text}`: {error.message}"
            raise
        wanted.setdefault(decorator.name, decorator)
    result: Decorators = {}
    for step, own in decorators.items():
        names = {decorator.name for decorator in own}
        given = wanted if only in ("", step) else {}
        result[step] = (*own, *(decorator for name, decorator in given.items() if name not in names))
    return result


def _ready(decorator: StepDecorator, scope: ConfigScope, function: Callable[..., Any]) -> StepDecorator:
    """Return the decorator with its expressions over configs computed; an error names where the step is."""
    try:
        return decorator.with_configs(scope)
    except FlowError as error:
        code = getattr(function, "__code__", None)
        if isinstance(code, CodeType) and not error.line_no:
            error.source_file, error.line_no = code.co_filename, code.co_firstlineno
        raise
