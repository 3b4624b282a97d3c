"""The only place that prints: results and progress to standard output, talk to standard error."""

from __future__ import annotations

import os
import sys
from typing import BinaryIO, Literal, TextIO, cast

from stepwell.exceptions import UsageError


class Console:
    """Standard output and standard error of a command.

    Text that the encoding cannot express is escaped, never an error.
    """

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        _fill_closed_descriptors()
        # Python has no stream at all for a descriptor that was closed when it started.
        self._out = out or sys.stdout or _nowhere()
        self._err = err or sys.stderr or _nowhere()
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
        UsageError
            It cannot be written.
        """
        self.raw(f"{text}\n".encode(errors="surrogateescape"))

    def raw(self, data: bytes) -> None:
        """Write bytes of a result as they are; raises what `data` raises."""
        binary = cast("BinaryIO | None", getattr(self._out, "buffer", None))
        try:
            if binary is None:
                self._out.write(data.decode(errors="replace"))
            else:
                self._out.flush()
                binary.write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            self._discard()
            raise UsageError(f"Standard output cannot be written: {error.strerror}.") from error

    def progress(self, text: str) -> None:
        """Write whole lines at once. A reader that has gone away, or a full disk, does not stop the run."""
        try:
            self._out.write(text)
            self._out.flush()
        except BrokenPipeError:
            self._discard()
        except KeyboardInterrupt:
            self._discard()  # the reader does not read: what comes now must not hang as well
            raise
        except OSError as error:
            self._discard()
            self.talk(f"Standard output cannot be written: {error.strerror}. The run goes on without it.")

    def task_output(self, stream: Literal["stdout", "stderr"], data: bytes) -> None:
        """Write what a task wrote, as it came, to the stream of that name; a reader may be gone."""
        out = self._out if stream == "stdout" else self._err
        binary = cast("BinaryIO | None", getattr(out, "buffer", None))
        try:
            out.flush()
            if binary is None:
                out.write(data.decode(errors="replace"))
            else:
                binary.write(data)
            out.flush()
        except OSError:
            if out is self._out:
                self._discard()
            else:
                self._err = _nowhere()

    def talk(self, text: str) -> None:
        """Write a line for the user that is no result."""
        try:
            self._err.write(f"{text}\n")
            self._err.flush()
        except OSError:
            self._err = _nowhere()

    def finish(self) -> bool:
        """Write what is still held back; return whether all of it could be written."""
        try:
            self._out.flush()
        except BrokenPipeError:
            self._discard()
        except OSError as error:
            self._discard()
            self.talk(f"Standard output cannot be written: {error.strerror}.")
            return False
        return True

    def _discard(self) -> None:
        # The interpreter flushes the stream once more when it ends: the descriptor must lead somewhere.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._out.fileno())
        os.close(nowhere)


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # stays open as the stream


def _fill_closed_descriptors() -> None:
    """Let 0, 1 and 2 lead somewhere: else the next file takes their place and gets what is printed."""
    while (fd := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(fd, True)
    os.close(fd)
