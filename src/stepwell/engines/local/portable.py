"""The local engine for systems without `fork`: the run process starts an interpreter for each task itself.

It needs pipes, threads and a folder for temporary files, which every system has. What it cannot do: end the
children of a task where processes have no groups, lend the terminal, and watch how much memory a task uses.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import deque
from collections.abc import Mapping, Sequence
from queue import Empty, SimpleQueue

from msgspec.structs import replace

from stepwell.engine.capabilities import Capabilities
from stepwell.engine.engine import Engine, Meanwhile
from stepwell.engine.handle import CANCELLED, TaskExited, TaskHandle, TaskOutput, TaskReport
from stepwell.engines.local.local_task import LocalTask
from stepwell.engines.local.messages import Ended
from stepwell.engines.local.promises import WITHOUT_FORK
from stepwell.engines.local.task_process import Command, TaskProcess
from stepwell.model.policy import StepPolicy
from stepwell.model.run import RunInfo
from stepwell.model.task import TaskRequest

_LOOK_S = 0.2
"""How often it is looked whose time is up. On Windows a waiting thread does not hear of Ctrl-C any sooner."""

_PATIENCE_S = 5.0
"""How long the end of what has been killed is waited for."""


class PortableEngine(Engine):
    """Each task in an interpreter of its own on this machine, never more than ``workers`` at once.

    Parameters
    ----------
    command
        Starts the interpreter of a task; ends in `serve_ordered`.
    workers
        Most tasks at once.
    grace_s
        How long a task that was asked to end may take before it is killed.
    environment
        Variables of the interpreter, beside those of this process.
    """

    def __init__(
        self,
        command: Sequence[str],
        workers: int,
        grace_s: float = 10.0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._command = Command(tuple(command), dict(environment or {}))
        self._workers = workers
        self._grace_s = grace_s
        self._info: RunInfo | None = None
        self._folder = ""
        self._seen: set[TaskHandle] = set()
        self._waiting: deque[LocalTask] = deque()
        self._running: dict[TaskHandle, TaskProcess] = {}
        self._news: SimpleQueue[TaskReport | None] = SimpleQueue()
        self._ready: list[TaskReport] = []
        self._holding = False
        self._closed = False

    @property
    def capabilities(self) -> Capabilities:
        return WITHOUT_FORK

    @property
    def queue_depth(self) -> int:
        return 2 * self._workers

    def start(self, info: RunInfo) -> None:
        self._info = info
        self._folder = tempfile.mkdtemp(prefix="stepwell-tasks-")

    def submit(self, requests: Sequence[tuple[TaskRequest, StepPolicy]]) -> Sequence[TaskHandle]:
        handles: list[TaskHandle] = []
        for request, policy in requests:
            handle = TaskHandle(request.key, request.attempt)
            handles.append(handle)
            if handle not in self._seen:
                self._seen.add(handle)
                self._waiting.append(LocalTask(len(self._seen), handle, request, policy))
        self._launch_waiting()
        return handles

    def reports(self, timeout_s: float, meanwhile: Meanwhile | None = None) -> Sequence[TaskReport]:
        del meanwhile  # tasks run elsewhere
        deadline = time.monotonic() + timeout_s
        self._holding = self._holding and bool(self._ready)
        self._launch_waiting()
        while not self._closed:
            for process in self._running.values():
                process.end_if_overdue(self._grace_s)
            left = max(0.0, deadline - time.monotonic())
            woken = self._take_news(0.0 if self._ready else min(left, _LOOK_S))
            self._launch_waiting()
            if self._ready or woken or not left:
                break
        reports, self._ready = self._ready, []
        return reports

    def cancel(self, handles: Sequence[TaskHandle], force: bool = False) -> None:
        self.withdraw(handles)
        for handle in handles:
            process = self._running.get(handle)
            if process is not None:
                process.end(0.0 if force else self._grace_s)

    def withdraw(self, handles: Sequence[TaskHandle]) -> None:
        wanted = set(handles)
        for task in [task for task in self._waiting if task.handle in wanted]:
            self._waiting.remove(task)
            self._never_started(task, CANCELLED)

    def wake(self) -> None:
        self._news.put(None)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        for process in self._running.values():
            process.end(0.0)
        deadline = time.monotonic() + _PATIENCE_S
        for process in self._running.values():
            process.await_end(max(0.0, deadline - time.monotonic()))
        self._running.clear()
        self._waiting.clear()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _launch_waiting(self) -> None:
        if self._info is None:
            return
        for task in list(self._waiting):
            if task.at_once or (len(self._running) < self._workers and not self._holding):
                self._waiting.remove(task)
                self._launch(task, self._info)

    def _launch(self, task: LocalTask, info: RunInfo) -> None:
        try:
            process = TaskProcess(task, info, self._command, self._folder, self._news.put)
        except OSError as error:
            self._never_started(task, f"the system cannot start another process: {error.strerror}")
        else:
            self._running[task.handle] = process

    def _never_started(self, task: LocalTask, error: str) -> None:
        self._news.put(task.exited(Ended(task.number, time.time(), None, error=error)))

    def _take_news(self, patience_s: float) -> bool:
        """Take in what the threads of the tasks have said; tell whether `wake` was called."""
        woken = False
        try:
            news = self._news.get(timeout=patience_s) if patience_s else self._news.get_nowait()
            while True:
                if news is None:
                    woken = True
                else:
                    self._take(news)
                news = self._news.get_nowait()
        except Empty:
            return woken

    def _take(self, report: TaskReport) -> None:
        if isinstance(report, TaskOutput):
            self._running[report.handle].heard()
        elif isinstance(report, TaskExited):
            self._running.pop(report.handle, None)
            report = replace(report, at=time.time())  # what was started meanwhile was started before
            # Who asked for the tasks may want none of the others after a failure, and has not heard of it.
            self._holding = self._holding or report.outcome is None or not report.outcome.ok
        self._ready.append(report)
