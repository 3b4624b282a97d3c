"""The only place that prints: results and progress to standard output, talk to standard error."""

from __future__ import annotations

import os
import sys
from typing import TextIO


class Console:
    """Standard output and standard error of a command.

    Text that the encoding cannot express is escaped, never an error.
    """

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self._out = sys.stdout if out is None else out
        self._err = sys.stderr if err is None else err
        for stream in (self._out, self._err):
            reconfigure = getattr(stream, "reconfigure", None)
            if reconfigure is not None:
                reconfigure(errors="backslashreplace")

    @property
    def out(self) -> TextIO:
        """The stream of results."""
        return self._out

    def data(self, text: str) -> None:
        """Write a result and a newline.

        Raises
        ------
        BrokenPipeError
            Nobody reads any more; the command has nothing left to do.
        """
        self._out.write(f"{text}\n")

    def progress(self, text: str) -> None:
        """Write whole lines at once, without waiting. A reader that has gone away does not stop the run."""
        try:
            self._out.write(text)
            self._out.flush()
        except BrokenPipeError:
            self._discard()

    def talk(self, text: str) -> None:
        """Write a line for the user that is no result."""
        try:
            self._err.write(f"{text}\n")
            self._err.flush()
        except BrokenPipeError:
            self._err = open(os.devnull, "w")  # noqa: SIM115 - stays open as the stream

    def finish(self) -> None:
        """Write what is still held back."""
        try:
            self._out.flush()
        except BrokenPipeError:
            self._discard()

    def _discard(self) -> None:
        # The interpreter flushes the stream once more when it ends: the descriptor must lead somewhere.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._out.fileno())
        os.close(nowhere)
