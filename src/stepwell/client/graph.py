"""The graph of a run, as it was when the run began."""

from __future__ import annotations

from typing import Any, cast

from msgspec import Struct

from stepwell.client.artifacts import value_of
from stepwell.client.stored import StoredRun, StoredTask
from stepwell.exceptions import StepwellException
from stepwell.model.ids import PARAMETERS_STEP


class Neighbours(Struct, frozen=True):
    """Steps before and after a step, in the order of the graph."""

    parents: tuple[str, ...]
    children: tuple[str, ...]


def neighbours(run: StoredRun, step: str) -> Neighbours:
    """Return what stands before and after a step in the graph that the run keeps."""
    steps = _steps(run)
    return Neighbours(
        tuple(name for name, said in steps.items() if step in said["next"]),
        tuple(steps[step]["next"]) if step in steps else (),
    )


def steps_in_order(run: StoredRun) -> tuple[str, ...]:
    """Return the steps in the order of the graph; none if what the run keeps of it cannot be read."""
    try:
        return tuple(_steps(run))
    except (StepwellException, KeyError):
        return ()


def recorded_graph(run: StoredRun) -> dict[str, Any]:
    """Return what the run keeps of its flow's graph; empty if it cannot be read."""
    try:
        return _info(run)
    except (StepwellException, KeyError):
        return {}


def _steps(run: StoredRun) -> dict[str, dict[str, list[str]]]:
    return _info(run)["steps"]


def _info(run: StoredRun) -> dict[str, Any]:
    first = StoredTask(run, PARAMETERS_STEP, run.known().parameters_task)
    return cast("dict[str, Any]", value_of(first, "_graph_info"))
