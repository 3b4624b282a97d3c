"""A thread beside the loop of the run process, which whoever does not read its output can hold up."""

from __future__ import annotations

import threading
from collections.abc import Callable

from stepwell.exceptions import StoreError, StoreUnavailable
from stepwell.runtime.clock import Clock

BEAT_S = 10.0
LOOK_EVERY_S = 1.0


class Pulse:
    """Says that the run lives, and brings its results to disk.

    Parameters
    ----------
    beat
        Called every `BEAT_S` seconds. One that fails for a cause that may pass is left out: whatever has to
        be written waits for the store and says so.
    sync
        Called about a second after `dirty`.
    """

    def __init__(self, clock: Clock, beat: Callable[[], None], sync: Callable[[], None]) -> None:
        self._clock = clock
        self._beat = beat
        self._sync = sync
        self._beat_at = clock.now()
        self._dirty = threading.Event()
        self._over = threading.Event()
        self._failure: StoreError | None = None
        self._thread = threading.Thread(target=self._work, name="stepwell-pulse", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def dirty(self) -> None:
        """There is something to bring to disk."""
        self._dirty.set()

    def stop(self) -> None:
        """Bring to disk what is left, and end. Doing it twice is doing it once."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def check(self) -> None:
        """Raise what has failed since the last call, if anything."""
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def _try_to_beat(self) -> None:
        try:
            self._beat()
        except StoreUnavailable as error:
            if not error.may_pass:
                raise

    def _work(self) -> None:
        over = False
        while not over:
            over = self._over.wait(LOOK_EVERY_S)
            try:
                if not over and self._clock.now() - self._beat_at >= BEAT_S:
                    self._beat_at = self._clock.now()
                    self._try_to_beat()
                if self._dirty.is_set():
                    self._dirty.clear()
                    self._sync()
            except StoreError as error:
                self._failure = error
