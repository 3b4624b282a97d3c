"""Reads of artifacts that nothing has set, or that not every way to the step brings."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from stepwell.definition.data_flow.arrivals import Arrivals
from stepwell.definition.data_flow.body import Body, Use
from stepwell.definition.data_flow.methods import Methods
from stepwell.definition.graph import Graph, Node
from stepwell.definition.nearest import did_you_mean
from stepwell.definition.place import place
from stepwell.exceptions import Problem

_OF_THE_FRAMEWORK = frozenset({"_current_step", "_foreach_stack", "_graph", "_graph_info"})
# What an input of a join has beside artifacts.
_OF_INPUTS = frozenset({"index", "input"})
_MOST_STEPS = 8


class DataFlow:
    """The artifacts of a flow, followed along its graph.

    Parameters
    ----------
    bodies
        What each step does.
    caught
        Steps whose failure is no failure of the run.
    """

    def __init__(
        self, graph: Graph, bodies: Mapping[str, Body], methods: Methods, caught: Collection[str] = ()
    ) -> None:
        self._graph, self._bodies, self._methods, self._caught = graph, bodies, methods, caught
        self._arrivals = Arrivals(graph, bodies)

    def problems(self) -> Iterator[Problem]:
        """Yield errors and warnings, step by step."""
        for node in self._graph:
            body = self._bodies[node.name]
            told: set[str] = set()
            for use in sorted(body.reads.values(), key=lambda use: (not use.is_sure, use.line)):
                problem = (
                    None if self._is_known(use.name) or use.name in told else self._of_read(node, body, use)
                )
                if problem is not None:
                    told.add(use.name)
                    yield problem
            for use in sorted(body.of_inputs.values(), key=lambda use: (not use.is_sure, use.line)):
                is_known = use.name in _OF_INPUTS or self._is_known(use.name) or use.name in told
                if not is_known and not self._has(self._arrivals[node.name].ever, use.name):
                    told.add(use.name)
                    yield self._unknown(node, body, use, f"reads `{use.name}` from its inputs")

    def _is_known(self, name: str) -> bool:
        is_mangled = name.startswith("_") and "__" in name
        return is_mangled or name in _OF_THE_FRAMEWORK or self._methods.has(name)

    def _of_read(self, node: Node, body: Body, use: Use) -> Problem | None:
        arrival = self._arrivals[node.name]
        if use.is_own:
            return None
        if not self._has(arrival.ever, use.name):
            if use.name in body.asks:
                return None
            return self._unknown(node, body, use, f"reads `self.{use.name}`")
        # In a helper that several steps call, merges that this step makes are as good as made.
        found = arrival.found[min(use.merges, len(arrival.found) - 1)]
        if self._has(found[1], use.name) or arrival.is_dynamic or body.is_dynamic:
            return None
        if use.is_guarded or use.name in body.asks:
            return None
        may_be_there = self._has(found[0], use.name)
        return self._missing(node, use) if may_be_there else self._dropped(node, use)

    def _unknown(self, node: Node, body: Body, use: Use, reads: str) -> Problem:
        arrival = self._arrivals[node.name]
        may_be_set = arrival.is_dynamic or body.is_dynamic or use.is_guarded or use.name in body.asks
        is_certain = use.is_sure and not may_be_set and node.name not in self._caught
        known = [*self._arrivals.names.listed(arrival.leaves_ever), *self._methods.names()]
        near = did_you_mean(use.name, [name for name in known if name != use.name])
        later = use.name in body.may_set
        rest = (
            f"This step sets it only afterwards: set `self.{use.name}` before."
            if later
            else f"Set `self.{use.name}` in a step before it."
        )
        return Problem(
            what=f"step `{node.name}` {reads}, which no step before it sets",
            where=place(use.file, use.line),
            fix=f"{near} {rest}".strip(),
            rule="unknown-artifact",
            step=node.name,
            severity="error" if is_certain else "warning",
        )

    def _missing(self, node: Node, use: Use) -> Problem:
        way = self._way_without(node, use.name)
        is_sometimes_set = len(way) > 1 and use.name in self._bodies[way[0]].may_set
        why = (
            f"step `{way[0]}` sets it on some of its paths only"
            if is_sometimes_set
            else f"nothing sets it on the way {_shown(way)}"
        )
        what = f"step `{node.name}` reads `self.{use.name}`, which may be missing: {why}"
        fix = f'Set it on every way, or ask `hasattr(self, "{use.name}")` before.'
        return Problem(what, place(use.file, use.line), fix, "artifact-on-some-paths", node.name, "warning")

    def _dropped(self, node: Node, use: Use) -> Problem:
        who, name = self._who_drops(node, use.name), use.name
        if self._graph[who].is_join and name not in self._bodies[who].removes:
            why = f"join `{who}` does not take it over"
            fix = f"Write `self.merge_artifacts(inputs)` or `self.{name} = inputs[0].{name}` in `{who}`."
        else:
            why = f"step `{who}` deletes it"
            fix = "Read it before, or set it again."
        what = f"step `{node.name}` reads `self.{name}`, which does not arrive: {why}"
        return Problem(what, place(use.file, use.line), fix, "artifact-dropped", node.name, "warning")

    def _way_without(self, node: Node, name: str) -> list[str]:
        """Return a way to a step on which nothing surely sets the name, from where it could have been set."""
        way = [node.name]
        while True:
            lacking = [
                parent
                for parent in self._graph.parents[way[0]]
                if parent not in way and not self._has(self._arrivals[parent].leaves_surely, name)
            ]
            if not lacking:
                return way
            way.insert(0, lacking[0])
            if name in self._bodies[lacking[0]].may_set:
                return way

    def _who_drops(self, node: Node, name: str) -> str:
        """Return the step behind which a name is gone, going back from where it is read."""
        seen, waiting = {node.name}, [node.name]
        for step in waiting:
            parents = self._graph.parents[step]
            if any(self._has(self._arrivals[parent].leaves, name) for parent in parents):
                return step
            waiting += [parent for parent in parents if parent not in seen]
            seen.update(parents)
        return node.name

    def _has(self, bits: int, name: str) -> bool:
        return bool(bits & self._arrivals.names.bits([name]))


def _shown(way: list[str]) -> str:
    if len(way) > _MOST_STEPS:
        half = _MOST_STEPS // 2
        way = [*way[:half], "...", *way[-half:]]
    return " -> ".join(way)
