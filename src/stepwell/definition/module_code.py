"""A module of the user's by its source: what it defines under which name, and what it imports."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from types import ModuleType

from stepwell.definition.first_party import is_first_party
from stepwell.definition.import_place import module_of, root_of
from stepwell.definition.names_used import Import, Uses, imports_of, names_in_target, uses_of
from stepwell.definition.source_tree import lines_of, tree_of
from stepwell.definition.syntax_digest import digest_of

_Scoped = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

WHOLE = "*"
"""Stands for the name where all of a module is meant."""


class Definition:
    """What one name stands for: all statements that define or change it.

    Parameters
    ----------
    of_class
        It stands in the body of a class.
    """

    def __init__(self, module: ModuleCode, name: str, nodes: Sequence[ast.AST], of_class: bool) -> None:
        self.module = module
        self.name = name
        self.nodes = nodes
        self.of_class = of_class

    @cached_property
    def uses(self) -> Uses:
        """What its code takes from outside."""
        return uses_of(self.nodes, self.of_class)

    @cached_property
    def digest(self) -> str:
        """Stands for its code."""
        return digest_of(self.nodes)

    @property
    def kind(self) -> str:
        """``function``, ``class``, ``constant`` or ``module``."""
        node = self.nodes[-1] if self.nodes else None
        if self.name == WHOLE:
            return "module"
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return "function"
        return "class" if isinstance(node, ast.ClassDef) else "constant"

    @property
    def line(self) -> int:
        """Line of the first statement."""
        return min((getattr(node, "lineno", 1) for node in self.nodes), default=1)

    @cached_property
    def source(self) -> str:
        """The statements as they are written."""
        return "".join(self.module.text_of(node) for node in self.nodes)


class Bindings:
    """What the body of a module or class binds: definitions and imports by name."""

    def __init__(self, body: Iterable[ast.stmt]) -> None:
        self.nodes: dict[str, list[ast.AST]] = {}
        self.imports: dict[str, list[Import]] = {}
        self.stars: list[Import] = []
        self._take(body, None)

    def _take(self, body: Iterable[ast.stmt], around: ast.stmt | None) -> None:
        """Take the statements of a body; ``around`` is the branch or loop that they stand in."""
        for one in body:
            if isinstance(one, _Scoped):
                self._bind(one.name, one)
            elif isinstance(one, ast.Import | ast.ImportFrom):
                self._import(one)
            elif isinstance(one, ast.Expr):
                name = _called_on(one.value)
                if name in self.nodes:  # what is defined above is changed by a call of its method
                    self._bind(name, around or one)
            elif changed := _changed(one):
                for name in changed:
                    self._bind(name, around or one)
            elif not _is_main_guard(one):
                self._inside(one, around or one)

    def _import(self, one: ast.Import | ast.ImportFrom) -> None:
        for name, found in imports_of(one):
            if name == "*":
                self.stars.append(found)
            else:
                self.imports.setdefault(name, []).append(found)

    def _inside(self, one: ast.stmt, around: ast.stmt) -> None:
        """Take what is bound in a statement that holds others."""
        if isinstance(one, ast.For | ast.AsyncFor):
            for name in names_in_target(one.target):
                self._bind(name, around)
        if isinstance(one, ast.With | ast.AsyncWith):
            for item in one.items:
                for name in names_in_target(item.optional_vars) if item.optional_vars else ():
                    self._bind(name, around)
        for part in ("body", "orelse", "finalbody"):
            self._take(getattr(one, part, ()), around)
        for part in ("handlers", "cases"):
            for branch in getattr(one, part, ()):
                self._take(branch.body, around)

    def _bind(self, name: str, node: ast.AST) -> None:
        known = self.nodes.setdefault(name, [])
        if node not in known:
            known.append(node)


def _changed(one: ast.stmt) -> list[str]:
    """Return the names that a simple statement binds, or changes a part of."""
    if isinstance(one, ast.Assign):
        targets: list[ast.expr] = one.targets
    elif isinstance(one, ast.AnnAssign | ast.AugAssign):
        targets = [one.target]
    elif type(one).__name__ == "TypeAlias":  # Python 3.12
        targets = [getattr(one, "name")]  # noqa: B009
    else:
        return []
    return [name for target in targets for name in _roots(target)]


def _roots(target: ast.expr) -> Iterator[str]:
    """Yield the variables that an assignment to ``a``, ``a.b``, ``a[i]`` or ``(a, b)`` is about."""
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, ast.Attribute | ast.Subscript | ast.Starred):
        yield from _roots(target.value)
    elif isinstance(target, ast.Tuple | ast.List):
        for element in target.elts:
            yield from _roots(element)


def _called_on(value: ast.expr) -> str:
    """Return ``a`` of ``a.b(...)``; empty for another expression."""
    if not isinstance(value, ast.Call) or not isinstance(value.func, ast.Attribute):
        return ""
    base: ast.expr = value.func
    while isinstance(base, ast.Attribute):
        base = base.value
    return base.id if isinstance(base, ast.Name) else ""


def _is_main_guard(one: ast.stmt) -> bool:
    return isinstance(one, ast.If) and any(
        isinstance(node, ast.Name) and node.id == "__name__" for node in ast.walk(one.test)
    )


class ModuleCode:
    """The source of one file.

    Attributes
    ----------
    name
        Dotted, the same whether the file is run or imported.
    package
        What its relative imports begin at.
    is_cell
        It is a cell of a notebook, or the like: other cells share its names.
    shown
        The file, as it is named to the user.
    """

    def __init__(self, file: str, tree: ast.Module, lines: Sequence[str], module: ModuleType | None) -> None:
        self.file = file
        self.tree = tree
        self._lines = lines
        self.name = _name_of(file, module)
        is_package = os.path.basename(file) == "__init__.py"  # noqa: PTH119 - few files are worth a Path
        own = self.name if is_package else self.name.rpartition(".")[0]
        self.package = str(getattr(module, "__package__", None) or own)
        self.is_cell = module is not None and not isinstance(getattr(module, "__file__", None), str)
        self.shown = "a notebook" if self.is_cell else os.path.relpath(file, root_of(file))
        self._definitions: dict[str, Definition] = {}

    @cached_property
    def bindings(self) -> Bindings:
        """What stands at the top of the file."""
        return Bindings(self.tree.body)

    def definition(self, name: str) -> Definition | None:
        """Return what a name at the top of the file stands for; `WHOLE` for all of it."""
        if name == WHOLE:
            return self._kept(name, [self.tree], of_class=False)
        nodes = self.bindings.nodes.get(name)
        return None if nodes is None else self._kept(name, nodes, of_class=False)

    def member(self, class_name: str, name: str) -> Definition | None:
        """Return what a name in the body of a class stands for; the class goes by its qualified name."""
        nodes = self.bindings_of(class_name).nodes.get(name)
        return None if nodes is None else self._kept(f"{class_name}.{name}", nodes, of_class=True)

    def bindings_of(self, class_name: str) -> Bindings:
        """Return what the body of a class binds; nothing if it is not in the file."""
        known = self._classes.get(class_name)
        if known is None:
            body: Iterable[ast.stmt] = self.tree.body
            for part in class_name.replace(".<locals>", "").split("."):
                found = [one for one in _scopes_in(body) if one.name == part]
                body = found[-1].body if found else []
            known = self._classes[class_name] = Bindings(body)
        return known

    @cached_property
    def _classes(self) -> dict[str, Bindings]:
        return {}

    def _kept(self, name: str, nodes: Sequence[ast.AST], of_class: bool) -> Definition:
        known = self._definitions.get(name)
        if known is None:
            known = self._definitions[name] = Definition(self, name, nodes, of_class)
        return known

    def text_of(self, node: ast.AST) -> str:
        """Return the lines that a node stands on, its decorators among them, without their indentation."""
        if isinstance(node, ast.Module):
            return "".join(self._lines)
        decorators: list[ast.expr] = getattr(node, "decorator_list", [])
        first = min(getattr(one, "lineno", 1) for one in (node, *decorators))
        lines = self._lines[first - 1 : getattr(node, "end_lineno", first)]
        indent = len(lines[0]) - len(lines[0].lstrip()) if lines else 0
        return "".join(line[indent:] if not line[:indent].strip() else line for line in lines)


def _scopes_in(body: Iterable[ast.stmt]) -> Iterator[_Scoped]:
    waiting: list[ast.AST] = list(body)
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, _Scoped):
            yield one
            continue
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):
            waiting += getattr(one, part, ())


def _name_of(file: str, module: ModuleType | None) -> str:
    """Return a name that does not depend on which door the file came in by."""
    known = "" if module is None else module.__name__
    if module is not None and not isinstance(getattr(module, "__file__", None), str):
        return known  # its cells are files of a new name each time
    own = "" if module is None else module_of(file)
    stem = os.path.basename(file).removesuffix(".py")  # noqa: PTH119
    return own or (stem if known in ("", "__main__", f"{stem}_flow") else known)


_codes: dict[str, ModuleCode] = {}


def code_in(file: str, module: ModuleType | None = None) -> ModuleCode | None:
    """Return the code in a file of the user's; None if it is not theirs, or is not to be had."""
    if not is_first_party(file):
        return None
    lines = lines_of(file, None if module is None else vars(module))
    tree = tree_of(file, lines) if lines else None
    if tree is None:
        return None
    known = _codes.get(file)
    if known is None or known.tree is not tree:
        known = _codes[file] = ModuleCode(file, tree, lines, module)
    return known


def code_of_module(name: str, near: Sequence[str]) -> ModuleCode | None:
    """Return the code of a module by its dotted name, as `code_in` does.

    Parameters
    ----------
    near
        Folders to look in for one that is not imported yet.
    """
    module = sys.modules.get(name)
    if module is not None:
        file = getattr(module, "__file__", None)
        return code_in(file, module) if isinstance(file, str) else None
    parts = name.split(".")
    for folder in near:
        place = os.path.join(folder, *parts)  # noqa: PTH118
        for file in (f"{place}.py", os.path.join(place, "__init__.py")):  # noqa: PTH118
            if os.path.isfile(file):  # noqa: PTH113
                return code_in(file)
    return None
