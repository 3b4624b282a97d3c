"""States of runs and tasks."""

from __future__ import annotations

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
