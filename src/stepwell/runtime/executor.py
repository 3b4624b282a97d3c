"""Executes steps: asks `scheduling.transitions` what to do, tells the engine, turns reports into facts."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from stepwell.definition.flow_definition import FlowDefinition
from stepwell.engine.handle import TaskAttended, TaskExited, TaskHandle, TaskOutput, TaskReport, TaskStarted
from stepwell.exceptions import StepwellInternalError
from stepwell.model.ids import TaskKey
from stepwell.model.pack import Pack
from stepwell.model.policy import StepPolicy
from stepwell.model.run import RunInfo
from stepwell.model.states import TaskState
from stepwell.model.task import ErrorInfo, TaskOutcome, TaskRequest
from stepwell.runtime.attempt_ends import AttemptEnds
from stepwell.runtime.events import Notice, TerminalLent
from stepwell.runtime.flight import Flight
from stepwell.runtime.foreach_splits import ForeachSplits
from stepwell.runtime.gang_flights import GangFlights
from stepwell.runtime.new_flights import NewFlights
from stepwell.runtime.parts import Parts
from stepwell.runtime.task_log import TaskLogs
from stepwell.runtime.verdict import NO_RESULT, Verdict, failure_of, verdict_of
from stepwell.scheduling.facts import (
    CacheMissed,
    CacheWaits,
    CancelAsked,
    Fact,
    RoomFound,
    RunBegan,
    TaskCached,
    TaskFailed,
    TaskSucceeded,
    Tick,
)
from stepwell.scheduling.orders import (
    CancelRunning,
    EndGang,
    EndRun,
    GiveUpGang,
    Launch,
    LookUp,
    Order,
    Remark,
    Retry,
    Reuse,
    SealGang,
    Withdraw,
)
from stepwell.scheduling.progress import Progress
from stepwell.scheduling.transitions import advance

if TYPE_CHECKING:
    from stepwell.runtime.look_ups import LookUps


class Executor:
    """Drives one run to its end.

    Parameters
    ----------
    progress
        Where the run stands; made by who knows what it goes on from.
    asked_to_stop
        Returns how often the user has asked to stop so far.
    max_log_size
        Bytes kept of each stream of an attempt.
    """

    def __init__(
        self,
        definition: FlowDefinition,
        info: RunInfo,
        progress: Progress,
        parts: Parts,
        asked_to_stop: Callable[[], int],
        max_log_size: int,
    ) -> None:
        self._definition = definition
        self._info = info
        self._progress = progress
        self._engine = parts.engine
        self._datastore = parts.datastore
        self._recorder = parts.recorder
        self._clock = parts.clock
        self._emit = parts.listener
        self._shared = parts.shared
        self._look_ups = parts.look_ups
        self._looked_up: dict[int, Flight] = {}
        self._asked_to_stop = asked_to_stop
        self._logs = TaskLogs(self._datastore, parts.clock, parts.listener, max_log_size)
        self._ends = AttemptEnds(definition, info, self._datastore)
        self._flights: dict[TaskHandle, Flight] = {}
        self._between_attempts: dict[int, Flight] = {}
        self._gangs = GangFlights(parts)
        self._launches: list[tuple[TaskRequest, StepPolicy]] = []
        self._splits = ForeachSplits(definition.graph, parts.listener)
        self._new_flights = NewFlights(info, parts, self._splits)
        self._heard = 0
        self._exits = 0
        self._why_cancelled = ""
        self._ending: EndRun | None = None
        self.counts: Counter[str] = Counter()
        self.first_error: tuple[TaskKey, ErrorInfo] | None = None

    def begin(self) -> list[Reuse]:
        """Work out what is to be done first; return which tasks are taken from an earlier execution."""
        reused: list[Reuse] = []
        for fact in (RoomFound(0 if self._shared else self._engine.queue_depth), RunBegan()):
            orders = advance(self._progress, fact)
            reused += [order for order in orders if isinstance(order, Reuse)]
            self._obey(orders)
        return reused

    def known_tasks(self) -> dict[str, int]:
        """Return how many tasks each step has by now, whatever has become of them."""
        return {
            step: counts.waiting + counts.running + counts.done
            for step, counts in self._progress.snapshot().items()
        }

    def run(self) -> EndRun:
        """Execute the graph, once it has begun; return how it ended. Nothing of it runs any more then."""
        self.submit()
        while self._ending is None:
            self._share_workers()
            for report in self._engine.reports(self._patience_s(), self._meanwhile):
                self._take(report)
            self._listen_to_user()
            self._look_at_the_clock()
            if self._look_ups is not None:
                self._look_up(self._look_ups)
            self.submit()
            self._tick()
        for flight in self._between_attempts.values():
            self._record_as_killed(flight, self._clock.now())
        if self._look_ups is not None:
            self._look_ups.close()
        return self._ending

    def _meanwhile(self, reports: Sequence[TaskReport]) -> None:
        for report in reports:
            self._take(report)
        self._tick()

    def _tick(self) -> None:
        self._logs.tick()
        self._recorder.tick()

    def _share_workers(self) -> None:
        if self._shared is not None:
            for fact in self._shared.news(self._progress):
                self._tell(fact)
            self.submit()
            self._shared.settle(len(self._progress.running), len(self._progress.ready), self._exits)

    def give_up(self, at: float) -> None:
        """Record the tasks that were running as killed: the run ends without waiting for their reports."""
        for flight in (*self._flights.values(), *self._between_attempts.values(), *self._gangs.flights):
            if flight.record.state in (TaskState.RUNNING, TaskState.RETRYING):
                self._record_as_killed(flight, at)
        if self._look_ups is not None:
            self._look_ups.close()

    def _record_as_killed(self, flight: Flight, at: float) -> None:
        killed = msgspec.structs.replace(flight.record, state=TaskState.KILLED, finished_at=at)
        self._recorder.task(killed)

    # Orders

    def _tell(self, fact: Fact) -> None:
        self._obey(advance(self._progress, fact))

    def _obey(self, orders: Sequence[Order]) -> None:
        for order in orders:
            if isinstance(order, Launch):
                self._launches.append(self._prepare(order))
            elif isinstance(order, LookUp) and self._look_ups is not None:
                self._look_ups.ask(self._new_flights.make(order.launch))
            elif isinstance(order, EndRun):
                self._ending = order
            elif isinstance(order, Retry) and order.task in self._gangs:
                self._end_failed_gang(order.task, order)
            elif isinstance(order, EndGang | SealGang | GiveUpGang):
                self._obey_for_gang(order)
            elif isinstance(order, Remark):
                self._emit(Notice(at=self._clock.now(), text=f"{order.text}."))
            elif isinstance(order, Withdraw):
                self.submit()
                self._engine.withdraw([handle for handle, one in self._flights.items() if not one.started_at])
            elif isinstance(order, CancelRunning):
                self._cancel_all(order.reason or "the run was interrupted")

    def _cancel_all(self, why: str) -> None:
        self._why_cancelled = why
        running = sum(1 for flight in self._flights.values() if flight.started_at)
        tasks = f"{running} running task{'' if running == 1 else 's'}"
        self._emit(Notice(at=self._clock.now(), text=f"{why}; ending {tasks}"))
        # The newest first: what waits in a queue shall not begin in the place of what ends.
        self._engine.cancel(list(reversed(self._flights)))

    def submit(self) -> None:
        """Hand what is ready to the engine."""
        if self._launches:
            launches, self._launches = self._launches, []
            self._engine.submit(launches)

    def _listen_to_user(self) -> None:
        asked = self._asked_to_stop()
        if asked > self._heard:
            if self._heard == 0:
                self._tell(CancelAsked(""))
            if asked > 1:
                self._engine.cancel(list(self._flights), force=True)
            self._heard = asked

    def _look_at_the_clock(self) -> None:
        due = self._progress.next_due
        if due is not None and due <= self._clock.now():
            self._tell(Tick(self._clock.now()))

    def _patience_s(self) -> float:
        due = self._progress.next_due
        patience = min(self._recorder.patience_s, self._logs.patience_s)
        if self._look_ups is not None and (sooner := self._look_ups.patience_s) is not None:
            patience = min(patience, sooner)
        return patience if due is None else min(patience, max(0.0, due - self._clock.now()))

    # Results of the past

    def _look_up(self, look_ups: LookUps) -> None:
        for flight, answer in look_ups.answers():
            task = flight.launch.task
            if self._progress.ending is not None:
                return
            if isinstance(answer, Pack):
                self._cached(flight, answer)
            elif answer == "wait":
                self._tell(CacheWaits(task))
            else:
                self._looked_up[task] = flight
                self._tell(CacheMissed(task))

    def _cached(self, flight: Flight, pack: Pack) -> None:
        event, taken = flight.take_cached(pack), pack.outcome.transition
        if taken is None:
            raise StepwellInternalError(f"the cached task {pack.key.pathspec} leads nowhere")
        self._recorder.committed()
        self._recorder.task(flight.record)
        self._emit(event)
        self.counts[TaskState.CACHED.value] += 1
        if taken.fans_out:
            self._splits.opened(pack.key, os.getpid(), event.at, taken)
        self._tell(TaskCached(flight.launch.task, taken))

    # Launching

    def _prepare(self, launch: Launch) -> tuple[TaskRequest, StepPolicy]:
        flight = self._between_attempts.pop(launch.task, None) or self._looked_up.pop(launch.task, None)
        if flight is None:
            flight = self._new_flights.make(launch)
        else:
            flight.go_again(launch)
        self._flights[TaskHandle(flight.request.key, launch.attempt)] = flight
        return flight.request, self._definition.policies[launch.step]

    # Reports

    def _take(self, report: TaskReport) -> None:
        flight = self._flights.get(report.handle)
        if flight is None:
            return
        if isinstance(report, TaskOutput):
            flight.open_log(self._logs).feed(report)
        elif isinstance(report, TaskStarted):
            self._began(flight, report)
        elif isinstance(report, TaskAttended):
            self._emit(TerminalLent(at=report.at, key=report.handle.key, attempt=report.handle.attempt))
        else:
            self._ended(flight, report)

    def _began(self, flight: Flight, report: TaskStarted) -> None:
        event = flight.begin(report)
        self._recorder.task(flight.record)
        self._emit(event)

    def _ended(self, flight: Flight, exited: TaskExited) -> None:
        del self._flights[exited.handle]
        self._exits += 1
        if flight.launch.gang is not None:
            self._ended_in_gang(flight, exited)
            return
        if not flight.started_at and self._progress.ending is not None:
            # It was taken back before it began: there is nothing to tell.
            if flight.record.state is TaskState.RETRYING:
                self._record_as_killed(flight, exited.at)
            self._tell(TaskFailed(flight.launch.task, exited.error, exited.at))
            return
        began_at = flight.started_at or exited.at
        verdict = verdict_of(exited, self._datastore, began_at, self._why_cancelled)
        outcome = verdict.outcome
        if not outcome.ok or outcome.transition is None:
            self._failed(flight, exited, verdict)
            return
        flight.close_log(exited.at)
        self._recorder.committed()
        self._record_success(flight, exited, outcome)
        if outcome.transition.fans_out:
            self._splits.opened(exited.handle.key, flight.pid, exited.at, outcome.transition)
        self._tell(TaskSucceeded(flight.launch.task, outcome.transition))

    def _record_success(self, flight: Flight, exited: TaskExited, outcome: TaskOutcome) -> None:
        self._record_end(flight, exited, outcome, TaskState.SUCCEEDED)
        self.counts[TaskState.SUCCEEDED.value] += 1
        self._ended_for_good(exited.handle.key)

    def _failed(self, flight: Flight, exited: TaskExited, verdict: Verdict) -> None:
        orders = advance(self._progress, self._fact_of_failure(flight, exited, verdict))
        retry = next((order for order in orders if isinstance(order, Retry)), None)
        flight.close_log(exited.at, retry)
        self._record_failure(flight, exited, verdict.outcome, retry)
        self._obey(orders)

    def _fact_of_failure(self, flight: Flight, exited: TaskExited, verdict: Verdict) -> TaskFailed:
        """Return what scheduling is told; keep what only those outside the task see of its end."""
        outcome, policy = verdict.outcome, self._definition.policies[flight.launch.step]
        error = outcome.error or NO_RESULT
        if not verdict.own_word:
            # The process died without a word of its own: its log ends with the cause.
            flight.open_log(self._logs).say(exited.at, error.message)
        if flight.pid:
            self._ends.keep(flight.request, flight.record, exited, outcome)
        return failure_of(exited, flight.launch.task, error, verdict.own_word, policy)

    def _record_failure(
        self, flight: Flight, exited: TaskExited, outcome: TaskOutcome, retry: Retry | None
    ) -> None:
        state = TaskState.RETRYING if retry else TaskState.KILLED if self._why_cancelled else TaskState.FAILED
        self._record_end(flight, exited, outcome, state, retry)
        if retry:
            flight.error = flight.error or outcome.error or NO_RESULT
            self._between_attempts[flight.launch.task] = flight
            return
        self._ended_for_good(exited.handle.key)
        self.counts[state.value] += 1
        if self.first_error is None:
            self.first_error = (exited.handle.key, outcome.error or NO_RESULT)

    # Gangs

    def _ended_in_gang(self, flight: Flight, exited: TaskExited) -> None:
        """Take in an end that means nothing yet: all of the gang has to end first."""
        why = self._why_cancelled or self._gangs.why_ended(flight)
        verdict = verdict_of(exited, self._datastore, flight.started_at or exited.at, why)
        outcome, task = verdict.outcome, flight.launch.task
        if outcome.ok and outcome.transition is not None:
            fact: Fact = TaskSucceeded(task, outcome.transition)
        else:
            fact = self._fact_of_failure(flight, exited, verdict)
        flight.close_log(exited.at)
        self._gangs.add(flight, exited, outcome)
        self._tell(fact)

    def _obey_for_gang(self, order: EndGang | SealGang | GiveUpGang) -> None:
        if isinstance(order, EndGang):
            self._gangs.end_others(order, self._flights)
        elif isinstance(order, GiveUpGang):
            self._end_failed_gang(order.control, None)
        else:
            for flight, exited, outcome in self._gangs.sealed(order.control):
                self._recorder.committed()
                self._record_success(flight, exited, outcome)

    def _end_failed_gang(self, control: int, retry: Retry | None) -> None:
        for flight, exited, outcome in self._gangs.failed(control):
            self._record_failure(flight, exited, outcome, retry)

    def _ended_for_good(self, task: TaskKey) -> None:
        if self._look_ups is not None:
            self._look_ups.ended(task)

    def _record_end(
        self,
        flight: Flight,
        exited: TaskExited,
        outcome: TaskOutcome,
        state: TaskState,
        retry: Retry | None = None,
    ) -> None:
        event = flight.end(exited, outcome, state, retry)
        self._recorder.task(flight.record)
        self._emit(event)
