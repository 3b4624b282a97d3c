"""What waits in a launcher for a worker."""

from __future__ import annotations

from collections import deque

from stepwell.engines.local.messages import Launch
from stepwell.engines.local.processes import close_all


class LaunchQueue:
    """Tasks in the order they came, with the write ends of their streams.

    After a failure nothing is given out until the run process has taken it in: it may want nothing more.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[Launch, tuple[int, ...]]] = deque()
        self._failures = 0
        self._taken_in = 0

    def put(self, launch: Launch, streams: tuple[int, ...]) -> None:
        """Add the last one."""
        self._waiting.append((launch, streams))

    def take(self) -> tuple[Launch, tuple[int, ...]] | None:
        """Give out the first one, if one waits and may start."""
        return self._waiting.popleft() if self._waiting and self._failures == self._taken_in else None

    def remove(self, number: int) -> bool:
        """Drop a task, and tell whether it was here."""
        for entry in self._waiting:
            if entry[0].number == number:
                self._waiting.remove(entry)
                close_all(entry[1])
                return True
        return False

    def hold(self) -> None:
        """Take in that a task has failed."""
        self._failures += 1

    def go_on(self, failures: int) -> None:
        """Take in how many failures the run process knows of."""
        self._taken_in = failures

    def close_streams(self) -> None:
        """Close what a forked process must not keep open."""
        for _, streams in self._waiting:
            close_all(streams)
