"""Assignments to names of the flow that no artifact may have."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property

from stepwell.definition.config import Config
from stepwell.definition.data_flow.body import Body, Use
from stepwell.definition.data_flow.methods import Methods
from stepwell.definition.flowspec import FRAMEWORK_NAMES
from stepwell.definition.parameters import Parameter
from stepwell.definition.place import place
from stepwell.exceptions import Problem

_OURS = frozenset({"input", "index", "name", "next"}) | FRAMEWORK_NAMES


def assignments_to_fixed_names(
    bodies: Mapping[str, Body], methods: Methods, caught: Collection[str]
) -> Iterator[Problem]:
    """Yield each assignment that the task would refuse, as `LiveStep.check_assignable` does."""
    for step, body in bodies.items():
        told: set[str] = set()
        for use in sorted(body.writes.values(), key=lambda use: (not use.is_sure, use.line)):
            kind = _kind(use.name, bodies, methods)
            if kind and use.name not in told:
                told.add(use.name)
                yield _problem(step, use, kind, is_certain=use.is_sure and step not in caught)


def _kind(name: str, steps: Collection[str], methods: Methods) -> str:
    """Return what the class has under a name that no artifact may have; empty if it may."""
    value, _ = methods.found(name)
    if isinstance(value, Parameter):
        return "Parameter"
    if isinstance(value, Config):
        return "Config"
    if name in _OURS:
        return "name of Stepwell"
    if name in steps:
        return "step"
    if isinstance(value, property):
        return "" if value.fset else "property"
    if isinstance(value, cached_property):
        return "cached property"
    if isinstance(value, type):
        return "class"
    bound = getattr(value, "__func__", value)
    if callable(bound) and hasattr(bound, "__qualname__"):
        return "method"
    return "constant" if methods.has(name) and not name.startswith("_") else ""


def _problem(step: str, use: Use, kind: str, is_certain: bool) -> Problem:
    is_fixed = kind in ("Parameter", "Config", "constant")
    why = " and fixed for the run" if is_fixed else "" if kind == "name of Stepwell" else " of this flow"
    return Problem(
        what=f"step `{step}` sets or deletes `self.{use.name}`, which is a {kind}{why}",
        where=place(use.file, use.line),
        fix="Give the artifact another name.",
        rule="fixed-name" if is_fixed else "shadowing-artifact",
        step=step,
        severity="error" if is_certain else "warning",
    )
