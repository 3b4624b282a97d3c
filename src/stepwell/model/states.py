"""States of runs and tasks. Moves between them are legal only as the tables say."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class RunState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    LOST = "lost"

    @property
    def finished(self) -> bool:
        return self in (RunState.SUCCEEDED, RunState.FAILED, RunState.INTERRUPTED, RunState.LOST)


class TaskState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    RETRYING = "retrying"
    SUCCEEDED = "succeeded"
    REUSED = "reused"
    CACHED = "cached"
    SKIPPED = "skipped"
    FAILED = "failed"
    KILLED = "killed"
    LOST = "lost"

    @property
    def finished(self) -> bool:
        return self not in (TaskState.WAITING, TaskState.RUNNING, TaskState.RETRYING)


class IllegalMove(Exception):
    """A state changed in a way that the table forbids; always a mistake of ours."""


RUN_MOVES: Mapping[RunState, frozenset[RunState]] = {
    RunState.PENDING: frozenset({RunState.RUNNING, RunState.FAILED, RunState.INTERRUPTED, RunState.LOST}),
    RunState.RUNNING: frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.INTERRUPTED, RunState.LOST}),
    # A run that shows signs of life again is running again; the others are taken up by `continue`.
    RunState.LOST: frozenset({RunState.RUNNING, RunState.SUCCEEDED, RunState.FAILED, RunState.INTERRUPTED}),
    RunState.FAILED: frozenset({RunState.RUNNING}),
    RunState.INTERRUPTED: frozenset({RunState.RUNNING}),
    RunState.SUCCEEDED: frozenset(),
}

TASK_MOVES: Mapping[TaskState, frozenset[TaskState]] = {
    TaskState.WAITING: frozenset(
        {
            TaskState.RUNNING,
            TaskState.REUSED,
            TaskState.CACHED,
            TaskState.SKIPPED,
            TaskState.KILLED,
            TaskState.LOST,
        }
    ),
    TaskState.RUNNING: frozenset(
        {TaskState.SUCCEEDED, TaskState.FAILED, TaskState.RETRYING, TaskState.KILLED, TaskState.LOST}
    ),
    TaskState.RETRYING: frozenset({TaskState.RUNNING, TaskState.KILLED, TaskState.LOST}),
    TaskState.LOST: frozenset({TaskState.RUNNING, TaskState.SUCCEEDED, TaskState.FAILED, TaskState.KILLED}),
    TaskState.FAILED: frozenset({TaskState.RUNNING}),
    TaskState.KILLED: frozenset({TaskState.RUNNING}),
    # A result can be damaged or deleted: it is made again then.
    TaskState.SUCCEEDED: frozenset({TaskState.LOST}),
    TaskState.REUSED: frozenset({TaskState.LOST}),
    TaskState.CACHED: frozenset(),
    TaskState.SKIPPED: frozenset(),
}


def move_run(run: str, old: RunState, new: RunState) -> RunState:
    """Return ``new``, or raise `IllegalMove` if the table has no such move."""
    if new != old and new not in RUN_MOVES[old]:
        raise IllegalMove(f"run {run} cannot go from {old.value} to {new.value}")
    return new


def move_task(task: str, old: TaskState, new: TaskState) -> TaskState:
    """Return ``new``, or raise `IllegalMove` if the table has no such move."""
    if new != old and new not in TASK_MOVES[old]:
        raise IllegalMove(f"task {task} cannot go from {old.value} to {new.value}")
    return new
