"""A live picture of a run: a row for each step, and above it what tasks print.

Imported on a terminal only, for rich is slow to import.
"""

from __future__ import annotations

import time
from collections import Counter
from threading import Event, Lock, Thread

from rich.console import Console as RichConsole
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from stepwell.cli.console import Console
from stepwell.cli.terminal_text import as_printed, visible
from stepwell.cli.views import View, ViewOptions
from stepwell.cli.wording import ended, finished, planned
from stepwell.model.amounts import duration
from stepwell.model.states import TaskState
from stepwell.runtime.events import (
    LineSoFar,
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
    TerminalLent,
)

_COLOURS = ("cyan", "magenta", "blue", "green", "yellow", "bright_cyan", "bright_magenta", "bright_blue")
_DRAW_EVERY_S = 0.1
_SUCCEEDED = (TaskState.SUCCEEDED, TaskState.CACHED, TaskState.REUSED)


class _Row:
    """What is known of one step."""

    def __init__(self, step: str, colour: str) -> None:
        self.step, self.colour = step, colour
        self.expected = 0
        self.ended: Counter[TaskState] = Counter()
        self.running: dict[str, float] = {}
        self.so_far: dict[str, str] = {}
        self.retrying: dict[str, float] = {}
        self.caught = 0
        self.first = 0.0
        self.last = 0.0
        self.skipped = False

    @property
    def done(self) -> int:
        return sum(self.ended[state] for state in _SUCCEEDED)

    @property
    def failed(self) -> int:
        return self.ended.total() - self.done - self.killed - self.ended[TaskState.RETRYING]

    @property
    def killed(self) -> int:
        return self.ended[TaskState.KILLED]

    @property
    def total(self) -> int:
        ended = self.done + self.failed + self.killed
        return max(self.expected, ended + len(self.running) + len(self.retrying))

    def counts(self) -> str:
        """The numbers in words, zeros left out."""
        if self.skipped and not self.total:
            return "skipped: no items"
        cached, reused = self.ended[TaskState.CACHED], self.ended[TaskState.REUSED]
        ended = self.done + self.failed + self.killed
        waiting = self.total - ended - len(self.running) - len(self.retrying)
        numbers = {"done": self.done - cached - reused - self.caught, "caught": self.caught}
        numbers |= {"reused": reused, "cached": cached}
        numbers |= {"running": len(self.running), self._when_retried(): len(self.retrying)}
        numbers |= {"waiting": waiting, "failed": self.failed, "killed": self.killed}
        return ", ".join(f"{number} {name}" for name, number in numbers.items() if number)

    def _when_retried(self) -> str:
        next_at = min(self.retrying.values(), default=0.0)
        return f"retrying at {time.strftime('%H:%M:%S', time.localtime(next_at))}"

    def said_last(self) -> str:
        """What there is of the line that a running task prints, such as a progress bar."""
        task = next(reversed(self.so_far), "")
        return f"[{task}] {self.so_far[task].strip()}" if task else ""

    def elapsed(self, now: float) -> str:
        """For how long the step has been, or was, at work; and its longest running task."""
        if not self.first:
            return ""
        whole = duration(max(0.0, (now if self.running else self.last) - self.first))
        oldest = min(self.running.values(), default=now)
        return f"{whole}, longest {duration(now - oldest)}" if len(self.running) > 1 else whole


class LiveView(View):
    """Events only change counters; a thread of its own, begun with the run, draws ten times a second."""

    shows_local_values = True

    def __init__(self, console: Console, options: ViewOptions) -> None:
        super().__init__(console, options)
        self._rich = RichConsole(file=console.out, highlight=False)
        self._lock = Lock()
        self._rows: dict[str, _Row] = {}
        self._run = ""
        self._above: list[Text] = []
        self._over = Event()
        self._live: Live | None = None
        self._drawer: Thread | None = None

    def show(self, event: RunEvent) -> None:
        with self._lock:
            self._take(event)
        if isinstance(event, RunBegan):
            self._begin()
        elif isinstance(event, RunFinished):
            self.close()

    def pause(self) -> None:
        self._stop()

    def resume(self) -> None:
        self._begin()

    def close(self) -> None:
        super().close()
        self._stop()

    def _stop(self) -> None:
        self._over.set()
        if self._drawer is not None and self._live is not None:
            self._drawer.join()
            self._draw(self._live)
            self._live.stop()
            self._drawer = self._live = None
        with self._lock:
            self._print_above(self._rich)
        self._console.finish()

    def _begin(self) -> None:
        self._over.clear()
        self._live = Live(
            console=self._rich, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        )
        self._live.start()
        self._drawer = Thread(target=self._keep_drawing, args=(self._live,), name="live view", daemon=True)
        self._drawer.start()

    def _keep_drawing(self, live: Live) -> None:
        while not self._over.wait(_DRAW_EVERY_S):
            self._draw(live)

    def _draw(self, live: Live) -> None:
        with self._lock:
            self._print_above(live.console)
            picture = self._picture(time.time())
        live.update(picture, refresh=True)

    def _print_above(self, console: RichConsole) -> None:
        if self._above:
            console.print(Text("\n").join(self._above), soft_wrap=True)
            self._above.clear()

    def _picture(self, now: float) -> Table:
        """Return the rows that have begun; the oldest finished ones give way when the window is small."""
        table = Table.grid(padding=(0, 2))
        rows = [row for row in self._rows.values() if row.total or row.skipped]
        room = max(3, self._rich.height - 3)
        if len(rows) > room:
            active = [row for row in rows if row.running or row.failed or row.done < row.total]
            rows = (active or rows)[-room:]
        for row in rows:
            bar = ProgressBar(total=row.total, completed=row.done, width=20) if row.expected > 1 else ""
            mark = "✗" if row.failed else "●" if row.done < row.total else "✓" if row.total else "-"
            table.add_row(
                Text(mark, "red" if row.failed else row.colour),
                Text(row.step, row.colour),
                bar,
                Text(row.counts()),
                Text(row.elapsed(now), "dim"),
                Text(visible(row.said_last()), "dim", no_wrap=True, overflow="ellipsis"),
            )
        return table

    def _take(self, event: RunEvent) -> None:
        if isinstance(event, LineSoFar):
            so_far = self._row(event.key.step).so_far
            so_far.pop(event.key.task, None)  # the newest stands last
            so_far[event.key.task] = event.text
        elif isinstance(event, TaskLine):
            self._row(event.key.step).so_far.pop(event.key.task, None)
            self._say(event, Text.from_ansi(as_printed(event.text)))
        elif isinstance(event, TaskBegan):
            row = self._row(event.key.step)
            row.retrying.pop(event.key.task, None)
            row.first = row.first or event.at
            row.running[event.key.task] = event.at
        elif isinstance(event, TaskEnded):
            self._ended(event)
        elif isinstance(event, TaskCached):
            self._row(event.key.step).ended[TaskState.CACHED] += 1
        elif isinstance(event, SplitOpened):
            self._row(event.target).expected += event.num_splits
        elif isinstance(event, RunBegan):
            self._run = event.run
            for step in event.steps:
                self._row(step)
            self._above.append(Text(f"run started (run-id {event.run})", "bold"))
        elif not isinstance(event, TerminalLent):
            self._rest(event)

    def _rest(self, event: StepSkipped | StepReused | StepPlanned | Notice | RunFinished) -> None:
        if isinstance(event, StepSkipped):
            self._row(event.step).skipped = True
        elif isinstance(event, StepReused):
            row = self._row(event.step)
            # What a run has executed itself, before it was continued, is done and not reused.
            state = TaskState.SUCCEEDED if event.origin == self._run else TaskState.REUSED
            row.ended[state] += event.tasks
            row.expected = max(row.expected, row.done)
        elif isinstance(event, StepPlanned):
            row = self._row(event.step)
            row.expected = max(row.expected, event.known)
            self._say_of_step(event.step, planned(event))
        elif isinstance(event, Notice):
            self._above.append(Text(visible(event.text), "yellow"))
        else:
            for row in self._rows.values():
                row.retrying.clear()
            good = event.state == "succeeded"
            self._above.append(Text(visible(finished(event)), "bold green" if good else "bold red"))

    def _ended(self, event: TaskEnded) -> None:
        row = self._row(event.key.step)
        row.running.pop(event.key.task, None)
        row.so_far.pop(event.key.task, None)
        row.ended[event.state] += 1
        row.last = event.at
        row.caught += bool(event.caught)
        if event.retry_at is not None:
            row.retrying[event.key.task] = event.retry_at
        if event.caught or event.state not in _SUCCEEDED:
            for line in (ended(event), *self.failure_lines(event)):
                self._say(event, Text(visible(line)))
            for line in event.local_values:
                self._say(event, Text(f"    {visible(line)}", "dim"))

    def _row(self, step: str) -> _Row:
        if step not in self._rows:
            self._rows[step] = _Row(step, _COLOURS[len(self._rows) % len(_COLOURS)])
        return self._rows[step]

    def _say_of_step(self, step: str, text: str) -> None:
        self._above.append(Text(f"[{step}] ", self._row(step).colour).append(visible(text), "dim"))

    def _say(self, event: TaskLine | TaskEnded, text: Text) -> None:
        key = event.key
        line = Text(f"[{key.step}/{key.task}] ", self._row(key.step).colour)
        self._above.append(line.append_text(text))
