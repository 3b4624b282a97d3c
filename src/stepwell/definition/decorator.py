"""What step and flow decorators are: names with checked attributes that write policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, ClassVar, cast

from stepwell.definition.flowspec import FlowSpec
from stepwell.definition.nearest import did_you_mean, listed
from stepwell.definition.place import place
from stepwell.definition.step import spec_of
from stepwell.exceptions import (
    BadFlowDecoratorException,
    BadStepDecoratorException,
    DuplicateFlowDecoratorException,
    DuplicateStepDecoratorException,
    InvalidDecoratorAttribute,
)
from stepwell.model.policy import StepPolicy

_FLOW_MARK = "__stepwell_flow_decorators__"


class Decorator:
    """What both kinds share.

    Attributes
    ----------
    name
        What users write after ``@``.
    defaults
        Every attribute there is, with the value it has when it is left out.
    repeatable
        Whether it may stand several times on one step or flow.
    attributes
        The attributes of this one, defaults filled in.
    """

    name: ClassVar[str]
    defaults: ClassVar[Mapping[str, object]] = {}
    repeatable: ClassVar[bool] = False

    def __init__(self, attributes: Mapping[str, object], statically_defined: bool = True) -> None:
        for given in attributes:
            if given not in self.defaults:
                near = did_you_mean(given, self.defaults)
                known = listed(self.defaults) or "none"
                raise InvalidDecoratorAttribute(
                    f"@{self.name} has no attribute `{given}`. {near} The attributes are: {known}.".replace(
                        "  ", " "
                    )
                )
        self.attributes: dict[str, object] = {**self.defaults, **attributes}
        self.statically_defined = statically_defined
        self.check()

    def check(self) -> None:
        """Raise `InvalidDecoratorAttribute` if a value cannot be used."""

    def number(self, attribute: str) -> float | None:
        """Return an attribute that is a number, possibly as text; None if it is not given."""
        value = self.attributes[attribute]
        if value is None:
            return None
        try:
            number = float(value) if isinstance(value, int | float | str) else None
        except ValueError:
            number = None
        if number is None or not 0 <= number < float("inf"):
            raise InvalidDecoratorAttribute(
                f"@{self.name}: `{attribute}` must be a number that is not negative, but it is {value!r}."
            )
        return number


class StepDecorator(Decorator):
    """A decorator of steps."""

    def contribute(self, policy: StepPolicy) -> StepPolicy:
        """Return the policy with what this decorator asks for added, whatever the order of decorators."""
        return policy


class FlowDecorator(Decorator):
    """A decorator of flows."""


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
        spec = spec_of(function)
        if spec is None:
            raise BadStepDecoratorException(_no_step(kind.name, function))
        if not kind.repeatable and any(known.name == kind.name for known in spec.decorators):
            raise DuplicateStepDecoratorException(
                f"Step `{function.__name__}` ({_where(function)}) has @{kind.name} twice. Leave one out."
            )
        spec.decorators.insert(0, kind(attributes))
        return function

    return decorate if target is None else decorate(target)  # pyright: ignore[reportArgumentType] - checked inside


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
        if not isinstance(flow_class, type):
            raise _no_flow(kind.name, flow_class)
        if not issubclass(flow_class, FlowSpec):
            raise _no_flow(kind.name, cast("object", flow_class))
        known = flow_decorators_of(flow_class)
        if not kind.repeatable and any(other.name == kind.name for other in known):
            raise DuplicateFlowDecoratorException(
                f"Flow {flow_class.__name__} has @{kind.name} twice. Leave one of them out."
            )
        own: tuple[FlowDecorator, ...] = flow_class.__dict__.get(_FLOW_MARK, ())
        setattr(flow_class, _FLOW_MARK, (kind(attributes), *own))
        return flow_class

    return decorate if target is None else decorate(target)


def flow_decorators_of(flow_class: type) -> tuple[FlowDecorator, ...]:
    """Return the decorators of a flow: its own first, then those of its base classes."""
    return tuple(deco for owner in flow_class.__mro__ for deco in vars(owner).get(_FLOW_MARK, ()))


def _no_flow(name: str, target: object) -> BadFlowDecoratorException:
    return BadFlowDecoratorException(
        f"@{name} stands on {_title(target)}, but belongs on a flow: a subclass of FlowSpec."
    )


def _no_step(name: str, function: object) -> str:
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
