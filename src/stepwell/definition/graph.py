"""Nodes and graph: frozen, sorted, queried. No printing, no validation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from msgspec import Struct, field

from stepwell.definition.transition import End, Foreach, Gang, Split, Switch, Transition, Way, ways_of
from stepwell.exceptions import StepwellInternalError
from stepwell.model.task import TransitionTaken


class Node(Struct, frozen=True):
    """One step as the graph knows it.

    Attributes
    ----------
    name
        The step's name.
    transition
        What stands at the end of its body.
    is_join
        Whether the step takes ``inputs``.
    split
        For a join: the step that opened the split which this step closes.
    splits
        Names of the steps whose splits enclose this step, outermost first.
    loops
        First steps of the loops that this step is in, outermost first.
    file, line
        Where the step's ``def`` stands.
    doc
        Its docstring, cleaned; empty if there is none.
    """

    name: str
    transition: Transition
    is_join: bool = False
    split: str | None = None
    splits: tuple[str, ...] = ()
    loops: tuple[str, ...] = ()
    file: str = ""
    line: int = 0
    doc: str = ""

    @property
    def targets(self) -> tuple[str, ...]:
        return self.transition.targets

    @property
    def ways(self) -> tuple[Way, ...]:
        """What the step may do when it has ended: one thing, unless it is a switch."""
        return ways_of(self.transition)

    def way_of(self, taken: TransitionTaken) -> Way | None:
        """Return the way that a task went; None if the step has no such way."""
        if isinstance(self.transition, Switch):
            fitting = [
                case
                for case in self.transition.cases
                if (case.way.kind, case.way.targets) == (taken.kind, taken.targets)
            ]
            named = [case.way for case in fitting if case.label == taken.case]
            return (named or [case.way for case in fitting] or [None])[0]
        way = self.transition
        return way if (way.kind, way.targets) == (taken.kind, taken.targets) else None

    def way_named(self, case: str) -> tuple[Way, str]:
        """Return the way of a case and its label; of a step that is no switch, its only way.

        Raises
        ------
        StepwellInternalError
            The switch has no such case.
        """
        if not isinstance(self.transition, Switch):
            return self.transition, ""
        for known in self.transition.cases:
            if known.label == case:
                return known.way, case
        raise StepwellInternalError(f"the switch of step {self.name} has no case {case!r}")

    def foreach_variable(self, taken: TransitionTaken | None) -> str | None:
        """Return the artifact that a task iterated over; None if it gave the items, or opened no foreach."""
        way = None if taken is None else self.way_of(taken)
        return way.var if isinstance(way, Foreach) else None

    @property
    def is_switch(self) -> bool:
        return isinstance(self.transition, Switch)

    @property
    def is_foreach(self) -> bool:
        """Whether a foreach may start here."""
        return any(isinstance(way, Foreach) for way in self.ways)

    def iterates(self, target: str) -> bool:
        """Whether a foreach that may start here leads to a step."""
        return any(isinstance(way, Foreach) and target in way.targets for way in self.ways)

    @property
    def opens_gang(self) -> bool:
        """Whether a gang may start here."""
        return any(isinstance(way, Gang) for way in self.ways)

    @property
    def is_split(self) -> bool:
        """Whether branches may start here: static, of a foreach, or the tasks of a gang."""
        return any(isinstance(way, Split | Foreach | Gang) for way in self.ways)

    @property
    def is_end(self) -> bool:
        return isinstance(self.transition, End)


class Graph(Struct, frozen=True, dict=True):
    """The steps of a flow and how they lead to each other.

    ``nodes`` iterates from ``start`` in topological order, in which what leads back in a loop does not count;
    only valid graphs are made.
    """

    start: str
    end: str
    nodes: Mapping[str, Node] = field(default_factory=dict[str, Node])

    def __getitem__(self, step: str) -> Node:
        return self.nodes[step]

    def __contains__(self, step: object) -> bool:
        return step in self.nodes

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes.values())

    def __len__(self) -> int:
        return len(self.nodes)

    @cached_property
    def parents(self) -> Mapping[str, tuple[str, ...]]:
        """For each step, the steps that lead to it, in graph order."""
        found: dict[str, list[str]] = {name: [] for name in self.nodes}
        for node in self:
            for target in node.targets:
                found[target].append(node.name)
        return {name: tuple(sources) for name, sources in found.items()}

    @cached_property
    def join_of(self) -> Mapping[str, str]:
        """For each splitting step, the join that closes its split; of several, the last in graph order."""
        return {node.split: node.name for node in self if node.split is not None}

    @cached_property
    def gangs(self) -> frozenset[str]:
        """The steps whose tasks run in gangs."""
        return frozenset(way.target for node in self for way in node.ways if isinstance(way, Gang))

    def join_after(self, opener: str, branch: str) -> str:
        """Return the join that closes the split of a step one of whose branches begins with ``branch``.

        Only the cases of a switch may have several.
        """
        found = {branch} if self.nodes[opener].is_switch else set[str]()
        waiting = list(found)
        for name in waiting:
            if self.nodes[name].split == opener:
                return name
            new = set(self.nodes[name].targets) - found
            found |= new
            waiting += new
        return self.join_of[opener]
