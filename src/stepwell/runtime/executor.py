"""Executes steps: asks `scheduling.transitions` what to do, tells the engine, turns reports into facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import msgspec

from stepwell.datastore.datastore import Datastore
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.engine.engine import Engine
from stepwell.engine.handle import TaskExited, TaskHandle, TaskOutput, TaskReport, TaskStarted
from stepwell.model.ids import TaskKey
from stepwell.model.policy import StepPolicy
from stepwell.model.run import RunInfo, TaskRecord
from stepwell.model.states import TaskState
from stepwell.model.task import ErrorInfo, TaskOutcome, TaskRef, TaskRequest
from stepwell.model.task_record import brief, parents_text
from stepwell.runtime.attempt_ends import AttemptEnds
from stepwell.runtime.events import Listener, SplitOpened, TaskBegan, TaskEnded
from stepwell.runtime.recorder import Recorder
from stepwell.runtime.task_log import TaskLog
from stepwell.runtime.verdict import outcome_of
from stepwell.scheduling.facts import CancelAsked, Fact, RoomFound, RunBegan, TaskFailed, TaskSucceeded
from stepwell.scheduling.orders import EndRun, Launch
from stepwell.scheduling.progress import Progress
from stepwell.scheduling.transitions import advance


class _Flight:
    """A task between launch and end."""

    __slots__ = ("label", "launch", "log", "pid", "record", "request", "started_at")

    def __init__(self, launch: Launch, record: TaskRecord, request: TaskRequest, label: str) -> None:
        self.launch = launch
        self.record = record
        self.request = request
        self.label = label
        self.log: TaskLog | None = None
        self.pid = 0
        self.started_at = 0.0


class Executor:
    """Drives one run to its end.

    Parameters
    ----------
    emit
        Gets every event, in the calling thread.
    asked_to_stop
        Returns how often the user has asked to stop so far.
    max_log_size
        Bytes kept of each stream of an attempt.
    """

    def __init__(
        self,
        definition: FlowDefinition,
        info: RunInfo,
        engine: Engine,
        datastore: Datastore,
        recorder: Recorder,
        emit: Listener,
        asked_to_stop: Callable[[], int],
        max_log_size: int,
    ) -> None:
        self._definition = definition
        self._info = info
        self._engine = engine
        self._datastore = datastore
        self._recorder = recorder
        self._emit = emit
        self._asked_to_stop = asked_to_stop
        self._max_log_size = max_log_size
        self._ends = AttemptEnds(definition, info, datastore)
        self._progress = Progress(definition.graph)
        self._flights: dict[TaskHandle, _Flight] = {}
        self._labels: dict[int, Sequence[str]] = {}
        self._heard = 0
        self._ending: EndRun | None = None
        self.counts: Counter[str] = Counter()
        self.first_error: tuple[TaskKey, ErrorInfo] | None = None

    def run(self) -> EndRun:
        """Execute the graph; return how it ended. Nothing of it runs any more then."""
        self._tell([RoomFound(self._engine.queue_depth), RunBegan()])
        while self._ending is None:
            reports = self._engine.reports(self._recorder.patience_s)
            self._listen_to_user()
            facts = [fact for report in reports if (fact := self._take(report)) is not None]
            self._tell(facts)
            self._recorder.tick()
        return self._ending

    def give_up(self, at: float) -> None:
        """Record the tasks that were running as killed: the run ends without waiting for their reports."""
        for flight in self._flights.values():
            if flight.record.state is TaskState.RUNNING:
                killed = msgspec.structs.replace(flight.record, state=TaskState.KILLED, finished_at=at)
                self._recorder.task(killed)

    def _tell(self, facts: Sequence[Fact]) -> None:
        launches: list[tuple[TaskRequest, StepPolicy]] = []
        for fact in facts:
            for order in advance(self._progress, fact):
                if isinstance(order, Launch):
                    launches.append(self._prepare(order))
                elif isinstance(order, EndRun):
                    self._ending = order
                else:
                    self._engine.cancel(list(self._flights))
        if launches:
            self._engine.submit(launches)

    def _listen_to_user(self) -> None:
        asked = self._asked_to_stop()
        if asked > self._heard:
            if self._heard == 0:
                self._tell([CancelAsked("it was interrupted")])
            if asked > 1:
                self._engine.cancel(list(self._flights), force=True)
            self._heard = asked

    # Launching

    def _prepare(self, launch: Launch) -> tuple[TaskRequest, StepPolicy]:
        key = TaskKey(self._info.flow, self._info.run, launch.step, str(launch.task))
        request = TaskRequest(
            key=key,
            parents=tuple(TaskRef(step, str(task)) for step, task in launch.parents),
            index=launch.index,
            split=None if launch.split is None else TaskRef(launch.split[0], str(launch.split[1])),
        )
        label = self._label_of(launch)
        record = TaskRecord(
            flow=key.flow,
            run=key.run,
            step=key.step,
            task=key.task,
            number=launch.task,
            state=TaskState.WAITING,
            index_path=",".join(map(str, launch.index_path)),
            label=label,
            parents=parents_text(launch.parents),
            host=self._recorder.run.host,
        )
        flight = _Flight(launch, record, request, label)
        self._flights[TaskHandle(key, 0)] = flight
        return request, self._definition.policies[launch.step]

    def _label_of(self, launch: Launch) -> str:
        if launch.index is None:
            return ""
        labels = self._labels.get(launch.parents[0][1], ())
        return labels[launch.index] if launch.index < len(labels) else ""

    # Reports

    def _take(self, report: TaskReport) -> Fact | None:
        flight = self._flights.get(report.handle)
        if flight is None:
            return None
        if isinstance(report, TaskOutput):
            self._log(flight, report.handle.key).feed(report)
            return None
        if isinstance(report, TaskStarted):
            self._began(flight, report)
            return None
        return self._ended(flight, report)

    def _began(self, flight: _Flight, report: TaskStarted) -> None:
        flight.pid, flight.started_at = report.pid, report.at
        flight.record = msgspec.structs.replace(
            flight.record, state=TaskState.RUNNING, created_at=report.at, started_at=report.at, pid=report.pid
        )
        self._recorder.task(flight.record)
        self._emit(
            TaskBegan(
                at=report.at,
                key=report.handle.key,
                attempt=report.handle.attempt,
                pid=report.pid,
                label=flight.label,
                index_path=flight.launch.index_path,
            )
        )

    def _ended(self, flight: _Flight, exited: TaskExited) -> Fact:
        del self._flights[exited.handle]
        outcome = outcome_of(exited, self._datastore, flight.started_at or exited.at)
        stopped = self._heard > 0 and not outcome.ok
        state = TaskState.SUCCEEDED if outcome.ok else TaskState.KILLED if stopped else TaskState.FAILED
        self._close_log(flight, exited, outcome)
        self._record_end(flight, exited, outcome, state)
        self.counts[state.value] += 1
        if not outcome.ok or outcome.transition is None:
            if flight.pid:
                self._ends.keep(flight.request, flight.record, exited, outcome)
            error = outcome.error or ErrorInfo("Lost", "The task has no result.")
            if self.first_error is None:
                self.first_error = (exited.handle.key, error)
            return TaskFailed(flight.launch.task, f"task {exited.handle.key.short} failed: {brief(error)}")
        self._recorder.committed()
        if outcome.transition.kind == "foreach":
            self._opened(flight, exited, outcome)
        return TaskSucceeded(flight.launch.task, outcome.transition)

    def _opened(self, flight: _Flight, exited: TaskExited, outcome: TaskOutcome) -> None:
        transition = outcome.transition
        if transition is None:
            return
        self._labels[flight.launch.task] = transition.labels
        while len(self._labels) > 1000:
            del self._labels[next(iter(self._labels))]
        self._emit(
            SplitOpened(
                at=exited.at,
                key=exited.handle.key,
                pid=flight.pid,
                target=transition.targets[0],
                num_splits=transition.num_splits,
            )
        )

    def _record_end(
        self, flight: _Flight, exited: TaskExited, outcome: TaskOutcome, state: TaskState
    ) -> None:
        started_at = flight.started_at or outcome.started_at
        self._recorder.task(
            msgspec.structs.replace(
                flight.record,
                state=state,
                created_at=flight.record.created_at or started_at,
                started_at=started_at,
                finished_at=exited.at,
                exit_code=exited.exit_code if not exited.signal else -exited.signal,
                label=outcome.label or flight.label,
                error="" if outcome.error is None else brief(outcome.error),
            )
        )
        self._emit(
            TaskEnded(
                at=exited.at,
                key=exited.handle.key,
                attempt=exited.handle.attempt,
                pid=flight.pid,
                state=state,
                seconds=max(0.0, exited.at - started_at),
                error=outcome.error,
                label=outcome.label or flight.label,
                index_path=flight.launch.index_path,
            )
        )

    # Output

    def _log(self, flight: _Flight, key: TaskKey) -> TaskLog:
        if flight.log is None:
            flight.log = TaskLog(key, 0, flight.pid, self._emit, self._max_log_size)
        return flight.log

    def _close_log(self, flight: _Flight, exited: TaskExited, outcome: TaskOutcome) -> None:
        if exited.outcome is None and outcome.error is not None:
            # The process died without a word of its own: its log ends with the cause.
            self._log(flight, exited.handle.key).say(exited.at, outcome.error.message)
        if flight.log is not None:
            flight.log.close(exited.at, self._datastore)
