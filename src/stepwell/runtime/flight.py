"""What the executor knows of one task that is under way."""

from __future__ import annotations

from stepwell.model.run import TaskRecord
from stepwell.model.task import ErrorInfo, TaskRequest
from stepwell.runtime.task_log import TaskLog
from stepwell.scheduling.orders import Launch


class Flight:
    """A task between its launch and its end for good; between two attempts it waits for the next.

    Attributes
    ----------
    error
        What ended the attempt before.
    """

    __slots__ = ("error", "label", "launch", "log", "pid", "record", "request", "started_at")

    def __init__(self, launch: Launch, record: TaskRecord, request: TaskRequest, label: str) -> None:
        self.launch = launch
        self.record = record
        self.request = request
        self.label = label
        self.log: TaskLog | None = None
        self.pid = 0
        self.started_at = 0.0
        self.error: ErrorInfo | None = None
