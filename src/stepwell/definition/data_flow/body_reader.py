"""Reads what a method does with artifacts from its syntax tree: the statements, in the order of execution."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from stepwell.definition.data_flow.body import Body
from stepwell.definition.data_flow.expression_reader import ExpressionReader, FlowMembers

# Of other context managers it is not known whether they suppress what is raised inside.
_LET_THROUGH = frozenset(
    {
        "NamedTemporaryFile",
        "Pool",
        "ProcessPoolExecutor",
        "S3",
        "TemporaryDirectory",
        "TemporaryFile",
        "ThreadPoolExecutor",
        "ZipFile",
        "catch_warnings",
        "closing",
        "connect",
        "nullcontext",
        "open",
        "redirect_stderr",
        "redirect_stdout",
        "urlopen",
    }
)


def read_body(
    definition: ast.FunctionDef | ast.AsyncFunctionDef,
    file: str,
    members: FlowMembers,
    is_step: bool = False,
    has_inputs: bool = False,
) -> Body:
    """Return what a method does.

    Parameters
    ----------
    members
        What the flow's class has, for what the method calls.
    is_step
        Its second argument, if there is one, are the inputs of a join; ``has_inputs`` if that is never
        without any.
    """
    own, inputs = arguments_of(definition)
    reader = _BodyReader(file, own, inputs if is_step else "", has_inputs, members)
    try:
        falls_out = reader.block(definition.body)
    except RecursionError:  # a sum of a thousand terms
        return Body(is_dynamic=True, may_set=names_set(definition, own))
    return reader.path.finish(falls_out)


def arguments_of(definition: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[str, str]:
    """Return the names of the first two arguments; empty where there is none."""
    names = [one.arg for one in (*definition.args.posonlyargs, *definition.args.args)]
    return (names[0] if names else "", names[1] if len(names) > 1 else "")


def names_set(node: ast.AST, own: str) -> set[str]:
    """Return the artifacts that are set anywhere inside."""
    return {
        one.attr
        for one in ast.walk(node)
        if isinstance(one, ast.Attribute)
        and isinstance(one.ctx, ast.Store)
        and isinstance(one.value, ast.Name)
        and one.value.id == own
    }


class _BodyReader(ExpressionReader):
    """Each method for a statement returns False if no path comes out at its end."""

    def block(self, statements: Sequence[ast.stmt]) -> bool:
        """Read statements; return whether a path comes out at their end."""
        return all(self.visit(statement) is not False for statement in statements)

    def visit_Return(self, node: ast.Return) -> bool:
        if node.value is not None:
            self.visit(node.value)
        self.path.leave()
        return False

    def visit_Raise(self, node: ast.Raise) -> bool:
        self.generic_visit(node)
        return False

    def visit_Break(self, node: ast.Break) -> bool:
        del node
        return False

    def visit_Continue(self, node: ast.Continue) -> bool:
        del node
        return False

    def visit_Assert(self, node: ast.Assert) -> None:
        self.visit(node.test)
        if node.msg is not None:
            with self.path.conditionally(is_choice=True):
                self.visit(node.msg)

    def visit_If(self, node: ast.If) -> bool:
        self.visit(node.test)
        return self._ways([node.body, node.orelse])

    def visit_Match(self, node: ast.Match) -> bool:
        self.visit(node.subject)
        for case in node.cases:
            with self.path.conditionally(is_choice=True):
                self.visit(case.pattern)
                if case.guard is not None:
                    self.visit(case.guard)
        last = node.cases[-1]
        takes_all = last.guard is None and isinstance(last.pattern, ast.MatchAs) and not last.pattern.pattern
        return self._ways([*(case.body for case in node.cases), *([] if takes_all else [[]])])

    def _ways(self, blocks: Sequence[Sequence[ast.stmt]]) -> bool:
        """Read blocks of which one is executed."""
        before, ends = self.path.snapshot(), list[set[str]]()
        for block in blocks:
            self.path.go_on_from(before)
            with self.path.conditionally(is_choice=True):
                if self.block(block):
                    ends.append(self.path.snapshot())
        self.path.go_on_from(before)
        self.path.come_together(ends)
        return bool(ends)

    def visit_For(self, node: ast.For) -> None:
        self._for(node)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> None:
        self._for(node)

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit(node.iter)
        with self.path.conditionally():
            self.visit(node.target)
        self.note_inputs(node.target, node.iter)
        self._loop(node.body, node.orelse, surely=self.surely_loops(node.iter))

    def visit_While(self, node: ast.While) -> None:
        self.visit(node.test)
        self._loop(node.body, node.orelse)

    def _loop(self, body: Sequence[ast.stmt], after: Sequence[ast.stmt], surely: bool = False) -> None:
        for statement in body:  # what comes later in the body has been executed in the round before
            self.path.body.may_set |= names_set(statement, self.own)
        leaves = any(isinstance(node, ast.Break | ast.Continue) for one in body for node in ast.walk(one))
        with self.path.conditionally(unless=surely and not leaves):
            self.block(body)
        with self.path.conditionally():
            self.block(after)

    def visit_With(self, node: ast.With) -> bool:
        return self._with(node)

    def visit_AsyncWith(self, node: ast.AsyncWith) -> bool:
        return self._with(node)

    def _with(self, node: ast.With | ast.AsyncWith) -> bool:
        for item in node.items:
            self.visit(item.context_expr)
            if item.optional_vars is not None:
                self.visit(item.optional_vars)
        lets_through = all(_last_name(item.context_expr) in _LET_THROUGH for item in node.items)
        with self.path.conditionally(unless=lets_through, is_choice=True):
            return self.block(node.body)

    def visit_Try(self, node: ast.Try) -> bool:
        return self._try(node)

    def visit_TryStar(self, node: ast.TryStar) -> bool:
        return self._try(node)

    def _try(self, node: ast.Try | ast.TryStar) -> bool:
        if not node.handlers:
            goes_on = self.block([*node.body, *node.orelse])
            return self.block(node.finalbody) and goes_on
        before, ends = self.path.snapshot(), list[set[str]]()
        with self.path.tried():
            goes_on = self.block(node.body)
        with self.path.conditionally(is_choice=True):
            if goes_on and self.block(node.orelse):
                ends.append(self.path.snapshot())
            for handler in node.handlers:
                self.path.go_on_from(before)
                if handler.type is not None:
                    self.visit(handler.type)
                if self.block(handler.body):
                    ends.append(self.path.snapshot())
        self.path.go_on_from(before)
        self.path.come_together(ends)
        return self.block(node.finalbody) and bool(ends)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self.visit(target)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        # Inside of functions, the annotation is not evaluated.
        if node.value is not None:
            self.visit(node.value)
            self.visit(node.target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Attribute):
            self.attribute(node.target, ast.Load())
        self.visit(node.value)
        self.visit(node.target)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._function(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for decorator in node.decorator_list:
            self.visit(decorator)
        self.defaults(node.args)
        if not self.is_hidden_by(node.args):
            with self.path.later():
                self.block(node.body)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for part in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(part)
        with self.path.conditionally():
            self.block(node.body)


def _last_name(node: ast.expr) -> str:
    """Return ``c`` of ``a.b.c(...)``; empty for anything else."""
    if not isinstance(node, ast.Call):
        return ""
    func = node.func
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
