"""Finds the transition in the body of one step: the forms of ``self.next``, and where it may stand."""

from __future__ import annotations

import ast
from typing import TypeGuard

from stepwell.definition.nearest import did_you_mean
from stepwell.definition.place import place
from stepwell.definition.transition import Foreach, Linear, Split, Transition
from stepwell.exceptions import Problem

_NOT_YET = ("condition", "default", "num_parallel")

# What a statement around `self.next` is called, and what to do instead.
_AROUND: tuple[tuple[tuple[type[ast.AST], ...], str, str, str], ...] = (
    ((ast.For, ast.AsyncFor, ast.While), "loop", "a loop", "Make the transition after the loop."),
    ((ast.Try, ast.TryStar), "try", "a `try`", "Make the transition after the `try` statement."),
    (
        (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef),
        "function",
        "a nested function or class",
        "Call `self.next` directly in the body of the step.",
    ),
    ((ast.Lambda,), "lambda", "a lambda", "Call `self.next` directly in the body of the step."),
    (
        (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
        "comprehension",
        "a comprehension",
        "Call `self.next` as a statement of its own.",
    ),
    (
        (ast.If, ast.Match, ast.IfExp),
        "branch",
        "`if` or `match`, which this version does not support yet",
        "Make one transition, as the last statement of the step.",
    ),
)


def find_transition(
    step: str, definition: ast.FunctionDef | ast.AsyncFunctionDef, file: str, lines: list[str]
) -> tuple[Transition | None, list[Problem]]:
    """Return the transition at the end of a step's body, if there is one, and what is wrong with it."""
    reader = _BodyReader(step, definition, file, lines)
    transition = reader.read()
    return transition, reader.problems


class _BodyReader:
    def __init__(
        self, step: str, definition: ast.FunctionDef | ast.AsyncFunctionDef, file: str, lines: list[str]
    ) -> None:
        self.step, self.definition, self.file, self.lines = step, definition, file, lines
        arguments = definition.args.posonlyargs + definition.args.args
        self.self_name = arguments[0].arg if arguments else "self"
        self.problems: list[Problem] = []

    def read(self) -> Transition | None:
        tail = self._tail(self.definition.body)
        transition = None if tail is None else self._transition(tail)
        written = self.lines[self.definition.lineno - 1 : self.definition.end_lineno]
        # Walking a whole body is the dear part, and nearly no step says "next" twice.
        if sum(line.count("next") for line in written) > (tail is not None):
            self._report_misplaced(tail)
        return transition

    def _tail(self, body: list[ast.stmt]) -> ast.Call | None:
        for position, statement in enumerate(body):
            if isinstance(statement, ast.Return | ast.Raise):
                body = body[: position + 1]
                break
        position = len(body) - 1
        while position > 0 and _does_nothing(body[position]):
            position -= 1
        last = body[position]
        if isinstance(last, ast.With | ast.AsyncWith):
            return self._tail(last.body)
        if isinstance(last, ast.Expr | ast.Return) and isinstance(last.value, ast.Call):
            return last.value if self._is_next(last.value.func) else None
        return None

    def _is_next(self, node: ast.AST) -> bool:
        return (
            isinstance(node, ast.Attribute)
            and node.attr == "next"
            and isinstance(node.value, ast.Name)
            and node.value.id == self.self_name
        )

    def _report_misplaced(self, tail: ast.Call | None) -> None:
        allowed = None if tail is None else tail.func
        waiting: list[tuple[ast.AST, int]] = [(node, len(_AROUND)) for node in self.definition.body]
        found: list[tuple[int, int]] = []
        while waiting:
            node, around = waiting.pop()
            if self._is_next(node) and node is not allowed:
                found.append((getattr(node, "lineno", self.definition.lineno), around))
            inner = min(
                around, next((i for i, row in enumerate(_AROUND) if isinstance(node, row[0])), around)
            )
            waiting.extend((child, inner) for child in ast.iter_child_nodes(node))
        for line, around in sorted(found):
            if around < len(_AROUND):
                _, rule, where, fix = _AROUND[around]
                self._problem(f"next-in-{rule}", f"`self.next` stands inside {where}", fix, line)
            else:
                self._problem(
                    "statement-after-next",
                    "`self.next` is not the last statement of the step",
                    "Move it to the end of the step; one transition is made per execution.",
                    line,
                )

    def _problem(self, rule: str, what: str, fix: str, line: int) -> None:
        where = place(self.file, line)
        self.problems.append(
            Problem(what=f"step `{self.step}`: {what}", where=where, fix=fix, rule=rule, step=self.step)
        )

    def _transition(self, call: ast.Call) -> Transition | None:
        before = len(self.problems)
        line = call.lineno
        targets = self._targets(call)
        foreach, min_success = self._options(call)
        if len(self.problems) > before:
            return None
        if not targets:
            self._problem("no-target", "`self.next` has no target", "Name a step: `self.next(self.a)`.", line)
        elif foreach is not None:
            return self._foreach(targets, foreach, min_success, line)
        elif min_success is not None:
            fix = "Leave it out, or open a foreach."
            self._problem("min-success", "`min_success` is for a foreach", fix, min_success.lineno)
        elif len(targets) == 1:
            return Linear(targets[0], line)
        elif twice := next((name for i, name in enumerate(targets) if name in targets[:i]), None):
            fix = "Name each step once; for several tasks of one step use `foreach=`."
            self._problem("target-twice", f"`self.next` has the target `{twice}` twice", fix, line)
        else:
            return Split(targets, line)
        return None

    def _targets(self, call: ast.Call) -> tuple[str, ...]:
        targets: list[str] = []
        for argument in call.args:
            if self._is_self_attribute(argument):
                targets.append(argument.attr)
                continue
            text = self._text(argument)
            fix = "Write each target as `self.<step>`."
            what = f"the target `{text}` is not of the form `self.<step>`"
            if isinstance(argument, ast.Dict):
                what = "a switch (`self.next({...}, condition=...)`) is not supported by this version yet"
                fix = "Make one transition, and decide inside the steps."
                self._problem("switch-unsupported", what, fix, argument.lineno)
                continue
            if isinstance(argument, ast.Call) and self._is_self_attribute(argument.func):
                fix = (
                    f"Write `{self._text(argument.func)}`, without parentheses: the step is not called here."
                )
            self._problem("target-form", what, fix, argument.lineno)
        return tuple(targets)

    def _is_self_attribute(self, node: ast.AST) -> TypeGuard[ast.Attribute]:
        return (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and (node.value.id == self.self_name)
        )

    def _options(self, call: ast.Call) -> tuple[ast.expr | None, ast.expr | None]:
        """Return what stands for ``foreach`` and ``min_success``."""
        foreach = min_success = None
        for keyword in call.keywords:
            name = keyword.arg
            if name == "foreach":
                foreach = keyword.value
            elif name == "min_success":
                min_success = keyword.value
            elif name in _NOT_YET:
                what = f"`{name}=` is not supported by this version yet"
                self._problem("option-unsupported", what, "Leave it out.", keyword.value.lineno)
            elif name is None:
                what = "the options of `self.next` are hidden in `**`"
                self._problem(
                    "hidden-options", what, "Write them out: the graph is read from here.", call.lineno
                )
            else:
                fix = did_you_mean(name, ("foreach", "min_success")) or "Known: `foreach`, `min_success`."
                self._problem(
                    "unknown-option", f"`self.next` has no option `{name}`", fix, keyword.value.lineno
                )
        return foreach, min_success

    def _foreach(
        self, targets: tuple[str, ...], items: ast.expr, min_success: ast.expr | None, line: int
    ) -> Transition | None:
        least = None if min_success is None else self._text(min_success)
        if len(targets) != 1:
            fix = "Give one target; split statically in the step that it leads to."
            self._problem(
                "foreach-targets", f"`foreach` has {len(targets)} targets instead of one", fix, line
            )
            return None
        if not isinstance(items, ast.Constant):
            return Foreach(targets[0], expr=self._text(items), min_success=least, line=line)
        if isinstance(items.value, str) and items.value.isidentifier():
            return Foreach(targets[0], var=items.value, min_success=least, line=line)
        fix = 'Give the name of an artifact, `foreach="items"`, or something iterable, `foreach=range(8)`.'
        self._problem("foreach-items", f"`foreach={items.value!r}` names no artifact", fix, line)
        return None

    def _text(self, node: ast.expr) -> str:
        """Return the expression as it stands in the source; over several lines, as Python prints it."""
        if node.lineno != node.end_lineno or node.lineno > len(self.lines):
            return ast.unparse(node)
        # Column offsets count UTF-8 bytes.
        return self.lines[node.lineno - 1].encode()[node.col_offset : node.end_col_offset].decode()


def _does_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Return):
        return statement.value is None or isinstance(statement.value, ast.Constant)
    return isinstance(statement, ast.Pass)
