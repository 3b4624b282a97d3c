"""What to do, as the deciding half of the executor says."""

from __future__ import annotations

from msgspec import Struct

from stepwell.model.states import RunState


class Launch(Struct, frozen=True, array_like=True):
    """Run this task.

    Attributes
    ----------
    task
        Its id: a number counted from 1 within the run; later tasks have higher ones.
    parents
        ``(step, task id)`` of those it inherits from, or, for a join, of its inputs in their order.
    index
        The item's index for the first task of a foreach branch.
    index_path
        Indexes of all enclosing foreach items, outermost first.
    split
        For a join: ``(step, task id)`` of the task that opened the split.
    """

    step: str
    task: int
    parents: tuple[tuple[str, int], ...]
    index: int | None = None
    index_path: tuple[int, ...] = ()
    split: tuple[str, int] | None = None


class CancelRunning(Struct, frozen=True, array_like=True):
    """End every task that is launched and has not ended."""

    reason: str


class EndRun(Struct, frozen=True, array_like=True):
    """Nothing more will happen; every launched task has ended."""

    state: RunState
    reason: str = ""


Order = Launch | CancelRunning | EndRun
