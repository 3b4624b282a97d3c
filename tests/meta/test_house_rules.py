"""Rules of the house that a machine can check by reading the source. Linters check the others."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from stepwell import exceptions

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "stepwell"
LONGEST_FILE = 400
LONGEST_FUNCTION = 50
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "core", "base", "tools"}

# Files that may read the environment although they are no settings, and why.
MAY_READ_ENVIRONMENT = {
    "engines/local/child.py": "sets the step's own variables in the task's process",
    "engines/debugging.py": "respects the debugger that the user has chosen",
    "engines/local/launcher_start.py": "sets the step's own variables before the flow's file is imported",
    "engines/local/task_process.py": "hands the environment on to the interpreter of a task",
    "engines/local/spawn.py": "hands the environment on to the process it starts",
    "engines/local/link.py": "hands the environment on to the launcher it starts",
    "runtime/surroundings.py": "hands the environment on to git",
    "testing/engine_deeds.py": "its tasks show the variables that they were given",
    "wiring/exit_hooks.py": "hands flow, hook and run on to the processes that call exit hooks",
    "runtime/tracing/traced_task.py": "tells a task which span it is, by the standard variable",
    "wiring/tracing.py": "respects the standard variables of traces, and hands them on to who sends spans",
    "wiring/capacity.py": "respects which GPUs a process may use, and takes the socket of shared workers",
    "wiring/many_runs.py": "hands the environment on to the runs that it starts",
    "wiring/processes.py": "hands flow and datastore on to the interpreters that it has engines start",
}

# Files that may print although they are not the console, and why.
MAY_PRINT = {
    "cli/console.py": "this is the console",
    "testing/engine_deeds.py": "its tasks print, to see what becomes of it",
    "cli/demo_flow.py": "a flow as a user writes it: its steps print",
}

# Files that are copied for users, and never imported: they are written as a user writes.
FOR_USERS = [path for d in ("lessons", "templates") for path in sorted((PACKAGE / "cli" / d).rglob("*.py"))]
SOURCES = sorted(set(PACKAGE.rglob("*.py")) - set(FOR_USERS))
OURS = [
    *SOURCES,
    *FOR_USERS,
    *(p for d in ("tests", "bench", "examples", "docs") for p in sorted((ROOT / d).rglob("*.py"))),
]


def in_package(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_no_file_is_longer_than_the_limit():
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in OURS}

    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_function_of_the_package_is_longer_than_the_limit():
    too_long = {
        f"{in_package(path)}:{function.lineno} {function.name}"
        for path in SOURCES
        for function in functions(parsed(path))
        if _length_without_docstring(function) > LONGEST_FUNCTION
    }

    assert too_long == set()


def _length_without_docstring(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert function.end_lineno is not None
    first = function.body[0]
    has_docstring = ast.get_docstring(function) is not None and first.end_lineno is not None
    docstring = first.end_lineno - first.lineno + 1 if has_docstring else 0
    return function.end_lineno - function.lineno + 1 - docstring


def test_every_module_is_named_by_a_noun_of_the_glossary():
    names = {path.stem for path in SOURCES} | {path.name for path in PACKAGE.rglob("*") if path.is_dir()}

    assert names & FORBIDDEN_NAMES == set()


def test_only_the_settings_read_the_environment():
    readers = {
        in_package(path)
        for path in SOURCES
        if not in_package(path).startswith("settings/")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv", "putenv"}
    }

    assert readers - set(MAY_READ_ENVIRONMENT) == set()


def test_only_the_console_prints():
    printers = {
        f"{in_package(path)}:{node.lineno}"
        for path in SOURCES
        if in_package(path) not in MAY_PRINT
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }

    assert printers == set()


def test_no_module_of_the_package_imports_from_its_root():
    importers = {
        f"{in_package(path)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ImportFrom)
        and node.module == "stepwell"
        and not all((PACKAGE / f"{alias.name}.py").exists() for alias in node.names)
    }

    assert importers == set()


def test_no_work_is_left_for_later_without_a_number():
    # An issue's number makes it findable: "TODO(123)". Written in two parts so as not to find itself.
    left = re.compile("TO" + r"DO(?!\(\d+\))|FIX" + "ME|XX" + "X")

    assert [str(path.relative_to(ROOT)) for path in OURS if left.search(path.read_text())] == []


def exception_classes() -> dict[str, type[BaseException]]:
    return {
        name: value
        for name, value in vars(exceptions).items()
        if isinstance(value, type)
        and issubclass(value, BaseException)
        and value.__module__ == exceptions.__name__
    }


@pytest.mark.parametrize("name", exception_classes())
def test_every_exception_is_documented(name):
    error = exception_classes()[name]

    assert error.__doc__


def test_every_exception_of_the_package_has_the_one_root_and_stands_in_the_tree():
    tree = set(re.findall(r"\w+", exceptions.__doc__ or ""))
    classes = exception_classes()

    assert set(classes) - tree == set()
    rootless = {name for name, cls in classes.items() if not issubclass(cls, exceptions.StepwellException)}
    assert rootless == {
        "StepwellExceptionWrapper"
    }  # it stands for foreign errors, so it may not look like ours
