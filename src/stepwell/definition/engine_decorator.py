"""Decorators that send the tasks of a step to an engine, and what cannot stand beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from msgspec.structs import replace

from stepwell.definition.decorator import StepDecorator
from stepwell.definition.graph import Graph
from stepwell.definition.needs import NEEDS, larger
from stepwell.definition.place import place
from stepwell.exceptions import InvalidDecoratorAttribute, Problem
from stepwell.model.policy import StepPolicy


class EngineDecorator(StepDecorator):
    """The base of decorators such as ``@slurm``: the tasks of the step run on the engine of that name.

    Those of its attributes that ``@resources`` has as well (``cpu``, ``gpu``, ``disk``, ``memory``,
    ``shared_memory``) mean the same: the larger value holds. One may also be a text that is no number, for
    the engine to understand; then nobody else may state another. All attributes that are given and are no
    number of these are handed to the engine, as ``policy.engine_options``.

    Attributes
    ----------
    engine
        Name of the engine: that of its entry point, for one of a plugin.
    """

    engine: ClassVar[str]

    def check(self) -> None:
        for name in self._needs():
            value = self.attributes[name]
            if value is not None and not isinstance(value, int | float | str):
                raise InvalidDecoratorAttribute(
                    f"@{self.name}: `{name}` must be a number or a text, but it is {value!r}."
                )
            if as_number(value) is not None:
                self.number(name)

    def contribute(self, policy: StepPolicy) -> StepPolicy:
        numbers = {name: as_number(self.attributes[name]) for name in self._needs()}
        options = {
            name: value
            for name, value in self.attributes.items()
            if value is not None and numbers.get(name) is None
        }
        resources = larger(policy.resources, numbers)
        return replace(policy, engine=self.engine, engine_options=options, resources=resources)

    def _needs(self) -> Iterator[str]:
        return (name for name in NEEDS if name in self.defaults)


def as_number(value: object) -> float | None:
    """Return an attribute as a number, possibly given as text; None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def engine_problems(graph: Graph, decorators: Mapping[str, Sequence[StepDecorator]]) -> Iterator[Problem]:
    """Yield what is wrong with where the steps are to run, and with what they ask for there."""
    for step, listed in decorators.items():
        engines = [one for one in listed if isinstance(one, EngineDecorator)]
        for engine in engines[:1]:
            for what in (*_second_engines(engine, engines[1:]), *_contradictions(engine, listed)):
                yield Problem(
                    what=f"step {step!r} {what}",
                    fix="Leave one of the two out.",
                    where=place(graph[step].file, graph[step].line),
                    rule="engine-conflict",
                    step=step,
                )


def _second_engines(engine: EngineDecorator, others: Sequence[EngineDecorator]) -> Iterator[str]:
    for other in others:
        yield f"is sent to two engines, by @{engine.name} and by @{other.name}"


def _contradictions(engine: EngineDecorator, listed: Sequence[StepDecorator]) -> Iterator[str]:
    """Yield each need that is stated twice and cannot be compared."""
    for other in listed:
        for name in NEEDS:
            ours, theirs = engine.attributes.get(name), other.attributes.get(name)
            if other is engine or ours is None or theirs is None or ours == theirs:
                continue
            if other.name != "resources" and not isinstance(other, EngineDecorator):
                continue  # an attribute of the same name that may mean anything
            if as_number(ours) is None or as_number(theirs) is None:
                yield (
                    f"states `{name}` twice, and the values cannot be compared: {ours!r} by @{engine.name} "
                    f"and {theirs!r} by @{other.name}"
                )
