"""Runs tasks in the run process itself, one after another: for debuggers, profilers and coverage."""

from __future__ import annotations

import os
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from threading import Event

from stepwell.engine.capabilities import Capabilities
from stepwell.engine.engine import Engine, Meanwhile
from stepwell.engine.handle import (
    CANCELLED,
    TaskAttended,
    TaskExited,
    TaskHandle,
    TaskReport,
    TaskStarted,
)
from stepwell.engines.debugging import examine, has_failed
from stepwell.engines.inline_output import InlineOutput
from stepwell.engines.randomness import seed_task
from stepwell.model.policy import StepPolicy
from stepwell.model.run import RunInfo
from stepwell.model.task import TaskOutcome, TaskRequest

CAPABILITIES = Capabilities(name="inline", variables=False, processes=False, retry_delay_s=0.0)

InlineRunner = Callable[[RunInfo, TaskRequest, Callable[[TaskOutcome], None]], int]
"""Runs one task in the present process, reports its outcome, returns the exit code."""


class InlineEngine(Engine):
    """One task per call of `reports`, in the calling thread.

    What the task writes to file descriptors 1 and 2, child processes included, is captured and told while it
    runs; ``breakpoint()`` talks to the original streams. A `KeyboardInterrupt` goes through to the caller.

    Parameters
    ----------
    capture
        False leaves the streams alone: tools that draw on the terminal work, and no output is reported.
    """

    def __init__(self, run_task: InlineRunner, capture: bool = True) -> None:
        self._run_task = run_task
        self._capture = capture
        self._info: RunInfo | None = None
        self._waiting: dict[TaskHandle, TaskRequest] = {}
        self._seen: set[TaskHandle] = set()
        self._ready: deque[TaskReport] = deque()
        self._rest: Iterator[TaskReport] = iter(())
        self._meanwhile: Meanwhile | None = None
        self._in_step = False
        self._woken = Event()

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    @property
    def queue_depth(self) -> int:
        return 1

    def start(self, info: RunInfo) -> None:
        self._info = info

    def submit(self, requests: Sequence[tuple[TaskRequest, StepPolicy]]) -> Sequence[TaskHandle]:
        handles = [TaskHandle(request.key, request.attempt) for request, _ in requests]
        for handle, (request, _) in zip(handles, requests, strict=True):
            if handle not in self._seen:
                self._seen.add(handle)
                self._waiting[handle] = request
        return handles

    def reports(self, timeout_s: float, meanwhile: Meanwhile | None = None) -> Sequence[TaskReport]:
        self._meanwhile = meanwhile
        if self._ready:
            reports = list(self._ready)
            self._ready.clear()
            return reports
        report = next(self._rest, None)
        if report is None and self._waiting:
            handle = next(iter(self._waiting))
            self._rest = self._execute(handle, self._waiting.pop(handle))
            report = next(self._rest)
        if report is None:
            self._woken.wait(timeout_s)  # nothing happens by itself here, but a retry may become due
            self._woken.clear()
            return []
        return [report]

    def cancel(self, handles: Sequence[TaskHandle], force: bool = False) -> None:
        del force  # a task that runs is this very thread
        self.withdraw(handles)

    def withdraw(self, handles: Sequence[TaskHandle]) -> None:
        for handle in handles:
            if self._waiting.pop(handle, None) is not None:
                self._ready.append(TaskExited(handle, time.time(), None, error=CANCELLED))

    def wake(self) -> None:
        """Interrupt the step that runs, if one does: this is called from the handler of a signal."""
        self._woken.set()
        if self._in_step:
            raise KeyboardInterrupt

    def close(self) -> None:
        self._waiting.clear()
        self._ready.clear()
        self._rest = iter(())

    def _execute(self, handle: TaskHandle, request: TaskRequest) -> Iterator[TaskReport]:
        if self._info is None:
            raise RuntimeError("start comes before the first submit")
        if request.attended:
            yield TaskAttended(handle, time.time())
        yield TaskStarted(handle, time.time(), os.getpid())
        said: list[TaskOutcome] = []
        if self._capture and not request.attended:
            output = InlineOutput(handle, self._meanwhile)
            with output:
                code = self._run(self._info, request, said)
            ended = time.time()
            yield from output.rest()
        else:
            code = self._run(self._info, request, said)
            ended = time.time()
        if code and self._info.terminal and has_failed():
            yield TaskAttended(handle, time.time())
            examine()
        yield TaskExited(handle, ended, code, outcome=said[-1] if said else None)

    def _run(self, info: RunInfo, request: TaskRequest, said: list[TaskOutcome]) -> int:
        try:
            seed_task(info, request)
            self._in_step = True
            return self._run_task(info, request, said.append)
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: BLE001 - as in a process of its own, whatever escapes ends the task only
            traceback.print_exc()
            return 1
        finally:
            self._in_step = False
