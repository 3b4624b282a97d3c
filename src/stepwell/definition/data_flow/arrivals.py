"""Which artifacts arrive at each step: what its body does, followed along the graph.

Sets of names are bits of a number, so that the cost of a step hardly grows with the number of names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from stepwell.definition.data_flow.body import Body, Merge
from stepwell.definition.graph import Graph, Node


class Names:
    """Numbers the names, each by a bit."""

    def __init__(self) -> None:
        self._bits: dict[str, int] = {}

    def bits(self, names: Iterable[str]) -> int:
        """Return a set of names as a number."""
        found = 0
        for name in names:
            found |= self._bits.setdefault(name, 1 << len(self._bits))
        return found

    def listed(self, bits: int) -> Iterator[str]:
        """Yield the names in a set."""
        return (name for name, bit in self._bits.items() if bits & bit)


class Arrival(Struct):
    """What a step finds, and what it leaves.

    Attributes
    ----------
    ever
        Names that a step before may have set, whatever has become of them.
    found
        For each number of merges that have been made: what may be there, and what surely is.
    leaves_ever, leaves, leaves_surely
        The same for the steps after it.
    is_dynamic
        A step before may have set names that the source does not say.
    """

    ever: int = 0
    found: Sequence[tuple[int, int]] = ((0, 0),)
    leaves_ever: int = 0
    leaves: int = 0
    leaves_surely: int = 0
    is_dynamic: bool = False
    leaves_dynamic: bool = False


class _Effect(Struct, frozen=True):
    may_set: int
    sets: int
    removes: int
    merges: tuple[tuple[int | None, int], ...]
    is_dynamic: bool


class Arrivals:
    """Follows artifacts along a graph.

    Attributes
    ----------
    visits
        How often a step was looked at; more often than once only in loops.
    """

    def __init__(self, graph: Graph, bodies: Mapping[str, Body]) -> None:
        self.graph = graph
        self.names = Names()
        self.visits = 0
        self._steps: dict[str, Arrival] = {}
        effects = {name: self._effect(body) for name, body in bodies.items()}
        has_changed = True
        while has_changed:
            has_changed = False
            for node in graph:
                self.visits += 1
                arrival = self._arrive(node, effects[node.name])
                has_changed = has_changed or arrival != self._steps.get(node.name)
                self._steps[node.name] = arrival
            has_changed = has_changed and any(node.loops for node in graph)

    def __getitem__(self, step: str) -> Arrival:
        return self._steps[step]

    def _effect(self, body: Body) -> _Effect:
        bits = self.names.bits
        return _Effect(
            bits(body.may_set),
            bits(body.sets),
            bits(body.removes),
            tuple(self._merge(merge) for merge in body.merges),
            body.is_dynamic,
        )

    def _merge(self, merge: Merge) -> tuple[int | None, int]:
        return None if merge.only is None else self.names.bits(merge.only), self.names.bits(merge.but)

    def _arrive(self, node: Node, effect: _Effect) -> Arrival:
        # In a loop, what leads back has not been visited the first time, and takes nothing away then.
        before = [self._steps[name] for name in self.graph.parents[node.name] if name in self._steps]
        ever = may = 0
        surely = -1 if before else 0
        for one in before:
            ever |= one.leaves_ever
            may |= one.leaves
            surely &= one.leaves_surely
        if node.is_join:
            found = _merged(effect, may, _any(one.leaves_surely for one in before))
        else:
            found = ((may, surely),) * (len(effect.merges) + 1)
        is_dynamic = any(one.leaves_dynamic for one in before)
        may, surely = found[-1]
        return Arrival(
            ever=ever,
            found=found,
            leaves_ever=ever | effect.may_set,
            leaves=(may | effect.may_set) & ~effect.removes,
            leaves_surely=(surely | effect.sets) & ~effect.removes,
            is_dynamic=is_dynamic,
            leaves_dynamic=is_dynamic or effect.is_dynamic,
        )


def _merged(effect: _Effect, may: int, surely: int) -> tuple[tuple[int, int], ...]:
    """Return what is there before each merge and after the last; a join begins with nothing."""
    found = [(0, 0)]
    for only, but in effect.merges:
        taken = ~but if only is None else only & ~but
        found.append((found[-1][0] | may & taken, found[-1][1] | surely & taken))
    return tuple(found)


def _any(sets: Iterable[int]) -> int:
    found = 0
    for one in sets:
        found |= one
    return found
