"""Mistakes of phase: what exists only at run time is used while the class of a flow is defined."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from types import FrameType, TracebackType

from stepwell.definition.parameters import Parameter
from stepwell.definition.place import place
from stepwell.definition.source_tree import lines_of, tree_of
from stepwell.exceptions import GraphError, Problem

_OPTIMIZED = 0x01
"""Flag of the code of functions; the body of a class has it not."""
_RUN_TIME = "exists only at run time, and this is carried out when the file is imported"
_WAY_OUT = "Use a Config, whose value is known by then, or move it into the body of the step."


def phase_mistake(error: BaseException) -> GraphError | None:
    """Return what an error from the body of a flow's class is, if it is a mistake of phase."""
    if not isinstance(error, NameError | TypeError | AttributeError):
        return None
    found = _class_body(error.__traceback__)
    if found is None:
        return None
    frame, line = found
    file = frame.f_code.co_filename
    definition = _definition_around(file, line)
    if definition is None or not _is_flow(definition, frame):
        return None
    used = _used(error, definition, frame, line)
    if not used:
        return None
    decorated, inside = _inside(definition, line)
    problem = Problem(
        what=f"{used} is used in {inside}: it {_RUN_TIME}",
        where=place(file, line),
        fix=_WAY_OUT,
        rule="phase",
        step=decorated,
    )
    return GraphError([problem])


def used_too_early(decorator: str, attribute: str, parameter: Parameter) -> str:
    """Say that a decorator was given a parameter itself."""
    return (
        f"@{decorator}: `{attribute}` is the parameter `{parameter.name}`: its value {_RUN_TIME}. {_WAY_OUT}"
    )


def _class_body(trace: TracebackType | None) -> tuple[FrameType, int] | None:
    """Return the innermost class body that the error comes from, if all below are parts of the same line."""
    found = None
    while trace is not None:
        frame = trace.tb_frame
        if not frame.f_code.co_flags & _OPTIMIZED and "__qualname__" in frame.f_locals:
            found = frame, trace.tb_lineno
        elif found is not None and not frame.f_code.co_name.startswith("<"):
            found = None  # a function that the class body has called
        trace = trace.tb_next
    return found


def _definition_around(file: str, line: int) -> ast.ClassDef | None:
    tree = tree_of(file, lines_of(file))
    found = None
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.ClassDef) and node.lineno <= line <= (node.end_lineno or 0):
            found = node  # outer ones are walked first
    return found


def _is_flow(definition: ast.ClassDef, frame: FrameType) -> bool:
    from stepwell.definition.flowspec import FlowSpec  # it imports the module that tells mistakes

    bases = (_value(base, frame) for base in definition.bases)
    return any(isinstance(base, type) and issubclass(base, FlowSpec) for base in bases)


def _value(node: ast.expr, frame: FrameType) -> object:
    if isinstance(node, ast.Name):
        outer = frame.f_back.f_locals if frame.f_back is not None else {}
        return outer.get(node.id, frame.f_globals.get(node.id))
    return getattr(_value(node.value, frame), node.attr, None) if isinstance(node, ast.Attribute) else None


def _used(error: BaseException, definition: ast.ClassDef, frame: FrameType, line: int) -> str:
    """Return what was used too early; empty if it is something else that is wrong."""
    if isinstance(error, NameError):
        name = str(error.name)
        if name == "self":
            return _attribute_of_self(definition, line)
        return f"the artifact `{name}`" if name in _artifacts(definition) else ""
    for node in _nodes_on(definition, line):
        if isinstance(node, ast.Name) and isinstance(frame.f_locals.get(node.id), Parameter):
            return f"the value of parameter `{node.id}`"
    return ""


def _attribute_of_self(definition: ast.ClassDef, line: int) -> str:
    for node in _nodes_on(definition, line):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
            return f"`self.{node.attr}`"
    return "`self`"


def _artifacts(definition: ast.ClassDef) -> set[str]:
    return {
        node.attr
        for node in ast.walk(definition)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }


def _nodes_on(definition: ast.ClassDef, line: int) -> Iterator[ast.AST]:
    return (node for node in ast.walk(definition) if getattr(node, "lineno", 0) == line)


def _inside(definition: ast.ClassDef, line: int) -> tuple[str, str]:
    """Return the step that is being decorated, if one is, and what the line belongs to, in words."""
    for node in definition.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                if decorator.lineno <= line <= (decorator.end_lineno or line):
                    called = decorator.func if isinstance(decorator, ast.Call) else decorator
                    return node.name, f"an argument of @{ast.unparse(called)} on step `{node.name}`"
    return "", f"the body of class {definition.name}"
