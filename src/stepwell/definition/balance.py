"""Splits and joins must balance, like brackets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from stepwell.definition.graph import Node
from stepwell.definition.nearest import listed
from stepwell.definition.place import place
from stepwell.definition.transition import Foreach, Gang, Split
from stepwell.exceptions import Problem


class _Level(Struct):
    """The splits that are open on a path: the innermost one, its branch and kind, and what encloses it."""

    splits: tuple[str, ...] = ()
    branch: str = ""
    kind: str = ""
    outer: _Level | None = None

    @property
    def key(self) -> tuple[str | None, str, str]:
        """Tells levels apart: a step that opens a split stands on one level itself."""
        return self.split, self.branch, self.kind

    @property
    def split(self) -> str | None:
        return self.splits[-1] if self.splits else None


class _Walk(Struct):
    nodes: Mapping[str, Node]
    end: str
    # Who leads to a step, and on which level. None: something before is wrong.
    entered: dict[str, list[tuple[str, _Level | None]]] = field(
        default_factory=dict[str, list[tuple[str, "_Level | None"]]]
    )
    # The level on which each step was entered.
    levels: dict[str, _Level | None] = field(default_factory=dict[str, "_Level | None"])
    placed: dict[str, Node] = field(default_factory=dict[str, Node])
    problems: list[Problem] = field(default_factory=list[Problem])


def balance(nodes: Mapping[str, Node], end: str) -> tuple[dict[str, Node], list[Problem]]:
    """Return the nodes with their splits filled in, and what is wrong with splits and joins.

    Assumes that nodes stand after those that lead to them, but for loops, and no path but from the first.
    """
    walk = _Walk(nodes, end)
    for node in nodes.values():
        entries = walk.entered.pop(node.name, [("", _Level())])
        before = len(walk.problems)
        walk.problems += _entry_problems(walk, node, entries)
        broken = len(walk.problems) > before or any(level is None for _, level in entries)
        walk.levels[node.name] = None if broken else entries[0][1]
        _leave(walk, node, walk.levels[node.name])
    return walk.placed, walk.problems


def _leave(walk: _Walk, node: Node, level: _Level | None) -> None:
    closed = None
    if node.is_join and level is not None:
        closed, level = level.split, level.outer
    splits = () if level is None else level.splits
    walk.placed[node.name] = replace(node, split=closed, splits=splits)
    if node.name == walk.end and level is not None and level.split is not None:
        opener = walk.nodes[level.split]
        what = f"the split that step `{opener.name}` opens is not joined before the exit `{walk.end}`"
        fix = "Lead its branches to one step that takes `(self, inputs)`."
        walk.problems.append(_problem(opener, "split-not-joined", what, fix, opener.transition.line))
    inner = None if level is None else (*level.splits, node.name)
    for way in node.ways:
        for target in way.targets:
            after = level
            if isinstance(way, Split | Foreach | Gang) and inner is not None:
                after = _Level(inner, target, way.kind, level)
            if target in walk.levels:
                walk.problems += _backward_problems(walk, node, target, after)
            else:
                walk.entered.setdefault(target, []).append((node.name, after))


def _backward_problems(walk: _Walk, node: Node, target: str, level: _Level | None) -> Iterator[Problem]:
    there = walk.levels[target]
    if level is None or there is None or level.key == there.key:
        return
    what = (
        f"step `{node.name}` {_branch(level)} leads back to step `{target}` {_branch(there)}: "
        "a loop stays in its branch"
    )
    fix = "Close splits that were opened in the loop before it begins again."
    yield _problem(node, "cycle", what, fix, node.transition.line)


def _entry_problems(walk: _Walk, node: Node, entries: list[tuple[str, _Level | None]]) -> Iterator[Problem]:
    if not node.is_join:
        known = {level.key: level for _, level in entries if level is not None}
        if len({level.splits for level in known.values()}) > 1:
            what = f"step `{node.name}` is entered with different splits open: {_branches(entries)}"
            fix = "Ways that come together must have opened and joined the same splits."
            yield _problem(node, "uneven-ways", what, fix)
        elif len(known) > 1:
            what = f"step `{node.name}` is entered from {listed(_names(entries))}, but it is no join"
            yield _problem(node, "not-a-join", what, f"Write `def {node.name}(self, inputs)`.")
        return
    levels = [level for _, level in entries if level is not None]
    if len(levels) < len(entries):
        return
    open_splits = list(dict.fromkeys(level.split for level in levels))
    if open_splits == [None]:
        what = f"join `{node.name}` has no split to close"
        fix = f"Write `def {node.name}(self)`, or open a split before it."
        yield _problem(node, "join-without-split", what, fix)
    elif len(open_splits) > 1:
        what = f"join `{node.name}` joins branches of different splits: {_branches(entries)}"
        yield _problem(
            node, "unrelated-branches", what, "Close the inner split with a join of its own first."
        )
    else:
        yield from _branch_problems(walk.nodes[str(open_splits[0])], node, entries, levels)


def _branch_problems(
    opener: Node, join: Node, entries: list[tuple[str, _Level | None]], levels: list[_Level]
) -> Iterator[Problem]:
    if any(source == opener.name for source in _names(entries)):
        kind = "foreach" if opener.is_foreach else "gang" if opener.opens_gang else "split"
        what = f"the {kind} of step `{opener.name}` leads directly to its join `{join.name}`"
        fix = "Put at least one step between them."
        yield _problem(opener, "empty-branch", what, fix, opener.transition.line)
        return
    found = {level.branch for level in levels}
    for way in opener.ways:
        missing = [branch for branch in way.targets if branch not in found]
        if missing and len(missing) < len(way.targets):
            what = (
                f"join `{join.name}` does not get every branch of the split in `{opener.name}`: "
                f"expected {listed(way.targets)}, found {listed(b for b in way.targets if b in found)}"
            )
            yield _problem(join, "missing-branch", what, f"Lead {listed(missing)} to `{join.name}` too.")


def _names(entries: list[tuple[str, _Level | None]]) -> list[str]:
    return list(dict.fromkeys(source for source, _ in entries))


def _branches(entries: list[tuple[str, _Level | None]]) -> str:
    return "; ".join(f"`{source}` {_branch(level)}" for source, level in entries if level is not None)


def _branch(level: _Level) -> str:
    return f"(split `{level.split}`, branch `{level.branch}`)" if level.split else "(no split)"


def _problem(node: Node, rule: str, what: str, fix: str, line: int = 0) -> Problem:
    where = place(node.file, line or node.line)
    return Problem(what=what, where=where, fix=fix, rule=rule, step=node.name)
