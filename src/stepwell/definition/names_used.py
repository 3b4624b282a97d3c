"""Which names a piece of code takes from outside itself, by Python's rules of scope."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct, field

Path = tuple[str, ...]
"""A dotted name, such as ``("helpers", "scaled")``."""


class Import(Struct, frozen=True):
    """What a name that is imported stands for: ``module``, or ``name`` in it. ``level`` counts the dots."""

    module: str
    name: str = ""
    level: int = 0


class Uses(Struct):
    """What a piece of code takes from outside.

    Attributes
    ----------
    paths
        Dotted names that begin with one that is not bound inside.
    own
        Attributes of the first parameter (``self``) of a method.
    inherited
        Attributes of ``super()``.
    imports
        What is imported inside of functions, by the name that it gets.
    mentions
        The names of all attributes, and all texts, whatever they are of.
    self_escapes
        Whether the first parameter is used otherwise than for its attributes: whoever gets it may use any.
    """

    paths: set[Path] = field(default_factory=set[Path])
    own: set[str] = field(default_factory=set[str])
    inherited: set[str] = field(default_factory=set[str])
    imports: dict[str, list[Import]] = field(default_factory=dict[str, list[Import]])
    mentions: set[str] = field(default_factory=set[str])
    self_escapes: bool = False


def uses_of(nodes: Iterable[ast.AST], of_class: bool = False) -> Uses:
    """Return what the nodes, definitions or statements of a module, use.

    Parameters
    ----------
    of_class
        They stand in the body of a class: a function's first parameter is ``self``.
    """
    uses = Uses()
    for node in nodes:
        outer = _Scope(uses)
        try:
            outer.visit(node)
        except RecursionError:  # a sum of a thousand terms: then every name in it counts
            outer.loads |= {(one.id,) for one in ast.walk(node) if isinstance(one, ast.Name)}
            uses.own |= {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)}
        if of_class and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            _take_own(outer, node.args)
        uses.paths |= outer.free
    return uses


def imports_of(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, Import]]:
    """Yield each name that the statement binds (``*`` for all there are) and what it stands for."""
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            yield alias.asname or alias.name, Import(node.module or "", alias.name, node.level)
        elif alias.asname:
            yield alias.asname, Import(alias.name)
        else:
            top = alias.name.partition(".")[0]
            yield top, Import(top)


def names_in_target(target: ast.AST) -> Iterator[str]:
    """Yield the names that an assignment to this binds, or whose values it changes."""
    for node in ast.walk(target):
        if isinstance(node, ast.Name):
            yield node.id


def _take_own(outer: _Scope, arguments: ast.arguments) -> None:
    """Say what the method in this scope uses of its first parameter."""
    name = next((one.arg for one in (*arguments.posonlyargs, *arguments.args)), "")
    uses, method = outer.uses, outer.last_inside
    for path in method.loads | method.of_functions if name and method is not None else ():
        if path[0] == name:
            if len(path) > 1:
                uses.own.add(path[1])
            else:
                uses.self_escapes = True


class _Scope(ast.NodeVisitor):
    """One scope. ``free`` are the paths that begin outside of it, as far as they have been seen.

    The outermost scope stands for the module: what is bound there is looked up there as well.
    """

    def __init__(self, uses: Uses, outer: _Scope | None = None, is_class: bool = False) -> None:
        self.uses = uses
        self.outer = outer
        self.is_class = is_class
        self.bound: set[str] = set()
        self.declared: set[str] = set()
        self.loads: set[Path] = set()
        self.of_functions: set[Path] = set()
        self.last_inside: _Scope | None = None

    @property
    def free(self) -> set[Path]:
        """What this scope takes from the one around it."""
        bound = self.bound - self.declared if self.outer is not None else set[str]()
        loads = {path for path in self.loads if path[0] not in bound}
        # The names of a class are not seen by its methods.
        hidden = set[str]() if self.is_class else bound
        return loads | {path for path in self.of_functions if path[0] not in hidden}

    def _inside(self, parts: Sequence[ast.AST], bound: Iterable[str], is_class: bool = False) -> None:
        inner = _Scope(self.uses, self, is_class)
        inner.bound |= set(bound)
        for part in parts:
            inner.visit(part)
        self.of_functions |= inner.free
        self.last_inside = inner

    # Names

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.loads.add((node.id,))
        else:
            self.bound.add(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        parts: list[str] = []
        base: ast.expr = node
        while isinstance(base, ast.Attribute):
            parts.append(base.attr)
            base = base.value
        self.uses.mentions.update(parts)
        if isinstance(base, ast.Name):
            self.loads.add((base.id, *reversed(parts)))
            return
        if isinstance(base, ast.Call) and isinstance(base.func, ast.Name) and base.func.id == "super":
            self.uses.inherited.add(parts[-1])
            return
        self.visit(base)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self.uses.mentions.add(node.value)

    def visit_Global(self, node: ast.Global) -> None:
        self.declared |= set(node.names)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self.declared |= set(node.names)

    def visit_Import(self, node: ast.Import) -> None:
        self._import(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self._import(node)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for name, found in imports_of(node):
            self.uses.imports.setdefault(name, []).append(found)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self.bound.add(node.name)
        self.generic_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        if node.name:
            self.bound.add(node.name)
        self.generic_visit(node)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        if node.name:
            self.bound.add(node.name)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        if node.rest:
            self.bound.add(node.rest)
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        # In a class it makes a field; elsewhere nothing comes of it.
        for part in (node.target, node.value, node.annotation if self.is_class else None):
            if part is not None:
                self.visit(part)

    # Scopes

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._function(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.bound.add(node.name)
        for decorator in node.decorator_list:
            self.visit(decorator)
        self._defaults(node.args)
        self._inside(node.body, _parameters(node.args))

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._defaults(node.args)
        self._inside([node.body], _parameters(node.args))

    def _defaults(self, arguments: ast.arguments) -> None:
        for default in (*arguments.defaults, *arguments.kw_defaults):
            if default is not None:
                self.visit(default)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.bound.add(node.name)
        for part in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(part)
        self._inside(node.body, (), is_class=True)

    def visit_ListComp(self, node: ast.ListComp) -> None:
        self._comprehension(node, [node.elt])

    def visit_SetComp(self, node: ast.SetComp) -> None:
        self._comprehension(node, [node.elt])

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        self._comprehension(node, [node.elt])

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._comprehension(node, [node.key, node.value])

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, results: list[ast.expr]
    ) -> None:
        self.visit(node.generators[0].iter)  # evaluated outside
        for inner in ast.walk(node):
            if isinstance(inner, ast.NamedExpr):
                self.bound |= set(names_in_target(inner.target))
        rest = [part for one in node.generators[1:] for part in (one.target, one.iter, *one.ifs)]
        self._inside([node.generators[0].target, *node.generators[0].ifs, *rest, *results], ())


def _parameters(arguments: ast.arguments) -> Iterator[str]:
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    for one in (*every, arguments.vararg, arguments.kwarg):
        if one is not None:
            yield one.arg
