"""The paths through the body of a step: which transition each ends in, and under what conditions."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from msgspec import Struct, field

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_WEAK = (ast.IfExp, ast.Lambda, ast.NamedExpr)


class Condition(Struct, frozen=True):
    """What a branch stands under; ``is_weak`` if it needs brackets before it is joined to others."""

    text: str
    is_weak: bool = False


_ELSE = Condition("else")
Conditions = tuple[Condition, ...]


class Ending(Struct, frozen=True):
    """A ``self.next`` that paths end in, and the conditions that lead there, outermost first."""

    call: ast.Call
    conditions: Conditions

    @property
    def label(self) -> str:
        """The conditions as one; empty if there are none."""
        if len(self.conditions) == 1:
            return self.conditions[0].text
        return " and ".join(f"({one.text})" if one.is_weak else one.text for one in self.conditions)


class BodyPaths(Struct):
    """Where the paths through a body end.

    Attributes
    ----------
    endings
        Those that end in a transition, in the order of the source.
    without
        Lines in which others end.
    overrun
        Transitions after which something still runs.
    """

    endings: list[Ending] = field(default_factory=list[Ending])
    without: list[int] = field(default_factory=list[int])
    overrun: list[ast.Call] = field(default_factory=list[ast.Call])


def paths_of(
    body: list[ast.stmt], call_of: Callable[[ast.stmt], ast.Call | None], text: Callable[[ast.AST], str]
) -> BodyPaths:
    """Return where the paths through a body end.

    Parameters
    ----------
    call_of
        Gives the transition that a statement is, if it is one.
    text
        Gives the source of a condition.
    """
    walk = _Walk(call_of, text)
    walk.found.without += walk.block(body, ()).open
    return walk.found


class _Fall(Struct):
    """The paths that come to the end of a block: lines of those without a transition, and those with one."""

    open: list[int] = field(default_factory=list[int])
    made: list[ast.Call] = field(default_factory=list[ast.Call])


class _Walk:
    def __init__(
        self, call_of: Callable[[ast.stmt], ast.Call | None], text: Callable[[ast.AST], str]
    ) -> None:
        self.found = BodyPaths()
        self._call_of, self._text = call_of, text

    def block(self, body: list[ast.stmt], conditions: Conditions) -> _Fall:
        fall = _Fall(open=[body[0].lineno])
        is_rest = False
        for statement in body:
            if fall.made and not does_nothing(statement):
                self.found.overrun += fall.made
                fall.made = []
            if not fall.open and not fall.made:
                break
            if isinstance(statement, ast.Return | ast.Raise):
                fall = self._leave(statement, fall, _labelled(conditions, is_rest))
            elif fall.open:
                inner, decides = self._statement(statement, conditions, is_rest)
                fall = _Fall(inner.open, fall.made + inner.made)
                is_rest = is_rest or decides
        return fall

    def _leave(self, statement: ast.Return | ast.Raise, fall: _Fall, conditions: Conditions) -> _Fall:
        if fall.open and isinstance(statement, ast.Return):
            call = self._call_of(statement)
            if call is None:
                self.found.without.append(statement.lineno)
            else:
                self.found.endings.append(Ending(call, conditions))
        return _Fall()

    def _statement(self, statement: ast.stmt, conditions: Conditions, is_rest: bool) -> tuple[_Fall, bool]:
        """Return how paths leave a statement, and whether only some of them do so without a transition."""
        call = self._call_of(statement)
        if call is not None:
            self.found.endings.append(Ending(call, _labelled(conditions, is_rest)))
            return _Fall(made=[call]), False
        if not self._decides(statement):
            return _Fall(open=[statement.lineno]), False
        if isinstance(statement, ast.With | ast.AsyncWith):
            return self.block(statement.body, _labelled(conditions, is_rest)), True
        if not isinstance(statement, ast.If | ast.Match):
            returns = (node for node in _inside(statement) if isinstance(node, ast.Return))
            self.found.without += [node.lineno for node in returns]
            return _Fall(open=[statement.lineno]), False
        whole = _Fall()
        for condition, branch, line in self._branches(statement):
            fall = self.block(branch, (*conditions, condition)) if branch else _Fall(open=[line])
            whole.open += fall.open
            whole.made += fall.made
        return whole, True

    def _branches(self, statement: ast.If | ast.Match) -> Iterator[tuple[Condition, list[ast.stmt], int]]:
        """Yield condition, body and line of each branch; of those that no path takes explicitly, too."""
        if isinstance(statement, ast.Match):
            for case in statement.cases:
                rest = case.guard is None and _takes_all(case.pattern)
                guard = "" if case.guard is None else f" if {self._text(case.guard)}"
                label = Condition(self._text(case.pattern) + guard, isinstance(case.pattern, ast.MatchOr))
                yield _ELSE if rest else label, case.body, case.pattern.lineno
                if rest:
                    return
            yield _ELSE, [], statement.lineno
            return
        while True:
            yield self._condition(statement.test), statement.body, statement.lineno
            after = statement.orelse
            if len(after) != 1 or not isinstance(after[0], ast.If):
                yield _ELSE, after, statement.lineno
                return
            statement = after[0]

    def _condition(self, test: ast.expr) -> Condition:
        is_weak = isinstance(test, _WEAK) or (isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or))
        return Condition(self._text(test), is_weak)

    def _decides(self, statement: ast.stmt) -> bool:
        return any(
            isinstance(node, ast.Return) or (isinstance(node, ast.Expr) and self._call_of(node) is not None)
            for node in _inside(statement)
        )


def _labelled(conditions: Conditions, is_rest: bool) -> Conditions:
    return (*conditions, _ELSE) if is_rest else conditions


def _inside(statement: ast.stmt) -> Iterator[ast.AST]:
    """Yield what a statement holds, functions left out."""
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, _FUNCTIONS):
            yield node
            waiting.extend(ast.iter_child_nodes(node))


def _takes_all(pattern: ast.pattern) -> bool:
    return isinstance(pattern, ast.MatchAs) and (pattern.pattern is None or _takes_all(pattern.pattern))


def does_nothing(statement: ast.stmt) -> bool:
    """Whether a statement after a transition is as good as none."""
    if isinstance(statement, ast.Return):
        return statement.value is None or isinstance(statement.value, ast.Constant)
    return isinstance(statement, ast.Pass)
