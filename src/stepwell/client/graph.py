"""The graph of a run, as it was when the run began."""

from __future__ import annotations

from typing import Any, cast

from msgspec import Struct

from stepwell.client.artifacts import value_of
from stepwell.client.stored import StoredRun, StoredTask
from stepwell.model.ids import PARAMETERS_STEP


class Neighbours(Struct, frozen=True):
    """Steps before and after a step, in the order of the graph."""

    parents: tuple[str, ...]
    children: tuple[str, ...]


def neighbours(run: StoredRun, step: str) -> Neighbours:
    """Return what stands before and after a step in the graph that the run keeps."""
    first = StoredTask(run, PARAMETERS_STEP, run.known().parameters_task)
    info = cast("dict[str, Any]", value_of(first, "_graph_info"))
    steps: dict[str, dict[str, list[str]]] = info["steps"]
    return Neighbours(
        tuple(name for name, said in steps.items() if step in said["next"]),
        tuple(steps[step]["next"]) if step in steps else (),
    )
