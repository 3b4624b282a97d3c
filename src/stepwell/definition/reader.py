"""Reads the transition at the end of a step from its source, without running anything."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any

from msgspec import Struct, field

from stepwell.definition.place import place
from stepwell.definition.source_tree import lines_of, tree_of
from stepwell.definition.transition import Transition
from stepwell.definition.transition_reader import find_transition
from stepwell.exceptions import Problem

# Flags of code that yields, asynchronous or not, as `inspect` names them: its import would cost every start.
_YIELDS = 0x20 | 0x200


Definition = ast.FunctionDef | ast.AsyncFunctionDef


class StepSource(Struct):
    """One step as its source has it.

    Attributes
    ----------
    name, file, line
        The step, and where its ``def`` stands.
    positional
        Number of positional arguments, ``self`` included; -1 if it takes any number.
    transition
        What its body ends in; None if there is none, or none that can be read.
    problems
        What is wrong with the body, whatever the rest of the flow looks like.
    """

    name: str
    file: str
    line: int
    positional: int
    transition: Transition | None = None
    problems: list[Problem] = field(default_factory=list[Problem])
    doc: str = ""


def read_step(name: str, function: Callable[..., Any]) -> StepSource:
    """Return what the source says of a step. Never raises; what cannot be read is a problem."""
    code = code_of(function)
    varargs = bool(code.co_flags & 0x04)
    source = StepSource(name, code.co_filename, code.co_firstlineno, -1 if varargs else code.co_argcount)
    lines = lines_of(code.co_filename, getattr(function, "__globals__", None))
    definition = definition_of(function)
    if definition is None:
        source.problems.append(_unreadable(source, bool(lines)))
        return source
    source.line = definition.lineno
    source.doc = ast.get_docstring(definition) or ""
    source.problems.extend(_kind_problems(source, code))
    local_names = (*code.co_varnames, *code.co_cellvars, *code.co_freevars)
    transition, problems = find_transition(name, definition, code.co_filename, lines, local_names)
    source.transition = transition
    source.problems.extend(problems)
    return source


def definition_of(function: Callable[..., Any]) -> Definition | None:
    """Return the syntax tree of a function, without what is wrapped around it; None if it cannot be had."""
    code = code_of(function)
    lines = lines_of(code.co_filename, getattr(function, "__globals__", None))
    return _definitions(code.co_filename, lines).get((code.co_name, code.co_firstlineno))


def code_of(function: Callable[..., Any]) -> CodeType:
    """Return the code of a function, without what is wrapped around it."""
    while not isinstance(function, FunctionType) or hasattr(function, "__wrapped__"):
        function = function.__wrapped__  # pyright: ignore[reportFunctionMemberAccess] - set by functools.wraps
    return function.__code__


_Index = dict[tuple[str, int], Definition]
_indexes: dict[str, tuple[ast.Module, _Index]] = {}


def _definitions(file: str, lines: list[str]) -> _Index:
    """Return all functions of a file by name and first line (of the decorators, as code objects count)."""
    tree = tree_of(file, lines)
    if tree is None:
        return {}  # the caller says so
    known = _indexes.get(file)
    if known is not None and known[0] is tree:
        return known[1]
    index: _Index = {}
    for node in _statements(tree):
        if isinstance(node, Definition):
            first = node.decorator_list[0].lineno if node.decorator_list else node.lineno
            index[node.name, first] = node
    _indexes[file] = (tree, index)
    return index


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        yield node
        for name in ("body", "orelse", "finalbody", "handlers", "cases"):
            waiting.extend(getattr(node, name, ()))


def _unreadable(source: StepSource, has_lines: bool) -> Problem:
    if has_lines:
        what = f"step `{source.name}` is not where it was when the file was imported"
        fix = "The file has been edited since. Start again."
    else:
        what = f"the source of step `{source.name}` cannot be read"
        fix = "Define the flow in a file or a notebook cell: its graph is read from its source."
    where = place(source.file, source.line)
    return Problem(what=what, where=where, fix=fix, rule="no-source", step=source.name)


def _kind_problems(source: StepSource, code: CodeType) -> Iterator[Problem]:
    where = place(source.file, source.line)
    if code.co_flags & _YIELDS:
        yield Problem(
            what=f"step `{source.name}` contains `yield`: its body would never run",
            where=where,
            fix="Move the generator into a function of its own and call it from the step.",
            rule="generator-step",
            step=source.name,
        )
