"""The run process's part of a trace: what happens to the run, beside what its tasks write themselves."""

from __future__ import annotations

import time
from collections.abc import Callable

from stepwell.engine.engine import Engine
from stepwell.model.trace import TraceEvent, TraceTarget
from stepwell.runtime.events import RunBegan, RunEvent, RunFinished, StepReused, TaskEnded
from stepwell.runtime.tracing.trace_context import TraceContext
from stepwell.runtime.tracing.trace_file import TraceFile, TraceReader
from stepwell.runtime.tracing.traced_engine import TracedEngine


class RunTrace:
    """Writes down the life of one run.

    Parameters
    ----------
    context
        The run's span; None if nobody collects spans.
    show
        Gets each line of the trace, soon after it was written, for the user to see.
    """

    def __init__(
        self, file: TraceFile, context: TraceContext | None = None, show: Callable[[str], None] | None = None
    ) -> None:
        self._file = file
        self._show = show
        self._reader = None if show is None else TraceReader(file.path)
        self._run = ""
        self._began = time.time()
        self.context = context
        self.target = TraceTarget(file.path, "" if context is None else str(context))

    def note(self, event: str, seconds: float) -> None:
        """Write something that has just been done before the run was registered."""
        self._file.append(TraceEvent(at=time.time(), event=event, seconds=seconds))
        self._began = time.time()

    def traced(self, engine: Engine) -> Engine:
        """Return the engine, with what it is given and what it reports written down."""
        return TracedEngine(engine, self._file, self.look)

    def listen(self, event: RunEvent) -> None:
        """Take an event of the run."""
        if isinstance(event, TaskEnded):
            self._task_ended(event)
        elif isinstance(event, RunBegan):
            self._run = f"{event.flow}/{event.run}"
            self._write("run_registered", event.at, event.at - self._began)
        elif isinstance(event, StepReused):
            self._file.append(
                TraceEvent(
                    at=event.at,
                    event="tasks_reused",
                    seconds=0.0,
                    run=self._run,
                    step=event.step,
                    tasks=event.tasks,
                    origin=event.origin,
                )
            )
        elif isinstance(event, RunFinished):
            self._run = f"{event.flow}/{event.run}"
            self._write("run_ended", event.at, event.seconds, event.state.value, event.reason)

    def look(self) -> None:
        """Show what has been added, if it is to be shown."""
        if self._reader is not None and self._show is not None:
            for line in self._reader.lines():
                self._show(line.decode(errors="replace"))

    def close(self) -> str:
        """Show the last of it; return what went wrong in writing, or nothing."""
        self.look()
        if self._reader is not None:
            self._reader.close()
        self._file.close()
        return self._file.trouble

    def _write(self, event: str, at: float, seconds: float, state: str = "", error: str = "") -> None:
        self._file.append(
            TraceEvent(at=at, event=event, seconds=max(0.0, seconds), run=self._run, state=state, error=error)
        )

    def _task_ended(self, event: TaskEnded) -> None:
        key = event.key
        run = f"{key.flow}/{key.run}"
        exited = TraceEvent(
            at=event.at,
            event="task_exited",
            seconds=event.seconds,
            run=run,
            step=key.step,
            task=key.task,
            attempt=event.attempt,
            pid=event.pid,
            state=event.state.value,
            error="" if event.error is None else f"{event.error.type}: {event.error.message}",
        )
        self._file.append(exited)
        if event.retry_at is not None:
            self._file.append(
                TraceEvent(
                    at=event.at,
                    event="task_retried",
                    seconds=0.0,
                    run=run,
                    step=key.step,
                    task=key.task,
                    attempt=event.attempt + 1,
                    why=event.why,
                    wait_s=event.retry_at - event.at,
                )
            )
