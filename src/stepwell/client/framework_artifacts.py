"""Artifacts that existing tools read in every task although no step sets them, made from its pack."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from stepwell.client.stored import StoredTask
from stepwell.datastore.remedies import RESULT_LOST
from stepwell.exceptions import StepwellDataMissing
from stepwell.model.foreach import Frame
from stepwell.model.pack import Pack


class ForeachFrame(NamedTuple):
    """One enclosing foreach of a task, with the item that the branch works on."""

    step: str
    var: str | None
    num_splits: int
    index: int  # pyright: ignore[reportIncompatibleMethodOverride]  # the name that tools know
    value: Any


def framework_artifacts(task: StoredTask) -> Mapping[str, Callable[[], object]]:
    """Return what makes each value, by name; empty if the attempt has left nothing."""
    pack = task.pack()
    if pack is None:
        return {}
    return {
        "_foreach_stack": lambda: [_frame(task, frame) for frame in pack.frames],
        "_transition": lambda: _transition(pack),
        "_current_step": lambda: task.key.step,
        "_task_ok": lambda: pack.outcome.ok,
        "_success": lambda: pack.outcome.ok,
    }


def _frame(task: StoredTask, frame: Frame) -> ForeachFrame:
    datastore = task.run.connection.stores.datastore
    opener = datastore.pack(task.key.sibling(frame.step, frame.task))
    if opener is None:
        raise StepwellDataMissing(
            f"The items of the foreach in {task.key.run}/{frame.step}/{frame.task} are not in "
            f"{datastore.location}. {RESULT_LOST}"
        )
    value = datastore.load_item(opener, frame.index)
    return ForeachFrame(frame.step, frame.var, frame.num_splits, frame.index, value)


def _transition(pack: Pack) -> tuple[list[str], None] | None:
    taken = pack.outcome.transition
    return None if taken is None or not taken.targets else (list(taken.targets), None)
