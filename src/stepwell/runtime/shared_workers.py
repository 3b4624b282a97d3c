"""Workers that a run shares with other runs: its end of the socket to who deals them out."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator

from stepwell.scheduling.facts import CancelAsked, Fact, RoomFound
from stepwell.scheduling.progress import Progress

SAID = struct.Struct("!II")
"""What a run says: how many workers it gives back, and how many more it wants."""

GIVEN = struct.Struct("!i")
"""What it is told: how many it is given, or, if negative, is to give back when tasks end."""

_WANTED = 64
"""More are not wanted at a time, so that not every task that starts changes what is said."""


class SharedWorkers:
    """The workers that this run holds. One that nothing runs on is given back at once.

    Parameters
    ----------
    fd
        Of a connected socket. When the other end is gone, so are the workers: see `lost`.
    wake
        Called, by another thread, when something has come.
    """

    def __init__(self, fd: int, wake: Callable[[], None]) -> None:
        self._socket = socket.socket(fileno=fd)
        self._wake = wake
        self._lock = threading.Lock()
        self._held = 0
        self._owed = 0
        self._said = (0, 0)
        self._refused_at = -1
        self.lost = False
        threading.Thread(target=self._hear, name="shared workers", daemon=True).start()

    @property
    def limit(self) -> int:
        """Most tasks that may be launched and not ended."""
        with self._lock:
            return max(0, self._held - self._owed)

    def news(self, progress: Progress) -> Iterator[Fact]:
        """Yield what scheduling has not been told yet."""
        if self.lost and progress.ending is None:
            yield CancelAsked("the command that shares its workers with this run has ended")
        if self.limit != progress.ready.limit:
            yield RoomFound(self.limit)

    def settle(self, running: int, waiting: int, ended: int) -> None:
        """Give back what is too much, and say how many more would be of use.

        Parameters
        ----------
        ended
            How many attempts have ended so far. What came and could not be used, because a task that waits
            waits for something else, is not wanted again before another one ends.
        """
        with self._lock:
            spare = max(0, self._held - running)
            self._held -= spare
            self._owed = max(0, self._owed - spare)
            if spare and waiting:
                self._refused_at = ended
            wanted = 0 if spare or self._refused_at == ended else min(waiting, _WANTED)
            said = (spare, wanted)
            if spare or said != self._said:
                self._said = said
                self._say(said)

    def _say(self, said: tuple[int, int]) -> None:
        try:
            self._socket.sendall(SAID.pack(*said))
        except OSError:
            self.lost = True

    def _hear(self) -> None:
        while not self.lost:
            try:
                data = self._socket.recv(GIVEN.size, socket.MSG_WAITALL)
            except OSError:
                data = b""
            with self._lock:
                if len(data) < GIVEN.size:
                    self.lost = True
                else:
                    given: int = GIVEN.unpack(data)[0]
                    self._held += max(0, given)
                    self._owed += max(0, -given)
                    self._said = (0, max(0, self._said[1] - max(0, given)))
            self._wake()
