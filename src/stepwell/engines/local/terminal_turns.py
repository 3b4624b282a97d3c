"""Who of the tasks that want the terminal has it: one at a time, in the order in which they asked."""

from __future__ import annotations

import time
from collections import deque

from stepwell.engine.handle import TaskAttended
from stepwell.engines.local.local_task import LocalTask


class TerminalTurns:
    """Each turn is announced first, so that whoever writes to the terminal can stop, and then given."""

    def __init__(self) -> None:
        self._waiting: deque[LocalTask] = deque()
        self._holder: LocalTask | None = None
        self._announced = False

    def ask(self, task: LocalTask) -> None:
        """Take a task that wants the terminal."""
        self._waiting.append(task)

    def announce(self) -> list[TaskAttended]:
        """Return the report of the next turn, if the terminal is free and somebody waits for it."""
        if self._holder is not None or not self._waiting:
            return []
        self._holder, self._announced = self._waiting.popleft(), True
        return [TaskAttended(self._holder.handle, time.time())]

    def begin(self) -> LocalTask | None:
        """Return the task whose turn was announced and begins now, once."""
        if not self._announced:
            return None
        self._announced = False
        return self._holder

    def end(self, task: LocalTask) -> None:
        """Take note that a task has ended, whether it has had its turn or not."""
        if task is self._holder:
            self._holder, self._announced = None, False
        elif task in self._waiting:
            self._waiting.remove(task)
