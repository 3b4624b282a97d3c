"""``@step`` marks the methods of a flow that are its steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from stepwell.exceptions import BadStepDecoratorException

if TYPE_CHECKING:
    from stepwell.definition.decorator import StepDecorator

_MARK = "__stepwell_step__"

StepFunction = TypeVar("StepFunction", bound=Callable[..., Any])


class StepSpec:
    """What ``@step`` and the decorators around it say of one function.

    Attributes
    ----------
    start, end
        Whether the step is marked as the entry or the exit.
    node_info
        Data that the user attaches to the node.
    priority
        Of tasks that are ready, those with a higher one start first.
    decorators
        Step decorators of the source, the outermost first.
    """

    __slots__ = ("decorators", "end", "node_info", "priority", "start")

    def __init__(
        self, start: bool, end: bool, node_info: Mapping[str, object] | None, priority: int = 0
    ) -> None:
        self.start = start
        self.end = end
        self.priority = priority
        self.node_info: dict[str, object] = dict(node_info or {})
        self.decorators: list[StepDecorator] = []


@overload
def step(function: StepFunction, /) -> StepFunction: ...
@overload
def step(
    *,
    start: bool = False,
    end: bool = False,
    node_info: Mapping[str, object] | None = None,
    priority: int = 0,
) -> Callable[[StepFunction], StepFunction]: ...
def step(
    function: Callable[..., Any] | None = None,
    /,
    *,
    start: bool = False,
    end: bool = False,
    node_info: Mapping[str, object] | None = None,
    priority: int = 0,
) -> Callable[..., Any]:
    """Mark a method as a step of its flow. Must stand innermost, directly above ``def``.

    Parameters
    ----------
    start, end
        Make this step the entry or the exit of the flow, whatever its name.
    node_info
        JSON-able data that is kept with the step in ``_graph_info``.
    priority
        A whole number. Of tasks that are ready, those with a higher one start first, then older ones.

    Examples
    --------
    >>> class Hello(FlowSpec):
    ...     @step
    ...     def start(self):
    ...         self.next(self.end)
    ...
    ...     @step
    ...     def end(self):
    ...         print("done")
    """

    if type(priority) is not int:
        raise BadStepDecoratorException(f"@step: `priority` must be a whole number, but it is {priority!r}.")

    def mark(marked: Callable[..., Any]) -> Callable[..., Any]:
        if not isinstance(marked, FunctionType):
            raise BadStepDecoratorException(
                f"@step stands on {marked!r}, which is no function. Put @step directly above the step's "
                "`def`, and every other decorator above @step."
            )
        setattr(marked, _MARK, StepSpec(start, end, node_info, priority))
        setattr(marked, "name", marked.__name__)  # noqa: B010 - functions have no such declared attribute
        return marked

    return mark if function is None else mark(function)


def spec_of(value: object) -> StepSpec | None:
    """Return what ``@step`` said of a function or bound method, or None if it is no step."""
    return getattr(value, _MARK, None)


def steps_of(flow_class: type) -> dict[str, Callable[..., Any]]:
    """Return the step functions of a class by name: those of base classes first, in the order of the source.

    A name that a subclass defines again means the subclass's, as everywhere in Python.
    """
    found: dict[str, Callable[..., Any]] = {}
    for owner in reversed(flow_class.__mro__):
        for name, value in vars(owner).items():
            if isinstance(value, FunctionType) and spec_of(value) is not None:
                found[name] = value
            elif name in found:
                del found[name]
    return found
