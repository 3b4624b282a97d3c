"""Reads what expressions do with artifacts: attributes of ``self``, calls of methods, inputs of a join."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Protocol

from stepwell.definition.data_flow.body import Body, Merge
from stepwell.definition.data_flow.path import PathThroughBody

# These look at the flow and set nothing.
_HARMLESS = frozenset({"bool", "id", "isinstance", "print", "repr", "str"})
_ASKS = frozenset({"hasattr", "getattr"})
_CHANGES = frozenset({"setattr", "delattr"})
_UNREADABLE = frozenset({"eval", "exec", "vars", "locals", "globals"})


class FlowMembers(Protocol):
    """What the class of the flow has, as one of its methods sees it."""

    def body_of(self, name: str, above: bool = False) -> Body | None:
        """Return what a method or property does; None if there is none of this name.

        ``above``: as ``super()`` finds it.
        """
        ...

    def is_property(self, name: str) -> bool:
        """Whether reading the name calls something."""
        ...

    def setter_of(self, name: str) -> Body | None:
        """Return what setting the name calls; None if that sets an artifact and no more."""
        ...

    def is_class(self, name: str) -> bool:
        """Whether the class, or one of its bases, has this name."""
        ...


class ExpressionReader(ast.NodeVisitor):
    """Visits expressions in the order in which they are evaluated.

    Parameters
    ----------
    own, inputs
        What the method calls the flow, and the inputs of a join; empty if it takes none.
    has_inputs
        A loop over the inputs is executed at least once.
    """

    def __init__(self, file: str, own: str, inputs: str, has_inputs: bool, members: FlowMembers) -> None:
        self.path = PathThroughBody(file)
        self.own = own
        self.inputs = inputs
        self.members = members
        self._has_inputs = has_inputs
        self._input_names: set[str] = set()

    def visit_Name(self, node: ast.Name) -> None:
        if node.id == self.own or self.members.is_class(node.id):
            self.path.body.is_dynamic = True  # who has the flow, or its class, may do anything to it
        if node.id == self.own:
            return
        if isinstance(node.ctx, ast.Load):
            self.path.look_up(node.id, node.lineno)
        else:
            self._input_names.discard(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.attribute(node, node.ctx)

    def attribute(self, node: ast.Attribute, ctx: ast.expr_context) -> None:
        """Read an attribute in a context that may differ from its own, as ``+=`` has it."""
        if not self._is_own(node.value):
            if isinstance(ctx, ast.Load) and self._is_input(node.value):
                self.path.use(self.path.body.of_inputs, node.attr, node.lineno)
            self.visit(node.value)
        elif node.attr.startswith("__"):
            self.path.body.is_dynamic = True
        elif isinstance(ctx, ast.Store):
            self._write(node.attr, node.lineno)
        elif isinstance(ctx, ast.Del):
            self.path.delete(node.attr, node.lineno)
        else:
            self._read(node.attr, node.lineno)

    def _read(self, name: str, line: int) -> None:
        body = self.members.body_of(name)
        if body is None:
            self.path.read(name, line)
        elif self.members.is_property(name):
            self.path.called(body)
        else:  # handed on, to be called by somebody
            with self.path.later():
                self.path.called(body)

    def _write(self, name: str, line: int) -> None:
        self.path.write(name, line)
        setter = self.members.setter_of(name)
        if setter is not None:
            self.path.called(setter)

    def visit_Call(self, node: ast.Call) -> None:
        func = node.func
        if isinstance(func, ast.Name):
            self._call_by_name(node, func.id)
        elif isinstance(func, ast.Attribute) and self._is_own(func.value):
            self._call_own(node, func.attr)
        elif isinstance(func, ast.Attribute) and _is_super(func.value):
            self._call_above(node, func.attr)
        else:
            self.generic_visit(node)

    def _call_by_name(self, node: ast.Call, name: str) -> None:
        self.visit(node.func)
        first = node.args[0] if node.args else None
        key = node.args[1] if len(node.args) > 1 else None
        text = key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None
        if name in _UNREADABLE:
            self.path.body.is_dynamic = True
        if first is None or not (self._is_own(first) or self._is_input(first)):
            self._visit_all(node.args, node.keywords)
            return
        is_own = self._is_own(first)
        if name not in _HARMLESS | _ASKS and (name not in _CHANGES or text is None):
            self.visit(first)
        self._visit_all(node.args[1:], node.keywords)
        if text is None:
            return
        if name == "hasattr" or (name == "getattr" and len(node.args) > 2):
            self.path.body.asks.add(text)
        elif name == "getattr":
            if is_own:
                self._read(text, node.lineno)
            else:
                self.path.use(self.path.body.of_inputs, text, node.lineno)
        elif name == "setattr" and is_own:
            self._write(text, node.lineno)
        elif name == "delattr" and is_own:
            self.path.delete(text, node.lineno)

    def _call_own(self, node: ast.Call, name: str) -> None:
        if name == "next":
            self._next(node)
            return
        self._visit_all(node.args, node.keywords)
        if name.startswith("__"):
            self.path.body.is_dynamic = True
        elif name == "merge_artifacts":
            self.path.merge(_merge_of(node))
        else:
            body = self.members.body_of(name)
            if body is None or self.members.is_property(name):
                self._read(name, node.lineno)
            else:
                self.path.called(body)

    def _call_above(self, node: ast.Call, name: str) -> None:
        self._visit_all(node.args, node.keywords)
        body = self.members.body_of(name, above=True)
        if body is not None:
            self.path.called(body)
        elif name.startswith("__"):
            self.path.body.is_dynamic = True

    def _next(self, node: ast.Call) -> None:
        """Visit all of a transition but its targets."""
        for argument in node.args:
            if isinstance(argument, ast.Dict):
                self._visit_all([key for key in argument.keys if key is not None], ())
        for keyword in node.keywords:
            value = keyword.value
            if keyword.arg in ("foreach", "condition") and isinstance(value, ast.Constant):
                if isinstance(value.value, str):
                    self._read(value.value, value.lineno)
            elif keyword.arg != "default":
                self.visit(value)

    def _visit_all(self, arguments: Sequence[ast.AST], keywords: Sequence[ast.AST]) -> None:
        for argument in (*arguments, *keywords):
            self.visit(argument)

    # What is not always evaluated

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        self._first_surely(node.values)

    def visit_Compare(self, node: ast.Compare) -> None:
        self.visit(node.left)
        self._first_surely(node.comparators)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._first_surely([node.test, node.body, node.orelse])

    def _first_surely(self, nodes: Sequence[ast.AST]) -> None:
        self.visit(nodes[0])
        with self.path.conditionally(is_choice=True):
            for node in nodes[1:]:
                self.visit(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.defaults(node.args)
        if not self.is_hidden_by(node.args):
            with self.path.later():
                self.visit(node.body)

    def defaults(self, arguments: ast.arguments) -> None:
        """Visit the defaults of a function's arguments."""
        for default in (*arguments.defaults, *arguments.kw_defaults):
            if default is not None:
                self.visit(default)

    def is_hidden_by(self, arguments: ast.arguments) -> bool:
        """Whether an inner function calls something else what the method calls the flow."""
        every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
        return any(one.arg == self.own for one in every)

    def visit_ListComp(self, node: ast.ListComp) -> None:
        self._comprehension(node.generators, [node.elt])

    def visit_SetComp(self, node: ast.SetComp) -> None:
        self._comprehension(node.generators, [node.elt])

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        self._comprehension(node.generators, [node.elt])

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._comprehension(node.generators, [node.key, node.value])

    def _comprehension(self, generators: Sequence[ast.comprehension], results: Sequence[ast.expr]) -> None:
        self.visit(generators[0].iter)
        names = set(self._input_names)
        with self.path.conditionally(unless=self.surely_loops(generators[0].iter)):
            for place, generator in enumerate(generators):
                if place:
                    self.visit(generator.iter)
                self.visit(generator.target)
                self.note_inputs(generator.target, generator.iter)
            is_plain = len(generators) == 1 and not generators[0].ifs
            with self.path.conditionally(unless=is_plain):
                self._visit_all([test for generator in generators for test in generator.ifs], ())
                self._visit_all(results, ())
        self._input_names = names

    # Inputs of a join

    def note_inputs(self, target: ast.expr, items: ast.expr) -> None:
        """Remember the variable of a loop over the inputs."""
        counted = _counted(items)
        if counted is not None:
            if isinstance(target, ast.Tuple) and len(target.elts) == 2:
                self.note_inputs(target.elts[1], counted)
        elif isinstance(target, ast.Name) and self._is_inputs(items):
            self._input_names.add(target.id)

    def surely_loops(self, items: ast.expr) -> bool:
        """Whether a loop is over the inputs, of which there is one at least."""
        return self._has_inputs and self._is_inputs(_counted(items) or items)

    def _is_input(self, node: ast.expr) -> bool:
        """Whether the expression is one of the inputs."""
        if isinstance(node, ast.Name):
            return node.id in self._input_names
        if isinstance(node, ast.Subscript):
            return self._is_inputs(node.value) and not isinstance(node.slice, ast.Slice)
        return isinstance(node, ast.Attribute) and self._is_inputs(node.value) and node.attr != "failed"

    def _is_inputs(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and node.id == self.inputs

    def _is_own(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and node.id == self.own


def _counted(node: ast.expr) -> ast.expr | None:
    """Return ``a`` of ``enumerate(a)``."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or not node.args:
        return None
    return node.args[0] if node.func.id == "enumerate" else None


def _is_super(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"


def _merge_of(node: ast.Call) -> Merge:
    given = {keyword.arg: keyword.value for keyword in node.keywords}
    for place, name in ((1, "exclude"), (2, "include")):
        if len(node.args) > place:
            given[name] = node.args[place]
    only, but = given.get("include"), given.get("exclude")
    return Merge(
        _texts(only) if only is not None else None, (_texts(but) or frozenset()) if but else frozenset()
    )


def _texts(node: ast.expr) -> frozenset[str] | None:
    """Return the texts of a list that is written out; None for anything else."""
    if not isinstance(node, ast.List | ast.Tuple | ast.Set):
        return None
    texts = [one.value for one in node.elts if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return frozenset(texts) if len(texts) == len(node.elts) else None
