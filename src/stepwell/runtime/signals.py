"""Ctrl-C once to end the run, twice to kill what is left, again to leave even if something hangs."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

_ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))

HANGS_AFTER_S = 3.0
"""How long after the second request a further one means that the first two had no effect."""


@contextmanager
def interrupts_deferred() -> Generator[None]:
    """Have the system hold Ctrl-C back while inside.

    For imports: the interpreter can crash when the handler of a signal runs while msgspec is loaded, or reads
    types; and an interrupt that meets the machinery of imports can be lost. Nothing may be forked inside,
    because children keep the mask.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


class StopRequests:
    """Counts the requests to stop while it is entered; the former handlers come back afterwards.

    A signal that is ignored stays so: `nohup` and the shells' ``&`` ask for that.

    One that comes long after the second raises ``KeyboardInterrupt``: the program hangs somewhere, perhaps in
    writing to a terminal that has been stopped.

    Parameters
    ----------
    wake
        Called at each of them, from the signal handler.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._former: dict[int, Any] = {}
        self.count = 0
        self._second_at = 0.0

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _ENDING:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._former[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)
        self._former.clear()

    def _note(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.count += 1
        now = time.monotonic()
        if self.count == 2:
            self._second_at = now
        elif self.count > 2 and now - self._second_at > HANGS_AFTER_S:
            raise KeyboardInterrupt
        self._wake()
