"""Nodes and graph: frozen, sorted, queried. No printing, no validation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from msgspec import Struct, field

from stepwell.definition.transition import End, Foreach, Split, Transition


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
    file: str = ""
    line: int = 0
    doc: str = ""

    @property
    def targets(self) -> tuple[str, ...]:
        return self.transition.targets

    @property
    def is_foreach(self) -> bool:
        return isinstance(self.transition, Foreach)

    @property
    def is_split(self) -> bool:
        """Whether branches start here, static or foreach."""
        return isinstance(self.transition, Split | Foreach)

    @property
    def is_end(self) -> bool:
        return isinstance(self.transition, End)


class Graph(Struct, frozen=True, dict=True):
    """The steps of a flow and how they lead to each other.

    ``nodes`` iterates in topological order from ``start``; only valid graphs are made.
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
        """For each splitting step, the join that closes its split."""
        return {node.split: node.name for node in self if node.split is not None}
