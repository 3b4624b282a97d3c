"""What a flow may do and hardly means to: shown by ``check --warnings``, never in the way of a run."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator

from stepwell.definition.flow_definition import FlowDefinition
from stepwell.definition.nearest import listed
from stepwell.definition.parameters import parameters_of
from stepwell.definition.place import place, split_place
from stepwell.definition.transition import Foreach
from stepwell.exceptions import Problem


def warnings_of(definition: FlowDefinition) -> list[Problem]:
    """Return the warnings for a valid flow, ordered by line."""
    found = [
        *_foreach_over_sets(definition),
        *_switches_without_choice(definition),
        *_unread_parameters(definition),
        *_annotations_without_meaning(definition),
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
    text = "\n".join(_sources(definition.flow_class))
    for parameter in definition.parameters:
        name = parameter.attribute
        lines = [n for n, line in enumerate(text.splitlines(), 1) if re.search(rf"\b{name}\b", line)]
        if len(lines) == 1:
            yield Problem(
                what=f"no step reads the parameter `{name}`",
                where=place(definition.file, _line_of(definition, name)),
                fix="Remove it, or read it as `self." + name + "`.",
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


def _sources(flow_class: type) -> Iterator[str]:
    seen: set[str] = set()
    for owner in flow_class.__mro__:
        file = inspect.getsourcefile(owner) if owner.__module__ != "builtins" else None
        if file and file not in seen and not owner.__module__.startswith("stepwell."):
            seen.add(file)
            with open(file, encoding="utf-8", errors="replace") as opened:
                yield opened.read()


def _line_of(definition: FlowDefinition, name: str) -> int:
    with open(definition.file, encoding="utf-8", errors="replace") as file:
        found = (n for n, line in enumerate(file, 1) if re.search(rf"\b{name}\b", line))
        return next(found, 1)
