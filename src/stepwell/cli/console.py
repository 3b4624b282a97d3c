"""The only place that prints: results and progress to standard output, talk to standard error."""

from __future__ import annotations

import codecs
import os
import sys
from typing import BinaryIO, Literal, TextIO, cast

from stepwell.cli.terminal_text import as_printed, visible
from stepwell.exceptions import CommandException

_decoder = codecs.getincrementaldecoder("utf-8")


class Console:
    """Standard output and standard error of a command.

    Text that the encoding cannot express is escaped, never an error; and so are control characters, for
    most of what is printed comes from others: tags, values, messages, names of files.
    """

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        _fill_closed_descriptors()
        # Python has no stream at all for a descriptor that was closed when it started.
        self._out = out or sys.stdout or _nowhere()
        self._err = err or sys.stderr or _nowhere()
        self._printed = _decoder("backslashreplace")  # its state: characters may be cut anywhere
        for stream in (self._out, self._err):
            reconfigure = getattr(stream, "reconfigure", None)
            if reconfigure is not None:
                reconfigure(errors="backslashreplace")

    def stand_apart(self) -> None:
        """Write from here on to where output goes now, whatever becomes of the streams of this process."""
        self._out, self._err = _apart(self._out), _apart(self._err)

    @property
    def out(self) -> TextIO:
        """The stream of results."""
        return self._out

    @property
    def is_terminal(self) -> bool:
        """Whether results go to a terminal."""
        return self._out.isatty()

    def data(self, *lines: str) -> None:
        """Write lines of a result.

        Raises
        ------
        BrokenPipeError
            Nobody reads any more; the command has nothing left to do.
        CommandException
            It cannot be written.
        """
        text = "".join([f"{visible(line)}\n" for line in lines])
        self._raw(text.encode(errors="surrogateescape"))

    def printed(self, data: bytes) -> None:
        """Write what a program has printed: byte for byte, and on a terminal without what would steer it.

        Raises what `data` raises.
        """
        self._raw(as_printed(self._printed.decode(data)).encode() if self.is_terminal else data)

    def _raw(self, data: bytes) -> None:
        binary = cast("BinaryIO | None", getattr(self._out, "buffer", None))
        try:
            if binary is None:
                self._out.write(data.decode(errors="replace"))
            else:
                self._out.flush()
                binary.write(data)
        except BrokenPipeError:
            raise BrokenPipeError from None  # without the number by which click would end the program with 1
        except OSError as error:
            self._discard()
            raise CommandException(f"Standard output cannot be written: {error.strerror}.") from error

    def flush(self) -> None:
        """Let whoever reads have what was written so far. Raises `BrokenPipeError` if nobody does."""
        try:
            self._out.flush()
        except BrokenPipeError:
            raise BrokenPipeError from None  # as above

    def progress(self, text: str) -> None:
        """Write whole lines as they are. A reader that has gone, or a full disk, does not stop the run."""
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
        """Write one or more lines for the user that are no result."""
        lines = map(visible, text.split("\n"))
        try:
            self._err.write("\n".join(lines) + "\n")
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


def _apart(stream: TextIO) -> TextIO:
    stream.flush()
    return open(os.dup(stream.fileno()), "w", encoding=stream.encoding, errors="backslashreplace")


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # stays open as the stream


def _fill_closed_descriptors() -> None:
    """Let 0, 1 and 2 lead somewhere: else the next file takes their place and gets what is printed."""
    while (fd := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(fd, True)
    os.close(fd)
