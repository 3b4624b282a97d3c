"""A view of a run: what the terminal, a pipe and `run --json` have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import ClassVar

from msgspec import Struct

from stepwell.cli.console import Console
from stepwell.cli.wording import error_lines
from stepwell.model.ids import TaskKey
from stepwell.model.states import TaskState
from stepwell.runtime.events import LineSoFar, RunEvent, TaskEnded, TaskLine, TerminalLent


class ViewOptions(Struct, frozen=True, kw_only=True):
    """How much to show.

    Attributes
    ----------
    plain
        Whether there is to be no live view, because something else is printed beside it.
    show_logs
        Steps whose output is shown; None is all.
    """

    as_json: bool = False
    verbose: bool = False
    quiet: bool = False
    plain: bool = False
    full_traceback: bool = False
    show_logs: frozenset[str] | None = None

    def shows(self, step: str) -> bool:
        """Whether what tasks of a step print is to be seen."""
        return self.show_logs is None or step in self.show_logs


class View(ABC):
    """Shows the events of one run. Starts no thread before the first event, for tasks are forked.

    Attributes
    ----------
    shows_local_values
        Whether what it shows is for the eyes of the user alone, local variables among it.
    """

    shows_local_values: ClassVar[bool] = False

    def __init__(self, console: Console, options: ViewOptions) -> None:
        self._console = console
        self._options = options
        self.failed: TaskKey | None = None
        self._lent_to: TaskKey | None = None
        self._held: list[RunEvent] = []

    def listen(self, event: RunEvent) -> None:
        """Take an event; cheap, whatever it is."""
        if isinstance(event, TaskLine | LineSoFar) and event.key == self._lent_to:
            return  # the task has written it to the terminal itself
        if self._lent_to is not None:
            self._held.append(event)
            if isinstance(event, TaskEnded) and event.key == self._lent_to:
                self._take_back()
        elif isinstance(event, TerminalLent):
            self._lent_to = event.key
            self.pause()
            self._console.talk(f"{event.key.short} has the terminal; other output waits until it has ended")
        else:
            self._listen(event)

    def _take_back(self) -> None:
        """Show what has happened while a task had the terminal."""
        held, self._held, self._lent_to = self._held, [], None
        self.resume()
        for event in held:
            self.listen(event)

    def _listen(self, event: RunEvent) -> None:
        if isinstance(event, TaskLine | LineSoFar):
            if self._options.shows(event.key.step):
                self.show(event)
            return
        if self.failed is None and isinstance(event, TaskEnded) and event.error and event.state == "failed":
            self.failed = event.key
        self.show(event)

    def failure_lines(self, event: TaskEnded) -> list[str]:
        """Return what there is to say of a failure, without the frames that the task has printed itself."""
        if event.error is None or event.state is TaskState.KILLED:
            return []  # why tasks are ended is said of the run
        full = self._options.full_traceback
        if event.told and self._options.shows(event.key.step) and not full:
            return event.error.hint.splitlines()
        return error_lines(event.error, full)

    @abstractmethod
    def show(self, event: RunEvent) -> None:
        """Show the event, at once or with the next picture."""

    def pause(self) -> None:
        """Write nothing from here on, until `resume`."""
        self._console.finish()

    def resume(self) -> None:  # noqa: B027 - plain lines have nothing to do
        """Go on where `pause` stopped."""

    def close(self) -> None:
        """Leave the terminal as it was found. Doing it twice is doing it once."""
        if self._lent_to is not None:
            self._take_back()
        self._console.finish()

    def __enter__(self) -> View:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
