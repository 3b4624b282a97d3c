"""What the executor knows of one task that is under way."""

from __future__ import annotations

import time

from msgspec.structs import replace

from stepwell.engine.handle import TaskExited, TaskStarted
from stepwell.model.pack import Pack
from stepwell.model.run import RETRY_AT, SPLIT, TaskRecord
from stepwell.model.states import TaskState
from stepwell.model.task import ErrorInfo, TaskOutcome, TaskRequest
from stepwell.model.task_record import brief, record_of, remarks, world_fields
from stepwell.runtime.events import TaskBegan, TaskCached, TaskEnded
from stepwell.runtime.task_log import TaskLog, TaskLogs
from stepwell.scheduling.orders import Launch, Retry


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

    def go_again(self, launch: Launch) -> None:
        """Take the order to launch the next attempt."""
        self.launch, self.log, self.started_at, failed_for = launch, None, 0.0, self.error
        self.error = None
        self.request = replace(
            self.request,
            attempt=launch.attempt,
            retries_left=launch.retries_left,
            failure=failed_for if launch.catch else None,
            devices=launch.devices,
        )

    def open_log(self, logs: TaskLogs) -> TaskLog:
        """Return the log of its attempt."""
        if self.log is None:
            self.log = logs.open(self.request.key, self.request.attempt, self.pid)
        return self.log

    def close_log(self, at: float, retry: Retry | None = None) -> None:
        """Let its attempt say nothing more; its last word is when the next one begins, if that waits."""
        if self.log is not None:
            if retry is not None and retry.wait_s:
                when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at + retry.wait_s))
                self.log.say(at, f"Attempt {self.launch.attempt + 1} begins at {when}.")
            self.log.close(at)

    def begin(self, report: TaskStarted) -> TaskBegan:
        """Take in that its process has started; return what listeners are told."""
        self.pid, self.started_at = report.pid, report.at
        self.record = replace(
            self.record,
            state=TaskState.RUNNING,
            attempt=report.handle.attempt,
            created_at=self.record.created_at or report.at,
            started_at=report.at,
            finished_at=None,
            exit_code=None,
            error="",
            pid=report.pid,
            fields=self._place(),
        )
        return TaskBegan(
            at=report.at,
            key=report.handle.key,
            attempt=report.handle.attempt,
            pid=report.pid,
            label=self.label,
            index_path=self.launch.index_path,
        )

    def take_cached(self, pack: Pack) -> TaskCached:
        """Take in that it has the result of another task; return what listeners are told."""
        self.record = replace(record_of(pack), number=self.record.number)
        return TaskCached(
            at=pack.outcome.ended_at,
            key=pack.key,
            origin=pack.key if pack.origin is None else pack.origin.task,
            label=pack.outcome.label,
            index_path=pack.outcome.index_path,
        )

    def end(
        self, exited: TaskExited, outcome: TaskOutcome, state: TaskState, retry: Retry | None
    ) -> TaskEnded:
        """Take in that an attempt has ended, and what follows it; return what listeners are told."""
        started_at = self.started_at or outcome.started_at
        retry_at = None if retry is None else exited.at + retry.wait_s
        known = remarks(outcome) if self.pid else self._place()
        self.record = replace(
            self.record,
            state=state,
            attempt=exited.handle.attempt,
            created_at=self.record.created_at or started_at,
            started_at=started_at,
            finished_at=exited.at,
            exit_code=exited.exit_code if not exited.signal else -exited.signal,
            label=outcome.label or self.label,
            error="" if outcome.error is None else brief(outcome.error),
            fields={
                **world_fields(self.request.gang),
                **(known if retry_at is None else {RETRY_AT: str(retry_at)}),
            },
        )
        return TaskEnded(
            at=exited.at,
            key=exited.handle.key,
            attempt=exited.handle.attempt,
            pid=self.pid,
            state=state,
            seconds=max(0.0, exited.at - started_at),
            error=outcome.error,
            label=outcome.label or self.label,
            index_path=self.launch.index_path,
            retry_at=retry_at,
            why=retry.why if retry else "",
            caught=outcome.caught,
            told=outcome.told,
            local_values=outcome.local_values,
        )

    def _place(self) -> dict[str, str]:
        """Return what the index has to know of an attempt that leaves no pack, to find its place again."""
        split = self.request.split
        return {
            **world_fields(self.request.gang),
            **({} if split is None else {SPLIT: f"{split.step}/{split.task}"}),
        }
