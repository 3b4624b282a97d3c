"""Graphs of any shape, built as values without source text: for tests and benchmarks of scheduling.

A graph is a chain: a first step, and parts that follow each other. After a split, the join is the step that
the next part starts from; so joins that split again, and an exit step that is a join, come by themselves.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from stepwell.definition.graph import Graph, Node
from stepwell.definition.transition import End, Foreach, Linear, Split


class Then(Struct, frozen=True):
    """One more step, after a linear transition."""


class Fork(Struct, frozen=True):
    """A static split into two or more chains, and its join."""

    branches: tuple[Chain, ...]


class Each(Struct, frozen=True):
    """A foreach over a chain, and its join."""

    body: Chain = ()


Part = Then | Fork | Each
Chain = tuple[Part, ...]


def graph_of(chain: Chain) -> Graph:
    """Return the valid graph of this shape. Its steps are named ``s0``, ``s1``, ... in topological order."""
    nodes: dict[str, Node] = {}
    exit_step = _add_chain(nodes, chain, ())
    return Graph(start="s0", end=exit_step, nodes=nodes)


def _add(nodes: dict[str, Node], splits: tuple[str, ...], closes: str | None = None) -> str:
    name = f"s{len(nodes)}"
    nodes[name] = Node(name, End(), is_join=closes is not None, split=closes, splits=splits)
    return name


def _add_chain(nodes: dict[str, Node], chain: Chain, splits: tuple[str, ...]) -> str:
    """Add a chain and return its last step, of which the transition is still to be set."""
    last = _add(nodes, splits)
    for part in chain:
        last = _add_part(nodes, part, last, splits)
    return last


def _add_part(nodes: dict[str, Node], part: Part, opener: str, splits: tuple[str, ...]) -> str:
    if isinstance(part, Then):
        following = _add(nodes, splits)
        nodes[opener] = replace(nodes[opener], transition=Linear(following))
        return following
    bodies = part.branches if isinstance(part, Fork) else (part.body,)
    firsts: list[str] = []
    lasts: list[str] = []
    for body in bodies:
        firsts.append(f"s{len(nodes)}")
        lasts.append(_add_chain(nodes, body, (*splits, opener)))
    transition = Split(tuple(firsts)) if isinstance(part, Fork) else Foreach(firsts[0], var="items")
    nodes[opener] = replace(nodes[opener], transition=transition)
    join = _add(nodes, splits, closes=opener)
    for last in lasts:
        nodes[last] = replace(nodes[last], transition=Linear(join))
    return join
