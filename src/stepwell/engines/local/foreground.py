"""The terminal, lent to one task: its process group is in the foreground until it has ended.

As a shell does it: Ctrl-C reaches the task alone, and it may read what is typed. Where there is no terminal,
nothing happens.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Generator

_PATIENCE_S = 2.0
"""How long a task waits to be in the foreground. It is given that at once, or, by a shell's ``&``, never."""

_LOOK_S = 0.002


class Foreground:
    """Lends a terminal that belongs to the run process. For the launcher.

    Parameters
    ----------
    terminal
        A descriptor of it, which is closed when it is taken back.
    """

    @classmethod
    def of(cls, path: str, run_process: int) -> Foreground:
        """Return the terminal that is at a path."""
        return cls(os.open(path, os.O_RDWR | os.O_NOCTTY), run_process)

    def __init__(self, terminal: int, run_process: int) -> None:
        self._terminal = terminal
        self._owner = os.getpgid(run_process)
        self._modes: list[object] | None = None
        self._borrower = 0

    def lend(self, pid: int) -> None:
        """Put the group of a task into the foreground, in place of the run process."""
        with _quietly():
            if os.tcgetpgrp(self._terminal) == self._owner:
                import termios  # only who debugs needs it

                self._modes, self._borrower = termios.tcgetattr(self._terminal), pid
                os.tcsetpgrp(self._terminal, pid)

    def take_back(self) -> None:
        """Put the run process there again, with the terminal as it was: a task may have died amid an edit."""
        with _quietly():
            if self._modes is not None:
                import termios

                termios.tcsetattr(self._terminal, termios.TCSANOW, self._modes)  # pyright: ignore[reportArgumentType] - as it came
                if os.tcgetpgrp(self._terminal) == self._borrower:  # else a shell has it by now
                    os.tcsetpgrp(self._terminal, self._owner)
        os.close(self._terminal)


def await_foreground(terminal: int, patience_s: float = _PATIENCE_S) -> None:
    """Return once the present process, which leads a group, is in the foreground."""
    deadline = time.monotonic() + patience_s
    with contextlib.suppress(OSError):
        while os.tcgetpgrp(terminal) != os.getpid() and time.monotonic() < deadline:
            time.sleep(_LOOK_S)


@contextlib.contextmanager
def _quietly() -> Generator[None]:
    """Pass over terminals that are none; and let who is in the background not be stopped for what it does."""
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        with contextlib.suppress(OSError):
            yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)
