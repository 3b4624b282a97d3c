"""Raises an exception in the step when its time is up."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

from stepwell.exceptions import TimeoutException

# Not SIGALRM, which is the user's code's to use. Where a system has none of these, the engine ends the task.
_NUMBER: int | None = getattr(signal, "SIGRTMIN", getattr(signal, "SIGUSR2", None))


@contextmanager
def time_limit(seconds: float, step: str) -> Generator[None]:
    """Raise `TimeoutException` in this thread, the main one, if the block takes longer; 0 is unlimited.

    It comes as soon as Python code runs: also out of a blocking system call, but not out of native code
    that does not return.
    """
    if not seconds or _NUMBER is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    limit = _Limit(seconds, step, _NUMBER)
    limit.begin()
    try:
        yield
    finally:
        limit.end()


class _Limit:
    def __init__(self, seconds: float, step: str, number: int) -> None:
        self._seconds = seconds
        self._step = step
        self._number = number
        self._lock = threading.Lock()
        self._over = False
        self._thread = threading.get_ident()
        self._timer = threading.Timer(seconds, self._send)
        self._timer.name = "stepwell-timeout"
        self._timer.daemon = True

    def begin(self) -> None:
        self._before = signal.signal(self._number, self._raise)
        self._timer.start()

    def end(self) -> None:
        with self._lock:  # from here on no signal is sent that would find no handler
            self._over = True
        self._timer.cancel()
        signal.signal(self._number, self._before)

    def _send(self) -> None:
        with self._lock:
            if not self._over:
                signal.pthread_kill(self._thread, self._number)

    def _raise(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if not self._over:
            raise TimeoutException(
                f"Step {self._step!r} timed out: it ran longer than {self._seconds:g} s, the limit of its "
                "@timeout."
            )
