"""Decorators of installed distributions, by the names that their entry points give them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from stepwell.definition.decorator import Decorator, FlowDecorator, StepDecorator
from stepwell.definition.placing import as_decorator
from stepwell.exceptions import BadFlowDecoratorException, FlowError, UnknownStepDecoratorException
from stepwell.plugins.offers import PluginFailed, offered, offers

T = TypeVar("T", bound=Decorator)


def offered_step_decorator(name: str) -> type[StepDecorator] | None:
    """Return the class of a step decorator that is installed; None if there is none of the name.

    Raises
    ------
    UnknownStepDecoratorException
        It cannot be used.
    """
    return _loaded("step_decorator", name, StepDecorator, UnknownStepDecoratorException)


def names_offered() -> tuple[str, ...]:
    """Return the names of step decorators that are installed."""
    return tuple(dict.fromkeys(offer.name for offer in offers("step_decorator")))


def offered_decorator(name: str) -> Callable[..., Any] | None:
    """Return what users write after ``@`` for a decorator that is installed; None if there is none.

    Raises
    ------
    UnknownStepDecoratorException, BadFlowDecoratorException
        It cannot be used.
    """
    found = offered_step_decorator(name) or _loaded(
        "flow_decorator", name, FlowDecorator, BadFlowDecoratorException
    )
    return None if found is None else as_decorator(found)


def _loaded(kind: str, name: str, port: type[T], problem: type[FlowError]) -> type[T] | None:
    offer = offered(kind, name)
    if offer is None:
        return None
    try:
        found = offer.load_class(port)
        if getattr(found, "name", None) != name:
            raise PluginFailed(f"its class has the name {getattr(found, 'name', None)!r}")
    except PluginFailed as error:
        raise problem(f"The {offer.title} cannot be used: {error}. {offer.remedy}") from error
    return found
