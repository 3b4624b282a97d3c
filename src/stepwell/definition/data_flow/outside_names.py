"""Names that the code of a step takes from its module, and that are not there."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Iterator, Mapping
from types import CodeType
from typing import Any

from stepwell.definition.data_flow.body import Body, Use
from stepwell.definition.data_flow.methods import Methods
from stepwell.definition.nearest import did_you_mean
from stepwell.definition.place import place
from stepwell.definition.reader import code_of
from stepwell.definition.source_tree import lines_of, tree_of
from stepwell.exceptions import Problem

# A module in which these stand may be given names that its source does not show.
_GIVING_NAMES = frozenset({"__builtins__", "builtins", "exec", "globals", "vars"})
_GIVING_ATTRIBUTES = frozenset({"install", "modules"})  # of gettext, and of sys


def undefined_names(
    bodies: Mapping[str, Body], methods: Methods, caught: Collection[str]
) -> Iterator[Problem]:
    """Yield uses of names that neither the module nor Python has, each once."""
    modules = _modules(methods)
    known = vars(builtins).keys()
    artifacts = {name for body in bodies.values() for name in body.may_set}
    told: set[tuple[str, str]] = set()
    for step, body in bodies.items():
        for use in sorted(body.outside.values(), key=lambda use: (not use.is_sure, use.line)):
            module = modules.get(use.file)
            if module is None or use.name in module.names or use.name in known:
                continue
            if (use.file, use.name) not in told and module.lacks(use.name):
                told.add((use.file, use.name))
                may_come = step in caught or module.may_get(use.name)
                is_of_flow = use.name in artifacts or methods.has(use.name)
                yield _problem(step, use, module.names, use.is_sure and not may_come, is_of_flow)


def _problem(step: str, use: Use, names: Collection[str], is_certain: bool, is_of_flow: bool) -> Problem:
    if is_of_flow:
        fix = f"It belongs to the flow: write `self.{use.name}`."
    else:
        near = did_you_mean(use.name, (*names, *vars(builtins)))
        fix = f"{near} Import it, or define it.".strip()
    return Problem(
        what=f"step `{step}` uses the name `{use.name}`, which nothing defines",
        where=place(use.file, use.line),
        fix=fix,
        rule="undefined-name",
        step=step,
        severity="error" if is_certain else "warning",
    )


class _Module:
    """The names of a module as they are now, and the code of the flow's methods in it."""

    def __init__(self, file: str, names: Mapping[str, Any]) -> None:
        self.file, self.names = file, names
        self.codes: list[CodeType] = []

    def lacks(self, name: str) -> bool:
        """Whether Python looks for the name in the module, to which no ``global`` gives it."""
        import dis  # only names that seem to be missing pay for it

        with_name = [code for outer in self.codes for code in _nested(outer) if name in code.co_names]
        return any(
            one.opname.startswith("LOAD_GLOBAL") and one.argval == name
            for code in with_name
            for one in dis.get_instructions(code)
        ) and not any(isinstance(node, ast.Global) and name in node.names for node in self._nodes())

    def may_get(self, name: str) -> bool:
        """Whether the module may have the name later: from below the line come to so far, or unseen."""
        from stepwell.definition.module_code import Bindings  # as above

        tree = tree_of(self.file, lines_of(self.file))
        bindings = Bindings([] if tree is None else tree.body)
        is_below = name in bindings.nodes or name in bindings.imports
        return tree is None or is_below or any(_may_give(node) for node in self._nodes())

    def _nodes(self) -> Iterator[ast.AST]:
        tree = tree_of(self.file, lines_of(self.file))
        return iter(()) if tree is None else ast.walk(tree)


def _may_give(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr in _GIVING_ATTRIBUTES
    return isinstance(node, ast.Name) and node.id in _GIVING_NAMES


def _modules(methods: Methods) -> dict[str, _Module]:
    found: dict[str, _Module] = {}
    for function in methods.functions:
        code = code_of(function)
        module = found.setdefault(code.co_filename, _Module(code.co_filename, function.__globals__))
        module.codes.append(code)
    return found


def _nested(code: CodeType) -> Iterator[CodeType]:
    waiting = [code]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += [inner for inner in one.co_consts if isinstance(inner, CodeType)]
