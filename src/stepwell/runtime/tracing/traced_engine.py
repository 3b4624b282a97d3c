"""An engine that writes down what it is given and what becomes of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from stepwell.engine.capabilities import Capabilities
from stepwell.engine.engine import Engine, Meanwhile
from stepwell.engine.handle import TaskExited, TaskHandle, TaskReport
from stepwell.model.policy import StepPolicy
from stepwell.model.run import RunInfo
from stepwell.model.task import TaskRef, TaskRequest
from stepwell.model.trace import TraceEvent
from stepwell.runtime.tracing.trace_file import TraceFile


class TracedEngine(Engine):
    """Hands everything on to the engine that it stands for.

    Parameters
    ----------
    look
        Called whenever something may have been added to the trace.
    """

    def __init__(self, engine: Engine, file: TraceFile, look: Callable[[], None]) -> None:
        self._engine = engine
        self._file = file
        self._look = look
        self._run = ""
        self._ended: dict[TaskRef, float] = {}

    @property
    def capabilities(self) -> Capabilities:
        return self._engine.capabilities

    @property
    def queue_depth(self) -> int:
        return self._engine.queue_depth

    def start(self, info: RunInfo) -> None:
        self._run = f"{info.flow}/{info.run}"
        self._engine.start(info)

    def submit(self, requests: Sequence[tuple[TaskRequest, StepPolicy]]) -> Sequence[TaskHandle]:
        ready = time.time()
        for request, _ in requests:
            self._write_ready(request, ready)
        # Written before: a task may begin, and write, before all of them are handed over.
        launched: list[tuple[TaskRequest, StepPolicy]] = []
        for request, policy in requests:
            now = time.time()
            self._write("task_launched", request, now, now - ready)
            launched.append((replace(request, launched_at=now), policy))
        return self._engine.submit(launched)

    def reports(self, timeout_s: float, meanwhile: Meanwhile | None = None) -> Sequence[TaskReport]:
        reports = self._engine.reports(timeout_s, meanwhile)
        for report in reports:
            if isinstance(report, TaskExited):
                key = report.handle.key
                self._ended[TaskRef(key.step, key.task)] = report.at
        self._look()
        return reports

    def cancel(self, handles: Sequence[TaskHandle], force: bool = False) -> None:
        self._engine.cancel(handles, force)

    def withdraw(self, handles: Sequence[TaskHandle]) -> None:
        self._engine.withdraw(handles)

    def wake(self) -> None:
        self._engine.wake()

    def close(self) -> None:
        self._engine.close()

    def _write_ready(self, request: TaskRequest, now: float) -> None:
        """Say how long after the last of its inputs a task is ready, and how long a join waited for it."""
        ends = [self._ended[parent] for parent in request.parents if parent in self._ended]
        if request.split is not None:
            waited = max(ends) - min(ends) if ends else 0.0
            self._write("joined", request, now, waited, inputs=len(request.parents))
        since = now - max(ends) if ends and not request.attempt else 0.0
        self._write("task_ready", request, now, since)

    def _write(self, event: str, request: TaskRequest, at: float, seconds: float, inputs: int = 0) -> None:
        key = request.key
        self._file.append(
            TraceEvent(
                at=at,
                event=event,
                seconds=max(0.0, seconds),
                run=self._run,
                step=key.step,
                task=key.task,
                attempt=request.attempt,
                inputs=inputs,
            )
        )
