"""What a flow may do and hardly means to: shown by ``check --warnings``, never in the way of a run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from types import FunctionType

from stepwell.definition.extended_checks import problems_in_steps
from stepwell.definition.first_party import is_ours
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.definition.nearest import listed
from stepwell.definition.parameters import Parameter, parameters_of
from stepwell.definition.place import place, split_place
from stepwell.definition.source_tree import lines_of, tree_of
from stepwell.definition.transition import Foreach
from stepwell.exceptions import Problem

_WORD = re.compile(r"\w+")


def warnings_of(definition: FlowDefinition) -> list[Problem]:
    """Return the warnings for a valid flow, ordered by line."""
    found = [
        *_foreach_over_sets(definition),
        *_switches_without_choice(definition),
        *_unread_parameters(definition),
        *_annotations_without_meaning(definition),
        *problems_in_steps(definition.flow_class, definition.graph, definition.decorators),
    ]
    return sorted(found, key=lambda problem: split_place(problem.where))


def _foreach_over_sets(definition: FlowDefinition) -> Iterator[Problem]:
    for node in definition.graph:
        for way in node.ways:
            if isinstance(way, Foreach) and way.expr and _is_set(way.expr):
                yield Problem(
                    what=f"step `{node.name}` iterates over a set, whose order differs from run to run",
                    where=place(node.file, way.line),
                    fix="Sort it, `foreach=sorted(...)`, so that an index means the same item in every run.",
                    rule="foreach-over-set",
                    step=node.name,
                    severity="warning",
                )


def _switches_without_choice(definition: FlowDefinition) -> Iterator[Problem]:
    for node in definition.graph:
        if node.is_switch and len(node.targets) < 2:
            yield Problem(
                what=f"the switch of step `{node.name}` can lead to {listed(node.targets)} only",
                where=place(node.file, node.transition.line),
                fix="Let a case lead to another step, or make a plain transition.",
                rule="switch-without-choice",
                step=node.name,
                severity="warning",
            )


def _is_set(expression: str) -> bool:
    node = ast.parse(expression.strip(), mode="eval").body
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in ("set", "frozenset")
    return isinstance(node, ast.Set | ast.SetComp)


def _unread_parameters(definition: FlowDefinition) -> Iterator[Problem]:
    """Parameters whose name stands nowhere else in the files of the flow and its base classes."""
    parameters = parameters_of(definition.flow_class)
    declared = _declared(parameters)
    read: set[str] = set()
    for file in _files(definition.flow_class) if parameters else ():
        for number, line in enumerate(lines_of(file), 1):
            for name in declared.keys() & set(_WORD.findall(line)):
                if file != declared[name][0] or number not in declared[name][1]:
                    read.add(name)
    for parameter in parameters:
        if parameter.attribute not in read:
            yield Problem(
                what=f"no step reads the parameter `{parameter.attribute}`",
                where=place(parameter.file, parameter.line),
                fix="Remove it, or read it as `self." + parameter.attribute + "`.",
                rule="unread-parameter",
                severity="warning",
            )


def _annotations_without_meaning(definition: FlowDefinition) -> Iterator[Problem]:
    for parameter in parameters_of(definition.flow_class):
        _, fault = parameter.annotation()
        if fault and parameter.given_type is None:
            yield Problem(
                what=f"the annotation of parameter `{parameter.name}` says nothing of its type ({fault})",
                where=place(parameter.file, parameter.line),
                fix="Import what it names, also where no type checker runs; or say `type=`.",
                rule="parameter-annotation",
                severity="warning",
            )


def _declared(parameters: Sequence[Parameter]) -> dict[str, tuple[str, range]]:
    """Return the file and the lines of the statement that declares each parameter, by attribute."""
    statements: dict[tuple[str, int], range] = {}
    for file in {parameter.file for parameter in parameters}:
        tree = tree_of(file, lines_of(file))
        for node in ast.walk(tree) if tree is not None else ():
            if isinstance(node, ast.Assign | ast.AnnAssign):
                lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
                statements.update(((file, line), lines) for line in lines)
    found: dict[str, tuple[str, range]] = {}
    for one in parameters:
        found[one.attribute] = one.file, statements.get((one.file, one.line), range(one.line, one.line + 1))
    return found


def _files(flow_class: type) -> set[str]:
    """Return the files, or cells of a notebook, in which the methods of a flow and its bases stand."""
    functions = (value for owner in flow_class.__mro__ for value in vars(owner).values())
    files = {one.__code__.co_filename for one in functions if isinstance(one, FunctionType)}
    return {file for file in files if not is_ours(file)}
