"""What an engine says of the tasks it was given."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from stepwell.model.ids import TaskKey
from stepwell.model.task import TaskOutcome

Stream = Literal["stdout", "stderr"]

CANCELLED = "cancelled before it started"
"""The error of a task that was cancelled while it waited for its turn."""


class TaskHandle(Struct, frozen=True, array_like=True):
    """Names a submitted task attempt to the engine that took it. Serialisable."""

    key: TaskKey
    attempt: int


class TaskStarted(Struct, frozen=True, array_like=True):
    """The task's process runs."""

    handle: TaskHandle
    at: float
    pid: int = 0


class TaskAttended(Struct, frozen=True, array_like=True):
    """The task is going to have the terminal, from the next call of `reports` until it has exited."""

    handle: TaskHandle
    at: float


class TaskOutput(Struct, frozen=True, array_like=True):
    """Bytes that the task's process, or a descendant of it, wrote; in order within a stream.

    ``at`` is when they were read (Unix seconds). Lines may be cut anywhere.
    """

    handle: TaskHandle
    stream: Stream
    at: float
    data: bytes


class TaskExited(Struct, frozen=True, array_like=True):
    """The process is gone, and all its output has been reported before.

    Attributes
    ----------
    exit_code
        What it exited with, or None if it was ended by ``signal`` or never started.
    signal
        Number of the signal that ended it, or 0.
    outcome
        What the task said of itself before it exited; None if it said nothing (the pack decides).
    out_of_memory
        Whether the kernel's counters say that memory was the reason.
    timed_out
        Whether it was ended because its time was over.
    allowed_kib
        How much memory it might use, if it was ended because it used more.
    error
        Why it could not be started, or another platform failure, in words.
    """

    handle: TaskHandle
    at: float
    exit_code: int | None
    signal: int = 0
    outcome: TaskOutcome | None = None
    out_of_memory: bool = False
    timed_out: bool = False
    max_rss_kib: int = 0
    cpu_s: float = 0.0
    allowed_kib: int = 0
    error: str = ""


TaskReport = TaskAttended | TaskStarted | TaskOutput | TaskExited
