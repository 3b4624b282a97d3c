"""Classes that users write to change flows and steps before they are checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from stepwell.definition.own_decorator import Own

if TYPE_CHECKING:
    from stepwell.definition.mutable_flow import MutableFlow, MutableStep

_Function = TypeVar("_Function", bound=Callable[..., Any])
_Flow = TypeVar("_Flow", bound=type)


class StepMutator(Own):
    """Subclass it to change steps by code of yours: ``@Name`` or ``@Name(...)`` above ``@step``.

    Examples
    --------
    >>> class Patient(StepMutator):
    ...     def mutate(self, mutable_step):
    ...         if not mutable_step.has_decorator("timeout"):
    ...             mutable_step.add_decorator("retry", deco_kwargs={"times": 5})
    """

    if TYPE_CHECKING:

        def __init__(self, *args: Any, **kwargs: Any) -> None: ...

        def __call__(self, target: _Function) -> _Function: ...

    def pre_mutate(self, mutable_step: MutableStep) -> None:
        """Change the step as soon as the configs are known, after all mutators of flows."""

    def mutate(self, mutable_step: MutableStep) -> None:
        """Change the step once the command line is read."""

    def add_to_package(self) -> Iterable[tuple[Any, ...]]:
        """Yield ``(content, name, kind)`` for what belongs to the code package as well."""
        return ()


class FlowMutator(Own):
    """Subclass it to change flows by code of yours: ``@Name`` or ``@Name(...)`` above the class.

    On a base class it acts on each flow that inherits from it.

    Examples
    --------
    >>> class Standard(FlowMutator):
    ...     def pre_mutate(self, mutable_flow):
    ...         mutable_flow.add_parameter("team", Parameter("team", default="none"))
    ...
    ...     def mutate(self, mutable_flow):
    ...         for name, step in mutable_flow.steps:
    ...             step.add_decorator("retry", deco_kwargs={"times": 2})
    """

    for_flows: bool = True

    if TYPE_CHECKING:

        def __init__(self, *args: Any, **kwargs: Any) -> None: ...

        def __call__(self, target: _Flow) -> _Flow: ...

    def pre_mutate(self, mutable_flow: MutableFlow) -> None:
        """Change the flow as soon as the configs are known: parameters, decorators, mutators, steps."""

    def mutate(self, mutable_flow: MutableFlow) -> None:
        """Change the decorators of steps once the command line is read."""

    def add_to_package(self) -> Iterable[tuple[Any, ...]]:
        """Yield ``(content, name, kind)`` for what belongs to the code package as well."""
        return ()
