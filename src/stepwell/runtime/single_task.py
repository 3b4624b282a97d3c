"""One task, run for a scheduler or a remote engine: started, its output kept and shown, its end recorded."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from stepwell.datastore.datastore import Datastore
from stepwell.engine.engine import Engine
from stepwell.engine.handle import (
    Stream,
    TaskAttended,
    TaskExited,
    TaskHandle,
    TaskOutput,
    TaskReport,
    TaskStarted,
)
from stepwell.model.policy import StepPolicy
from stepwell.model.run import TaskRecord
from stepwell.model.states import RunState, TaskState
from stepwell.model.task import ErrorInfo, TaskOutcome
from stepwell.model.task_record import brief, number_at, parents_text, remarks
from stepwell.runtime.attempt_ends import AttemptEnds
from stepwell.runtime.clock import Clock
from stepwell.runtime.events import RunEvent
from stepwell.runtime.recorder import Recorder
from stepwell.runtime.signals import StopRequests
from stepwell.runtime.task_log import TaskLog, TaskLogs
from stepwell.runtime.task_order import DueTask
from stepwell.runtime.verdict import failure_of, verdict_of
from stepwell.scheduling.facts import TaskFailed

Show = Callable[[Stream, bytes], None]
"""Shows what a task writes, as it comes."""

_PATIENCE_S = 1.0


class TaskResult(Struct, frozen=True, kw_only=True):
    """What came of a task.

    Attributes
    ----------
    state
        ``succeeded``, ``retrying`` if it failed and another attempt is due, ``failed``, or ``killed`` if it
        was ended from outside.
    again
        It had succeeded before: nothing was run.
    interrupted
        It was ended from outside.
    ended_run
        How the run ended, if it is this task's end that ended it: of a run that a scheduler drives.
    failure
        If it has not succeeded: what scheduling has to know of that.
    """

    state: TaskState
    outcome: TaskOutcome
    again: bool = False
    interrupted: bool = False
    failure: TaskFailed | None = None
    ended_run: RunState | None = None

    @property
    def error(self) -> ErrorInfo:
        """Why it failed."""
        return self.outcome.error or ErrorInfo("Lost", "The task has no result.")


class SingleTask:
    """Runs one attempt of a task to its end, on an engine that has been started.

    Parameters
    ----------
    ends
        Keeps how a failed attempt ended.
    recorder
        Gets the records of the task; None if somebody else keeps them.
    show
        Gets what the task writes.
    max_log_size
        Bytes kept of each stream.
    is_last_attempt
        Whether a failure is for good.
    """

    def __init__(
        self,
        engine: Engine,
        datastore: Datastore,
        ends: AttemptEnds,
        recorder: Recorder | None,
        clock: Clock,
        show: Show,
        max_log_size: int,
        is_last_attempt: bool,
    ) -> None:
        self._engine = engine
        self._datastore = datastore
        self._ends = ends
        self._recorder = recorder
        self._clock = clock
        self._show = show
        self._logs = TaskLogs(datastore, clock, _shown_already, max_log_size)
        self._is_last_attempt = is_last_attempt
        self._log: TaskLog | None = None
        self._pid = 0
        self._heard = 0
        self._shows_itself = False

    def run(
        self, due: DueTask, policy: StepPolicy, stop: StopRequests, earlier: TaskRecord | None
    ) -> TaskResult:
        """Run the task; return once nothing of it runs any more.

        Parameters
        ----------
        earlier
            Its record from an earlier attempt.
        """
        record = self._record(due)
        if earlier is not None:
            record = replace(record, created_at=earlier.created_at)
        [handle] = self._engine.submit([(due.request, policy)])
        exited = None
        while exited is None:
            for report in self._engine.reports(self._patience_s, self._meanwhile):
                if isinstance(report, TaskStarted):
                    self._pid = report.pid
                    record = replace(record, state=TaskState.RUNNING, started_at=report.at, pid=report.pid)
                    self._keep(record)
                elif isinstance(report, TaskExited):
                    exited = report
                else:
                    self._hear(report)
            self._listen(stop, handle)
            self._tick()
        return self._ended(due, policy, record, exited)

    def _meanwhile(self, reports: Sequence[TaskReport]) -> None:
        for report in reports:
            self._hear(report)
        self._tick()

    def _hear(self, report: TaskReport) -> None:
        if isinstance(report, TaskAttended):
            self._shows_itself = True
        elif isinstance(report, TaskOutput):
            self._log_of(report.handle).feed(report)
            if not self._shows_itself:
                self._show(report.stream, report.data)

    def _tick(self) -> None:
        self._logs.tick()
        if self._recorder is not None:
            self._recorder.tick()

    @property
    def _patience_s(self) -> float:
        patience = _PATIENCE_S if self._recorder is None else self._recorder.patience_s
        return min(patience, self._logs.patience_s)

    def _listen(self, stop: StopRequests, handle: TaskHandle) -> None:
        if stop.count > self._heard:
            self._heard = stop.count
            self._engine.cancel([handle], force=stop.count > 1)

    def _record(self, due: DueTask) -> TaskRecord:
        key, now = due.request.key, self._clock.now()
        return TaskRecord(
            flow=key.flow,
            run=key.run,
            step=key.step,
            task=key.task,
            number=number_at(key.step, key.task, now),
            state=TaskState.WAITING,
            attempt=due.request.attempt,
            created_at=now,
            index_path=",".join(map(str, due.index_path)),
            parents=parents_text([(parent.step, parent.task) for parent in due.request.parents]),
            host=socket.gethostname(),
            pid=os.getpid(),
        )

    def _keep(self, record: TaskRecord) -> None:
        if self._recorder is not None:
            self._recorder.task(record)

    def _log_of(self, handle: TaskHandle) -> TaskLog:
        if self._log is None:
            self._log = self._logs.open(handle.key, handle.attempt, self._pid)
        return self._log

    def _ended(self, due: DueTask, policy: StepPolicy, record: TaskRecord, exited: TaskExited) -> TaskResult:
        started_at = record.started_at or exited.at
        why_ended = "the command that ran it was interrupted" if self._heard else ""
        verdict = verdict_of(exited, self._datastore, started_at, why_ended)
        outcome = verdict.outcome
        interrupted = self._heard > 0 and not outcome.ok
        result = TaskResult(state=self._state(outcome), outcome=outcome, interrupted=interrupted)
        if not outcome.ok:
            failure = failure_of(exited, record.number, result.error, verdict.own_word, policy)
            result = replace(result, failure=failure)
        if not verdict.own_word:
            # The process died without a word of its own: its log ends with the cause.
            self._log_of(exited.handle).say(exited.at, result.error.message)
        if self._pid and not outcome.ok:
            self._ends.keep(due.request, record, exited, outcome)
        if self._log is not None:
            self._log.close(exited.at)
        if outcome.ok and self._recorder is not None:
            self._recorder.committed()
            # As `reindex` would have it, which knows the pack alone.
            record = replace(record, number=number_at(record.step, record.task, outcome.started_at))
        self._keep(
            replace(
                record,
                state=result.state,
                started_at=started_at,
                finished_at=exited.at,
                exit_code=exited.exit_code if not exited.signal else -exited.signal,
                label=outcome.label,
                error="" if outcome.error is None else brief(outcome.error),
                fields=remarks(outcome),
            )
        )
        return result

    def _state(self, outcome: TaskOutcome) -> TaskState:
        if outcome.ok:
            return TaskState.SUCCEEDED
        if not self._is_last_attempt:
            return TaskState.RETRYING
        return TaskState.KILLED if self._heard else TaskState.FAILED


def _shown_already(event: RunEvent) -> None:
    del event  # the bytes went to whoever looks, as they came
