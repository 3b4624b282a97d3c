"""What the code of a step reads that is another in each run: a cached result has that of an earlier one."""

from __future__ import annotations

import ast
import sys
import textwrap
from collections.abc import Iterator, Mapping
from importlib import import_module
from types import ModuleType

from stepwell.model.step_code import CodePart, StepCode

_OF_CURRENT = frozenset(
    {"run_id", "task_id", "retry_count", "pathspec", "origin_run_id", "run", "task", "attempt_deadline"}
)
_CLOCK: Mapping[str, frozenset[str]] = {
    "time": frozenset({"time", "time_ns", "localtime", "gmtime", "ctime", "asctime", "strftime"}),
    "datetime": frozenset({"now", "utcnow", "today"}),
}
_CLIENT, _CURRENT = "stepwell.client", "stepwell.runtime.task.current"


def run_bound_reads(code: StepCode) -> Iterator[tuple[str, str]]:
    """Yield what is read, as it is written, and FILE:LINE; each once, in the order of lines."""
    found = [(part.file, line, text) for part in code.parts for text, line in _reads_of(part)]
    first = {text: f"{file}:{line}" for file, line, text in sorted(found, reverse=True)}
    yield from reversed(first.items())


def _reads_of(part: CodePart) -> Iterator[tuple[str, int]]:
    try:
        tree = ast.parse(textwrap.dedent(part.source))
    except SyntaxError:
        return
    module = sys.modules.get(part.name.partition(":")[0]) or sys.modules["__main__"]
    names = {**vars(module), **_imported(tree)}
    inner: set[ast.AST] = set()
    for node in ast.walk(tree):
        path = _path(node)
        if not path or node in inner:
            continue
        inner.update(ast.walk(node))
        if path[0] in names and _is_run_bound(names[path[0]], path[1:]):
            yield ".".join(path), part.line + getattr(node, "lineno", 1) - 1


def _imported(tree: ast.AST) -> dict[str, object]:
    """Return what functions import themselves, of the modules that matter here."""
    found: dict[str, object] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in (*_CLOCK, "stepwell"):
            source = import_module(node.module)
            found.update({name.asname or name.name: getattr(source, name.name, None) for name in node.names})
        elif isinstance(node, ast.Import):
            for name in node.names:
                if name.name in (*_CLOCK, "stepwell"):
                    found[name.asname or name.name] = import_module(name.name)
    return found


def _path(node: ast.AST) -> tuple[str, ...]:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return (node.id, *reversed(parts)) if isinstance(node, ast.Name) else ()


def _is_run_bound(value: object, rest: tuple[str, ...]) -> bool:
    """Follow a dotted name from the value of its first part; only modules and classes are looked into."""
    owner: object = None
    for name in rest:
        if type(value).__module__ == _CURRENT:
            return name in _OF_CURRENT
        if not isinstance(value, ModuleType | type):
            return False
        owner, value = value, getattr(value, name, None)
    return _is_clock(owner, value) or (isinstance(value, type) and value.__module__.startswith(_CLIENT))


def _is_clock(owner: object, value: object) -> bool:
    name = getattr(value, "__name__", "")
    of = getattr(value, "__module__", None) or getattr(owner, "__module__", "")
    return callable(value) and not isinstance(value, type) and name in _CLOCK.get(str(of), ())
