"""Steps whose tasks run in gangs: what must hold of them and of what stands around them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from stepwell.definition.decorator import StepDecorator
from stepwell.definition.graph import Graph, Node
from stepwell.definition.place import place
from stepwell.definition.transition import Gang, Linear, Way
from stepwell.exceptions import Problem
from stepwell.model.policy import StepPolicy

_MARK = "parallel"
_PLAIN = StepPolicy()

Entries = Mapping[str, Sequence[tuple[Node, Way]]]
"""By step, who leads to it and how."""


def gang_problems(graph: Graph, decorators: Mapping[str, Sequence[StepDecorator]]) -> Iterator[Problem]:
    """Yield what is wrong with the gangs of a graph that is right otherwise."""
    marked = {step for step, own in decorators.items() if any(one.name == _MARK for one in own)}
    entries: dict[str, list[tuple[Node, Way]]] = {name: [] for name in graph.nodes}
    for node in graph:
        for way in node.ways:
            for target in way.targets:
                entries[target].append((node, way))
            if isinstance(way, Gang) and way.target not in marked:
                what = f"`num_parallel` leads to step `{way.target}`, which is not marked with @{_MARK}"
                yield _problem(node, what, f"Put @{_MARK} above `def {way.target}`.", way.line)
    for node in graph:
        if node.name in marked:
            yield from _entry_problems(node, entries)
        if node.name in marked & graph.gangs:
            yield from _problems_of(graph, node, decorators[node.name])


def _entry_problems(node: Node, entries: Entries) -> Iterator[Problem]:
    ways = entries[node.name]
    if not ways:
        what = f"step `{node.name}` is marked with @{_MARK}, but no `num_parallel` leads to it"
        yield _problem(node, what, f"Take @{_MARK} off: nothing leads to the entry step.")
    for source, way in ways:
        if not isinstance(way, Gang):
            who = f"step `{node.name}`, which is marked with @{_MARK}"
            what = f"step `{source.name}` leads to {who}, without `num_parallel`"
            yield _problem(source, what, f"Write `self.next(self.{node.name}, num_parallel=...)`.", way.line)


def _problems_of(graph: Graph, node: Node, decorators: Sequence[StepDecorator]) -> Iterator[Problem]:
    if not (isinstance(node.transition, Linear) and graph[node.transition.target].is_join):
        what = f"step `{node.name}` runs as a gang, and is not followed by a join at once"
        fix = "Lead from it to one step that takes `(self, inputs)`, with `self.next(self.<join>)`."
        yield _problem(node, what, fix, node.transition.line)
    if any(one.contribute(_PLAIN).cache for one in decorators):
        what = f"@cache cannot stand on step `{node.name}`, which runs as a gang"
        fix = "Take @cache off: a task of a gang cannot take a result while the others run."
        yield _problem(node, what, fix)


def _problem(node: Node, what: str, fix: str, line: int = 0) -> Problem:
    return Problem(what=what, where=place(node.file, line or node.line), fix=fix, rule="gang", step=node.name)
