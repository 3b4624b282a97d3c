"""Finds the transition in the body of one step: the forms of ``self.next``, and where it may stand."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Collection
from typing import TypeGuard

from stepwell.definition.body_paths import BodyPaths, does_nothing, paths_of
from stepwell.definition.nearest import did_you_mean, listed
from stepwell.definition.place import place
from stepwell.definition.transition import Case, Foreach, Gang, Linear, Split, Switch, Transition
from stepwell.exceptions import Problem

_OPTIONS = ("foreach", "min_success", "num_parallel")

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
        (ast.IfExp, ast.BoolOp),
        "expression",
        "an expression",
        "Decide with `if` and `else`, and call `self.next` as a statement of its own in each.",
    ),
)


def find_transition(
    step: str,
    definition: ast.FunctionDef | ast.AsyncFunctionDef,
    file: str,
    lines: list[str],
    local_names: Collection[str] = (),
) -> tuple[Transition | None, list[Problem]]:
    """Return the transition at the end of a step's body, if there is one, and what is wrong with it.

    ``local_names`` are those that the body sets.
    """
    reader = _BodyReader(step, definition, file, lines, local_names)
    transition = reader.read()
    return transition, reader.problems


class _BodyReader:
    def __init__(
        self,
        step: str,
        definition: ast.FunctionDef | ast.AsyncFunctionDef,
        file: str,
        lines: list[str],
        local_names: Collection[str],
    ) -> None:
        self.step, self.definition, self.file, self.lines = step, definition, file, lines
        self.local_names = local_names
        arguments = definition.args.posonlyargs + definition.args.args
        self.self_name = arguments[0].arg if arguments else "self"
        self.problems: list[Problem] = []

    def read(self) -> Transition | None:
        tail = self._tail(self.definition.body)
        written = self.lines[self.definition.lineno - 1 : self.definition.end_lineno]
        # Walking a whole body is the dear part, and nearly no step says "next" twice.
        if sum(line.count("next") for line in written) <= (tail is not None):
            return None if tail is None else self._transition(tail)
        paths = paths_of(self.definition.body, self._next_call, self._text)
        self._report_misplaced({id(ending.call.func) for ending in paths.endings}, paths)
        if len(paths.endings) == 1 and (tail is not None or not paths.without):
            return self._transition(paths.endings[0].call)
        return self._choice(paths) if paths.endings else None

    def _tail(self, body: list[ast.stmt]) -> ast.Call | None:
        for position, statement in enumerate(body):
            if isinstance(statement, ast.Return | ast.Raise):
                body = body[: position + 1]
                break
        position = len(body) - 1
        while position > 0 and does_nothing(body[position]):
            position -= 1
        last = body[position]
        return self._tail(last.body) if isinstance(last, ast.With | ast.AsyncWith) else self._next_call(last)

    def _next_call(self, statement: ast.stmt) -> ast.Call | None:
        """Return the transition that a statement is, if it is one."""
        if isinstance(statement, ast.Expr | ast.Return) and isinstance(statement.value, ast.Call):
            return statement.value if self._is_next(statement.value.func) else None
        return None

    def _choice(self, paths: BodyPaths) -> Switch | None:
        """Return what several transitions, each at the end of a path, are together."""
        for line in sorted(set(paths.without)):
            what = "a path through the step ends here without a transition, while others make one"
            fix = "End it with `self.next(...)`, or with `raise`."
            self._problem("path-without-next", what, fix, line)
        cases: list[Case] = []
        for ending in paths.endings:
            found = self._transition(ending.call)
            if isinstance(found, Switch):
                prefix = f"{ending.label} and " if ending.label else ""
                cases += [Case(prefix + case.label, case.way, case.fixed) for case in found.cases]
            elif found is not None:
                cases.append(Case(ending.label, found))
        times = Counter(case.label for case in cases)
        distinct = (
            Case(f"{case.label} (line {case.way.line})", case.way, case.fixed)
            if times[case.label] > 1
            else case
            for case in cases
        )
        return Switch(tuple(distinct), None, paths.endings[0].call.lineno) if cases else None

    def _is_next(self, node: ast.AST) -> bool:
        return (
            isinstance(node, ast.Attribute)
            and node.attr == "next"
            and isinstance(node.value, ast.Name)
            and node.value.id == self.self_name
        )

    def _report_misplaced(self, allowed: set[int], paths: BodyPaths) -> None:
        """Report each ``self.next`` that ends no path, and each after which something still runs."""
        waiting: list[tuple[ast.AST, int]] = [(node, len(_AROUND)) for node in self.definition.body]
        found = [(call.lineno, len(_AROUND)) for call in paths.overrun]
        while waiting:
            node, around = waiting.pop()
            if self._is_next(node) and id(node) not in allowed:
                found.append((getattr(node, "lineno", self.definition.lineno), around))
            inner = min(
                around, next((i for i, row in enumerate(_AROUND) if isinstance(node, row[0])), around)
            )
            waiting.extend((child, inner) for child in ast.iter_child_nodes(node))
        for line, around in sorted(set(found)):
            if around < len(_AROUND):
                _, rule, where, fix = _AROUND[around]
                self._problem(f"next-in-{rule}", f"`self.next` stands inside {where}", fix, line)
            else:
                self._problem(
                    "statement-after-next",
                    "`self.next` is not the last statement of its path through the step",
                    "Move it to the end, or let `return` follow it; one transition is made per execution.",
                    line,
                )

    def _problem(self, rule: str, what: str, fix: str, line: int) -> None:
        where = place(self.file, line)
        self.problems.append(
            Problem(what=f"step `{self.step}`: {what}", where=where, fix=fix, rule=rule, step=self.step)
        )

    def _transition(self, call: ast.Call) -> Transition | None:
        if _is_switch(call):
            from stepwell.definition.switch_reader import SwitchReader  # start-up cost that only switches pay

            return SwitchReader(self.self_name, self.local_names, self._text, self._problem).read(call)
        before = len(self.problems)
        line = call.lineno
        targets = self._targets(call)
        options = self._options(call)
        foreach, min_success = options.get("foreach"), options.get("min_success")
        size = options.get("num_parallel")
        if len(self.problems) > before:
            return None
        if not targets:
            self._problem("no-target", "`self.next` has no target", "Name a step: `self.next(self.a)`.", line)
        elif size is not None:
            return self._gang(targets, size, options, line)
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

    def _options(self, call: ast.Call) -> dict[str, ast.expr]:
        """Return what stands for each option."""
        found: dict[str, ast.expr] = {}
        for keyword in call.keywords:
            name = keyword.arg
            if name in _OPTIONS:
                found[name] = keyword.value
            elif name is None:
                what = "the options of `self.next` are hidden in `**`"
                self._problem(
                    "hidden-options", what, "Write them out: the graph is read from here.", call.lineno
                )
            else:
                known = (*_OPTIONS, "condition", "default")
                fix = did_you_mean(name, known) or f"Known: {listed(known)}."
                self._problem(
                    "unknown-option", f"`self.next` has no option `{name}`", fix, keyword.value.lineno
                )
        return found

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

    def _gang(
        self, targets: tuple[str, ...], size: ast.expr, options: dict[str, ast.expr], line: int
    ) -> Transition | None:
        other = next((name for name in options if name != "num_parallel"), None)
        if other is not None:
            fix = (
                f"Leave one of them out; tasks of a gang succeed or fail together, so `{other}` has no place."
            )
            if other == "foreach":
                fix = "Open the foreach in one step, and the gang in the step that it leads to."
            self._problem("gang-options", f"`num_parallel` stands beside `{other}`", fix, line)
        elif len(targets) != 1:
            fix = "Give one target; all tasks of a gang are of one step."
            self._problem(
                "gang-targets", f"`num_parallel` has {len(targets)} targets instead of one", fix, line
            )
        elif isinstance(size, ast.Constant) and (type(size.value) is not int or size.value < 1):
            fix = "Give a whole number of at least 1, or an expression for one: `num_parallel=self.nodes`."
            what = f"`num_parallel={self._text(size)}` is no number of tasks"
            self._problem("gang-size", what, fix, size.lineno)
        else:
            return Gang(targets[0], self._text(size), line)
        return None

    def _text(self, node: ast.AST) -> str:
        """Return the expression as it stands in the source; over several lines, as Python prints it."""
        if not isinstance(node, ast.expr | ast.pattern):
            return ast.unparse(node)
        if node.lineno != node.end_lineno or node.lineno > len(self.lines):
            return ast.unparse(node)
        # Column offsets count UTF-8 bytes.
        return self.lines[node.lineno - 1].encode()[node.col_offset : node.end_col_offset].decode()


def _is_switch(call: ast.Call) -> bool:
    """Whether a call of ``self.next`` means a switch, rightly or wrongly written."""
    return any(isinstance(argument, ast.Dict) for argument in call.args) or any(
        keyword.arg in ("condition", "default") for keyword in call.keywords
    )
