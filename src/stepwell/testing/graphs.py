"""Graphs of any shape, built as values without source text: for tests and benchmarks of scheduling.

A graph is a chain: a first step, and parts that follow each other. After a split, the join is the step that
the next part starts from; so joins that split again, and an exit step that is a join, come by themselves.
The last step of a loop decides where it goes; what follows the loop are further ways of the same switch.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from stepwell.definition.graph import Graph, Node
from stepwell.definition.transition import Case, End, Foreach, Gang, Linear, Split, Switch, Way


class Then(Struct, frozen=True):
    """One more step, after a linear transition."""


class Fork(Struct, frozen=True):
    """A static split into two or more chains, and its join."""

    branches: tuple[Chain, ...]


class Each(Struct, frozen=True):
    """A foreach over a chain, and its join."""

    body: Chain = ()


class Together(Struct, frozen=True):
    """A gang of tasks of one step, and its join."""


class Choice(Struct, frozen=True):
    """A switch: a case leads to a chain, opens a split itself, or (None) goes straight on.

    All meet in one more step, unless they ``part``: then each of them goes on to what follows.
    """

    cases: tuple[Chain | Fork | Each | Together | None, ...]
    part: bool = False


class Repeat(Struct, frozen=True):
    """A loop over a chain: a case of its last step leads back to its first one."""

    body: Chain = ()


Part = Then | Fork | Each | Together | Choice | Repeat
Chain = tuple[Part, ...]


class _LooseEnd(Struct, frozen=True):
    """A step, or a case of its switch, of which the way is still to be set."""

    step: str
    case: str = ""


def graph_of(chain: Chain) -> Graph:
    """Return the valid graph of this shape. Its steps are named ``s0``, ``s1``, ... in topological order."""
    nodes: dict[str, Node] = {}
    exit_step = _add_chain(nodes, with_exit(chain), ())[0].step
    return Graph(start="s0", end=exit_step, nodes=nodes)


def with_exit(chain: Chain) -> Chain:
    """Return the chain with one more step if it ends with a loop: the exit decides nothing."""
    return (*chain, Then()) if chain and isinstance(chain[-1], Repeat) else chain


def loops_before(body: Chain) -> int:
    """Return how many loops end in the last step of the body of a loop already."""
    return 1 + loops_before(body[-1].body) if body and isinstance(body[-1], Repeat) else 0


def _add(nodes: dict[str, Node], splits: tuple[str, ...], closes: str | None = None) -> _LooseEnd:
    name = f"s{len(nodes)}"
    nodes[name] = Node(name, End(), is_join=closes is not None, split=closes, splits=splits)
    return _LooseEnd(name)


def _add_chain(nodes: dict[str, Node], chain: Chain, splits: tuple[str, ...]) -> list[_LooseEnd]:
    """Add a chain and return its loose ends; several only if its last part parts."""
    ends = [_add(nodes, splits)]
    for part in chain:
        ends = _add_part(nodes, part, ends[0], splits)
    return ends


def _add_part(nodes: dict[str, Node], part: Part, end: _LooseEnd, splits: tuple[str, ...]) -> list[_LooseEnd]:
    match part:
        case Then():
            return [_meet(nodes, [end], splits)]
        case Fork() | Each() | Together():
            return [_add_split(nodes, part, end, splits)]
        case Choice():
            ends = _add_cases(nodes, part, end, splits)
            return ends if part.part else [_meet(nodes, ends, splits)]
        case Repeat():
            first = Linear(f"s{len(nodes)}")
            last = _add_chain(nodes, part.body, splits)[0].step
            number = loops_before(part.body)
            _lead(nodes, end, first)
            _lead(nodes, _LooseEnd(last, f"again{number}"), first)
            return [_LooseEnd(last, f"out{number}")]


def _add_split(
    nodes: dict[str, Node], part: Fork | Each | Together, end: _LooseEnd, splits: tuple[str, ...]
) -> _LooseEnd:
    firsts: list[str] = []
    lasts: list[_LooseEnd] = []
    for body in _bodies_of(part):
        firsts.append(f"s{len(nodes)}")
        lasts += _add_chain(nodes, body, (*splits, end.step))
    _lead(nodes, end, _opening(part, firsts))
    return _meet(nodes, lasts, splits, closes=end.step)


def _bodies_of(part: Fork | Each | Together) -> tuple[Chain, ...]:
    if isinstance(part, Fork):
        return part.branches
    return (part.body,) if isinstance(part, Each) else ((),)


def _opening(part: Fork | Each | Together, firsts: list[str]) -> Way:
    if isinstance(part, Fork):
        return Split(tuple(firsts))
    return Foreach(firsts[0], var="items") if isinstance(part, Each) else Gang(firsts[0], "size")


def _add_cases(
    nodes: dict[str, Node], choice: Choice, end: _LooseEnd, splits: tuple[str, ...]
) -> list[_LooseEnd]:
    ends: list[_LooseEnd] = []
    for number, case in enumerate(choice.cases):
        own = _LooseEnd(end.step, f"{end.case}case{number}")
        if case is None:
            ends.append(own)
        elif isinstance(case, Fork | Each | Together):
            ends.append(_add_split(nodes, case, own, splits))
        else:
            first = Linear(f"s{len(nodes)}")
            ends += _add_chain(nodes, case, splits)
            _lead(nodes, own, first)
    return ends


def _meet(
    nodes: dict[str, Node], ends: list[_LooseEnd], splits: tuple[str, ...], closes: str | None = None
) -> _LooseEnd:
    """Lead loose ends to one more step; the join of a split, if it closes one."""
    there = _add(nodes, splits, closes)
    for end in ends:
        _lead(nodes, end, Linear(there.step))
    return there


def _lead(nodes: dict[str, Node], end: _LooseEnd, way: Way) -> None:
    node = nodes[end.step]
    if end.case:
        known = node.transition.cases if isinstance(node.transition, Switch) else ()
        nodes[end.step] = replace(node, transition=Switch((*known, Case(end.case, way))))
    else:
        nodes[end.step] = replace(node, transition=way)
