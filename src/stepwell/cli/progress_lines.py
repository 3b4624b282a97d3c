"""Plain, stable lines, for pipes and simple terminals.

Each is ``YYYY-MM-DD HH:MM:SS.mmm [RUN/STEP/TASK (pid N)] TEXT``. What concerns a step or the run as a whole
has ``RUN/STEP`` or ``RUN`` there, and the run process's own id.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable

from stepwell.cli.console import Console
from stepwell.cli.terminal_text import as_printed, visible
from stepwell.cli.views import View, ViewOptions
from stepwell.cli.wording import began, cached, counted, ended, finished, planned, reused
from stepwell.model.states import TaskState
from stepwell.runtime.events import (
    Notice,
    RunBegan,
    RunEvent,
    RunFinished,
    SplitOpened,
    StepPlanned,
    StepReused,
    StepSkipped,
    TaskBegan,
    TaskCached,
    TaskEnded,
    TaskLine,
)

WIDE = 50
COUNT_EVERY_S = 1.0


class ProgressLines(View):
    """Writes each event as whole lines. Steps with more than `WIDE` tasks are counted, not listed."""

    def __init__(self, console: Console, options: ViewOptions) -> None:
        super().__init__(console, options)
        self._is_terminal = console.is_terminal
        self._run = ""
        self._pid = os.getpid()
        self._second = -1
        self._stamp = ""
        self._expected: Counter[str] = Counter()
        self._begun: Counter[str] = Counter()
        self._done: Counter[str] = Counter()
        self._told: Counter[str] = Counter()
        self._told_at: dict[str, float] = {}

    def show(self, event: RunEvent) -> None:
        if isinstance(event, TaskLine):
            text = as_printed(event.text) if self._is_terminal else event.text
            self._write(event.at, _source(event), [text])
        elif isinstance(event, TaskEnded):
            self._ended(event)
        elif isinstance(event, TaskCached):
            self._cached(event)
        elif not self._options.quiet:
            self._progress(event)

    def _progress(self, event: RunEvent) -> None:
        if isinstance(event, TaskBegan):
            self._begun[event.key.step] += 1
            if event.attempt or not self._counted(event.key.step):
                self._task(event, began(event))
        elif isinstance(event, RunBegan):
            self._run = event.run
            self._whole(event.at, "", f"run started (run-id {event.run})")
        elif isinstance(event, SplitOpened):
            self._expected[event.target] += event.num_splits
            self._task(event, _opened(event))
        elif isinstance(event, StepSkipped):
            self._whole(event.at, event.step, "step skipped: its foreach has no items")
        elif isinstance(event, StepReused | StepPlanned):
            self._earlier(event)
        elif isinstance(event, Notice):
            self._whole(event.at, "", event.text)
        elif isinstance(event, RunFinished):
            for step in self._done:
                self._count(event.at, step)
            self._whole(event.at, "", finished(event))

    def _earlier(self, event: StepReused | StepPlanned) -> None:
        if isinstance(event, StepReused):
            self._done[event.step] += event.tasks
            self._told[event.step] += event.tasks
            text = reused(event, self._run)
        else:
            self._expected[event.step] = event.known
            text = planned(event)
        self._whole(event.at, event.step, text)

    def _ended(self, event: TaskEnded) -> None:
        step = event.key.step
        if event.state is not TaskState.SUCCEEDED or event.error is not None:
            if event.state is not TaskState.KILLED or not self._counted(step):
                self._task(event, ended(event), *self.failure_lines(event))
            return
        if self._options.quiet:
            return
        counted = self._counted(step)
        if event.caught or not counted:
            self._task(event, ended(event))
        if counted:
            self._one_more(event)

    def _cached(self, event: TaskCached) -> None:
        step = event.key.step
        if self._options.quiet:
            return
        self._begun[step] += 1
        if self._counted(step):
            self._one_more(event)
        else:
            self._write(event.at, f"{event.key.short} (pid {self._pid})", [visible(cached(event))])

    def _one_more(self, event: TaskEnded | TaskCached) -> None:
        """Count an ended task of a wide step, and tell the count from time to time."""
        step = event.key.step
        self._done[step] += 1
        complete = self._done[step] == self._expected[step]
        if complete or event.at - self._told_at.setdefault(step, event.at) >= COUNT_EVERY_S:
            self._count(event.at, step)

    def _counted(self, step: str) -> bool:
        wide = self._expected[step] > WIDE or self._begun[step] > WIDE
        return wide and not self._options.verbose

    def _count(self, at: float, step: str) -> None:
        done = self._done[step]
        if done > self._told[step]:
            self._told[step], self._told_at[step] = done, at
            of = f"{done} of " if self._expected[step] else ""
            self._whole(at, step, f"{of}{counted(self._expected[step] or done, 'task')} succeeded")

    def _task(self, event: TaskBegan | TaskEnded | SplitOpened, *texts: str) -> None:
        self._write(event.at, _source(event), map(visible, texts))

    def _whole(self, at: float, step: str, text: str) -> None:
        name = f"{self._run}/{step} " if step else f"{self._run} " if self._run else ""
        self._write(at, f"{name}(pid {self._pid})", map(visible, text.split("\n")))

    def _write(self, at: float, source: str, lines: Iterable[str]) -> None:
        head = f"{self._time(at)} [{source}] "
        self._console.progress("".join([f"{head}{line}\n" for line in lines]))

    def _time(self, at: float) -> str:
        millis = int(at * 1000)
        second, millis = divmod(millis, 1000)
        if second != self._second:
            # One call for all events of a second: formatting the date costs more than the rest of a line.
            self._second = second
            self._stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))
        return f"{self._stamp}.{millis:03d}"


def _opened(event: SplitOpened) -> str:
    if event.is_gang:
        return f"gang opened: {counted(event.num_splits, 'task')} of step {event.target}"
    return f"foreach opened: {counted(event.num_splits, 'split')}, each a task of step {event.target}"


def _source(event: TaskBegan | TaskLine | TaskEnded | SplitOpened) -> str:
    return f"{event.key.short} (pid {event.pid})"
