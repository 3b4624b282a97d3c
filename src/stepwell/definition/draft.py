"""A flow whose mutators are at work: what it has from the source, from them and from the command line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from stepwell.definition.attach import Decorators, of_source
from stepwell.definition.config_expression import ConfigScope
from stepwell.definition.decorator import Decorator, FlowDecorator, StepDecorator
from stepwell.definition.own_decorator import OwnDecorator, is_mutator
from stepwell.definition.parameters import MUTATED, Parameter, parameters_of
from stepwell.definition.placing import flow_decorators_of
from stepwell.definition.step import steps_of
from stepwell.exceptions import NotInThisVersion


class Draft:
    """What mutators may change.

    Attributes
    ----------
    parameters
        By attribute.
    flow_decorators, steps
        Decorators of the flow, and of each step, the outermost first.
    """

    def __init__(self, flow_class: type, scope: ConfigScope) -> None:
        self.flow_class: type = flow_class
        self.scope: ConfigScope = scope
        if MUTATED in vars(flow_class):  # by an earlier definition, with other configs
            delattr(flow_class, MUTATED)
        self.parameters: dict[str, Parameter] = {
            parameter.attribute: parameter for parameter in parameters_of(flow_class, scope)
        }
        self.flow_decorators: list[FlowDecorator] = list(flow_decorators_of(flow_class, scope))
        self.steps: dict[str, list[StepDecorator]] = {}
        self.take(of_source(steps_of(flow_class), scope))

    def refuse_packages(self) -> None:
        """Say of a mutator that wants to add to the code package that it cannot.

        Raises
        ------
        NotInThisVersion
        """
        for one, _ in self.mutators():
            if cast("Any", one.kind).add_to_package.__module__ != "stepwell.decorators.mutators":
                raise NotInThisVersion(
                    f"@{one.name} has a method `add_to_package`, which is not called in this version. Put "
                    "the files beside or below the flow's file: they are in the package then."
                )

    def take(self, decorators: Decorators) -> None:
        """Take these as the decorators of the steps."""
        self.steps = {step: list(listed) for step, listed in decorators.items()}

    def decorators(self) -> Decorators:
        """Return the decorators of the steps."""
        return {step: tuple(listed) for step, listed in self.steps.items()}

    def mutators(self) -> Iterator[tuple[OwnDecorator, str]]:
        """Yield each mutator and its step, empty for one of the flow: those first, the innermost first.

        What is added meanwhile comes in its place.
        """
        seen: list[Decorator] = []
        while found := next(self._not_in(seen), None):
            seen.append(found[0])
            yield found

    def _not_in(self, seen: list[Decorator]) -> Iterator[tuple[OwnDecorator, str]]:
        places: list[tuple[str, list[Any]]] = [("", self.flow_decorators), *self.steps.items()]
        for step, listed in places:
            for one in reversed(listed):
                if is_mutator(one) and one not in seen:
                    yield one, step
