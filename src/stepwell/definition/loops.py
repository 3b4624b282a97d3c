"""Loops in a graph: which steps they hold, and where they begin. Without recursion."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping

from msgspec import Struct, field

from stepwell.definition.paths import Targets


class Loop(Struct, frozen=True):
    """Steps that lead back to ``first``, the one that comes first in the flow."""

    first: str
    steps: frozenset[str]


class Loops(Struct, frozen=True):
    """The loops of a graph, outer ones before those inside them.

    Attributes
    ----------
    around
        For each step of a loop, the first steps of the loops that it is in, outermost first.
    forward
        The graph without the transitions that lead back to the first step of a loop: it has no cycle.
    """

    loops: tuple[Loop, ...]
    forward: Targets
    around: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


def find_loops(start: str, targets: Targets, among: Collection[str]) -> Loops:
    """Return the loops of these steps, all of which can be reached from ``start``."""
    distance = _distances(start, targets)
    forward = {name: targets[name] for name in among}
    found: list[Loop] = []
    around: dict[str, tuple[str, ...]] = {}
    waiting = deque([frozenset(among)])
    while waiting:
        for steps in _tangles(waiting.popleft(), forward):
            first = min(steps, key=distance.__getitem__)
            found.append(Loop(first, steps))
            for name in steps:
                around[name] = (*around.get(name, ()), first)
                if first in forward[name]:
                    forward[name] = tuple(target for target in forward[name] if target != first)
            waiting.append(steps - {first})
    return Loops(tuple(found), forward, around)


def _distances(start: str, targets: Targets) -> dict[str, int]:
    """Return the steps that can be reached, numbered in the order of their distance from ``start``."""
    found = {start: 0}
    waiting = deque([start])
    while waiting:
        for target in targets[waiting.popleft()]:
            if target not in found:
                found[target] = len(found)
                waiting.append(target)
    return found


def _tangles(among: frozenset[str], targets: Targets) -> Iterator[frozenset[str]]:
    """Yield the largest sets of steps of which each leads to each, itself included."""
    sources: dict[str, list[str]] = {name: [] for name in among}
    for name in among:
        for target in targets[name]:
            if target in sources:
                sources[target].append(name)
    left = set(among)
    for root in reversed(_finished(among, targets)):
        if root in left:
            # Of those that lead to it, what is left is led to by it as well (Kosaraju).
            steps = _taken(root, sources, left)
            if len(steps) > 1 or root in targets[root]:
                yield steps


def _taken(root: str, sources: Mapping[str, list[str]], left: set[str]) -> frozenset[str]:
    """Take out of ``left`` what leads to ``root`` within it."""
    left.discard(root)
    waiting = [root]
    for name in waiting:
        new = [source for source in sources[name] if source in left]
        left.difference_update(new)
        waiting += new
    return frozenset(waiting)


def _finished(among: frozenset[str], targets: Targets) -> list[str]:
    """Return the steps in the order in which a depth-first walk has seen all that follows them."""
    seen: set[str] = set()
    finished: list[str] = []
    for root in sorted(among):
        calls = [] if root in seen else [(root, iter(targets[root]))]
        seen.add(root)
        while calls:
            name, rest = calls[-1]
            target = next((one for one in rest if one in among and one not in seen), None)
            if target is None:
                calls.pop()
                finished.append(name)
            else:
                seen.add(target)
                calls.append((target, iter(targets[target])))
    return finished
