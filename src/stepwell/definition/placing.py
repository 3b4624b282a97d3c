"""Puts decorators on the steps and flows of the source, or says why they cannot stand there."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, cast

from stepwell.definition.config_expression import ConfigScope
from stepwell.definition.decorator import Decorator, FlowDecorator, StepDecorator
from stepwell.definition.flowspec import FlowSpec
from stepwell.definition.place import place
from stepwell.definition.step import spec_of
from stepwell.exceptions import (
    BadFlowDecoratorException,
    BadStepDecoratorException,
    DuplicateFlowDecoratorException,
    DuplicateStepDecoratorException,
    FlowError,
    InvalidDecoratorAttribute,
)

_FLOW_MARK = "__stepwell_flow_decorators__"


def decorate_step(kind: type[StepDecorator], target: object, attributes: Mapping[str, object]) -> Any:
    """Put a step decorator on a step; with no target, return what does it.

    Raises
    ------
    BadStepDecoratorException
        The target is no step.
    DuplicateStepDecoratorException
        The step has this decorator already, and it may not repeat.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        return put_on_step(_made(kind, attributes, function), function)

    return decorate if target is None else decorate(target)  # pyright: ignore[reportArgumentType] - checked inside


def _made(
    kind: type[StepDecorator], attributes: Mapping[str, object], function: Callable[..., Any]
) -> StepDecorator:
    """Return the decorator; an error names the step as well."""
    try:
        return kind(attributes)
    except InvalidDecoratorAttribute as error:
        # Only a mistake pays for these.
        from stepwell.definition.parameters import Parameter
        from stepwell.definition.phase_mistakes import used_too_early

        for attribute, value in attributes.items():
            if isinstance(value, Parameter):
                error.message = used_too_early(kind.name, attribute, value)
        error.message += f" It stands on step `{getattr(function, '__name__', function)}`."
        raise


def put_on_step(decorator: StepDecorator, function: Callable[..., Any]) -> Callable[..., Any]:
    """Put a decorator on a step, as the outermost; raises as `decorate_step` does."""
    spec = spec_of(function)
    if spec is None:
        raise BadStepDecoratorException(_no_step(decorator.name, function))
    if not decorator.repeatable and any(known.name == decorator.name for known in spec.decorators):
        raise DuplicateStepDecoratorException(
            f"Step `{function.__name__}` ({_where(function)}) has @{decorator.name} twice. Leave one out."
        )
    spec.decorators.insert(0, decorator)
    return function


def decorate_flow(kind: type[FlowDecorator], target: object, attributes: Mapping[str, object]) -> Any:
    """Put a flow decorator on a flow class; with no target, return what does it.

    Raises
    ------
    BadFlowDecoratorException
        The target is no flow.
    DuplicateFlowDecoratorException
        The flow has this decorator already, and it may not repeat.
    """

    def decorate(flow_class: object) -> object:
        return put_on_flow(kind(attributes), flow_class)

    return decorate if target is None else decorate(target)


def put_on_flow(decorator: FlowDecorator, flow_class: object, on_mixins: bool = False) -> object:
    """Put a decorator on a flow, as the outermost; raises as `decorate_flow` does.

    Parameters
    ----------
    on_mixins
        Any class will do: it acts on the flows that inherit from it.
    """
    if not isinstance(flow_class, type) or not (on_mixins or is_flow(cast("object", flow_class))):
        raise _no_flow(decorator.name, cast("object", flow_class))
    known = flow_decorators_of(flow_class)
    if not decorator.repeatable and any(other.name == decorator.name for other in known):
        raise DuplicateFlowDecoratorException(
            f"Flow {flow_class.__name__} has @{decorator.name} twice. Leave one of them out."
        )
    own: tuple[FlowDecorator, ...] = flow_class.__dict__.get(_FLOW_MARK, ())
    setattr(flow_class, _FLOW_MARK, (decorator, *own))
    return flow_class


def is_flow(target: object) -> bool:
    """Whether it is a flow class."""
    return isinstance(target, type) and issubclass(target, FlowSpec)


def as_decorator(kind: type[Decorator]) -> Callable[..., Any]:
    """Return what users write after ``@`` for a decorator class, bare or with attributes.

    Examples
    --------
    >>> class Polite(StepDecorator):
    ...     name = "polite"
    ...     defaults = {"greeting": "Hello"}
    >>> polite = as_decorator(Polite)
    >>> @polite(greeting="Good morning")
    ... @step
    ... def start(self): ...
    """

    def decorator(target: object = None, /, **attributes: object) -> Any:
        if issubclass(kind, StepDecorator):
            return decorate_step(kind, target, attributes)
        assert issubclass(kind, FlowDecorator), "there are two kinds of decorators"
        return decorate_flow(kind, target, attributes)

    decorator.__name__ = decorator.__qualname__ = kind.name
    decorator.__doc__ = kind.__doc__
    return decorator


def flow_decorators_of(flow_class: type, scope: ConfigScope | None = None) -> tuple[FlowDecorator, ...]:
    """Return the decorators of a flow: its own first, then those of its base classes.

    Parameters
    ----------
    scope
        Configs that expressions are computed from; they stay as they are without it.
    """
    return tuple(
        deco if scope is None else _ready(deco, scope, owner)
        for owner in flow_class.__mro__
        for deco in vars(owner).get(_FLOW_MARK, ())
    )


def _ready(decorator: FlowDecorator, scope: ConfigScope, owner: type) -> FlowDecorator:
    """Return the decorator with its expressions over configs computed; an error names what it stands on."""
    try:
        return decorator.with_configs(scope)
    except FlowError as error:
        if not error.line_no:
            error.source_file = getattr(sys.modules.get(owner.__module__), "__file__", None)
            error.message += f" It stands on class `{owner.__name__}`."
        raise


def _no_flow(name: str, target: object) -> BadFlowDecoratorException:
    return BadFlowDecoratorException(
        f"@{name} stands on {_title(target)}, but belongs on a flow: a subclass of FlowSpec."
    )


def _no_step(name: str, function: object) -> str:
    if isinstance(function, type):
        return f"@{name} stands on class `{function.__name__}`, but belongs on steps: methods with @step."
    return (
        f"@{name} stands on {_title(function)}, which is no step. @step must be the innermost decorator:\n"
        f"    @{name}\n    @step\n    def {getattr(function, '__name__', 'my_step')}(self):"
    )


def _title(target: object) -> str:
    if isinstance(target, FunctionType):
        return f"`{target.__name__}` ({_where(target)})"
    return f"`{getattr(target, '__name__', repr(target))}`"


def _where(function: Callable[..., Any]) -> str:
    code = getattr(function, "__code__", None)
    return "unknown place" if code is None else place(code.co_filename, code.co_firstlineno)
