"""From what a mutator names, as an object or as a text, to the decorator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, cast

from stepwell.definition.attach import parse_spec, step_decorator
from stepwell.definition.config_expression import ConfigScope
from stepwell.definition.decorator import FlowDecorator, StepDecorator
from stepwell.definition.flowspec import FlowSpec
from stepwell.definition.nearest import did_you_mean, listed
from stepwell.definition.own_decorator import OwnFlowDecorator, OwnKind, OwnStepDecorator
from stepwell.definition.placing import flow_decorators_of
from stepwell.definition.step import spec_of, step
from stepwell.exceptions import (
    BadFlowDecoratorException,
    BadStepDecoratorException,
    FlowError,
    UnknownFlowDecoratorException,
    UsageError,
)

Named = dict[str, object]

# Names and not imports: a decorator is loaded when it is used, and its module lies above this one.
_FLOW_DECORATORS: Mapping[str, str] = {"exit_hook": "stepwell.decorators.exit_hook"}


def step_decorator_of(
    given: Any, args: tuple[object, ...], named: Named, scope: ConfigScope, step_name: str
) -> StepDecorator:
    """Return a decorator of steps with its arguments, for this step.

    Raises
    ------
    FlowError
        There is no such decorator, or it cannot have these arguments.
    """
    if isinstance(given, str):
        name, named = _parsed(given, args, named)
        found = step_decorator(name, named, scope.module)
        given = found.kind if isinstance(found, OwnStepDecorator) else type(found)
    if isinstance(given, OwnKind) and not given.for_flows:
        return OwnStepDecorator(given, args, named)
    put_on = _by_name_only(given, args, "steps")
    if isinstance(given, type) and issubclass(given, StepDecorator):
        return given(named)

    @step
    def probe(self: object) -> None:
        del self

    # What users write after `@` is a function; what it puts on a step is the decorator.
    probe.__name__ = step_name
    try:
        put_on(**named)(probe)
    except BadFlowDecoratorException:
        raise _no_decorator(put_on, "steps") from None
    spec = spec_of(probe)
    if spec is None or not spec.decorators:
        raise _no_decorator(put_on, "steps")
    return spec.decorators[0]


def flow_decorator_of(
    given: Any, args: tuple[object, ...], named: Named, scope: ConfigScope
) -> FlowDecorator:
    """Return a decorator of flows with its arguments; raises as `step_decorator_of` does."""
    if isinstance(given, str):
        name, named = _parsed(given, args, named)
        given = _flow_decorator(name, scope)
    if isinstance(given, OwnKind) and given.for_flows:
        return OwnFlowDecorator(given, args, named)
    put_on = _by_name_only(given, args, "flows")
    if isinstance(given, type) and issubclass(given, FlowDecorator):
        return given(named)

    class Probe(FlowSpec):
        """Takes the decorator, as `probe` does above."""

    try:
        put_on(**named)(Probe)
    except BadStepDecoratorException:
        raise _no_decorator(put_on, "flows") from None
    found = flow_decorators_of(Probe)
    if not found:
        raise _no_decorator(put_on, "flows")
    return found[0]


def _parsed(text: str, args: tuple[object, ...], named: Named) -> tuple[str, Named]:
    try:
        name, attributes = parse_spec(text, "add_decorator: ")
    except UsageError as error:
        raise FlowError(error.message) from None
    if attributes and (args or named):
        raise FlowError(f"add_decorator: {text!r} has arguments already. Give all of them in one place.")
    return name, attributes or named


def _by_name_only(given: Any, args: tuple[object, ...], what: str) -> Callable[..., Any]:
    if not callable(given) or isinstance(given, OwnKind):
        raise _no_decorator(given, what)
    if args:
        name = getattr(given, "__name__", repr(given))
        raise FlowError(f"add_decorator: @{name} takes its arguments by name only: use `deco_kwargs`.")
    return cast("Callable[..., Any]", given)


def _no_decorator(given: object, what: str) -> FlowError:
    return FlowError(f"add_decorator: {getattr(given, '__name__', repr(given))} is no decorator of {what}.")


def _flow_decorator(name: str, scope: ConfigScope) -> object:
    module, _, attribute = name.rpartition(".")
    module = module or _FLOW_DECORATORS.get(name, "")
    if not module:
        found = scope.module.get(name)
        if isinstance(found, OwnKind):
            return found
        advice = f"{did_you_mean(name, _FLOW_DECORATORS)} There are: {listed(_FLOW_DECORATORS)}.".strip()
        raise UnknownFlowDecoratorException(f"There is no flow decorator `{name}`. {advice}")
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise UnknownFlowDecoratorException(
            f"Flow decorator `{name}` cannot be imported: {error}."
        ) from error
