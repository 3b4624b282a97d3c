"""An engine without processes, streams or time: what each task does is written down beforehand."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from msgspec import Struct

from stepwell.engine.capabilities import Capabilities
from stepwell.engine.engine import Engine, Meanwhile
from stepwell.engine.handle import (
    CANCELLED,
    Stream,
    TaskExited,
    TaskHandle,
    TaskOutput,
    TaskReport,
    TaskStarted,
)
from stepwell.model.policy import StepPolicy
from stepwell.model.run import RunInfo
from stepwell.model.task import TaskOutcome, TaskRequest


class FakeTask(Struct, frozen=True, kw_only=True):
    """What a task does.

    Attributes
    ----------
    held
        It runs until `FakeEngine.release` or a cancel.
    error
        It cannot be started, and this is why.
    """

    output: tuple[tuple[Stream, bytes], ...] = ()
    outcome: TaskOutcome | None = None
    exit_code: int = 0
    signal: int = 0
    held: bool = False
    error: str = ""


class FakeEngine(Engine):
    """Does what ``script`` says of each request; its clock moves by one second a report.

    Attributes
    ----------
    submitted
        Every request taken, in order.
    running
        Handles of tasks that have started and not ended.
    """

    def __init__(self, script: Callable[[TaskRequest], FakeTask], workers: int = 2) -> None:
        self._script = script
        self._workers = workers
        self._waiting: dict[TaskHandle, TaskRequest] = {}
        self._ready: deque[TaskReport] = deque()
        self._clock = 0.0
        self._seen: set[TaskHandle] = set()
        self.submitted: list[TaskRequest] = []
        self.running: dict[TaskHandle, FakeTask] = {}
        self.closed = False

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(name="fake", variables=True, processes=False, retry_delay_s=0.0, gangs=True)

    @property
    def queue_depth(self) -> int:
        return self._workers * 2

    def start(self, info: RunInfo) -> None:
        del info  # a fake task knows what it does

    def submit(self, requests: Sequence[tuple[TaskRequest, StepPolicy]]) -> Sequence[TaskHandle]:
        handles = [TaskHandle(request.key, request.attempt) for request, _ in requests]
        for handle, (request, _) in zip(handles, requests, strict=True):
            if handle not in self._seen:
                self._seen.add(handle)
                self.submitted.append(request)
                self._waiting[handle] = request
        return handles

    def reports(self, timeout_s: float, meanwhile: Meanwhile | None = None) -> Sequence[TaskReport]:
        del timeout_s, meanwhile  # there is no time here
        while self._waiting:
            handle = next(iter(self._waiting))
            if len(self.running) >= self._workers and self._waiting[handle].gang is None:
                break
            self._begin(handle, self._script(self._waiting.pop(handle)))
        for handle in [handle for handle, task in self.running.items() if not task.held]:
            self.release(handle)
        reports = list(self._ready)
        self._ready.clear()
        return reports

    def release(self, handle: TaskHandle) -> None:
        """Let a held task end as its script says."""
        task = self.running.pop(handle)
        code = None if task.signal else task.exit_code
        self._ready.append(TaskExited(handle, self._now(), code, task.signal, task.outcome))

    def withdraw(self, handles: Sequence[TaskHandle]) -> None:
        for handle in handles:
            if self._waiting.pop(handle, None) is not None:
                self._ready.append(TaskExited(handle, self._now(), None, error=CANCELLED))

    def cancel(self, handles: Sequence[TaskHandle], force: bool = False) -> None:
        self.withdraw(handles)
        for handle in handles:
            if self.running.pop(handle, None) is not None:
                self._ready.append(TaskExited(handle, self._now(), None, signal=9 if force else 15))

    def wake(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        self.closed = True
        self._waiting.clear()
        self.running.clear()

    def _begin(self, handle: TaskHandle, task: FakeTask) -> None:
        if task.error:
            self._ready.append(TaskExited(handle, self._now(), None, error=task.error))
            return
        self.running[handle] = task
        self._ready.append(TaskStarted(handle, self._now(), len(self.submitted)))
        for stream, data in task.output:
            self._ready.append(TaskOutput(handle, stream, self._now(), data))

    def _now(self) -> float:
        self._clock += 1.0
        return self._clock
