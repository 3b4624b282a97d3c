"""The file that every process of a run appends its events to, and a reader of it while it grows."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from stepwell.exceptions import UsageError
from stepwell.model.trace import TraceEvent

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(TraceEvent).decode
_CHUNK = 1 << 20
_PLAIN = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class TraceFile:
    """Takes events. Each is one write at the end of the file: none is lost, and causes stand before effects.

    What cannot be written is left out, for a trace must not make a task fail; ``trouble`` says why.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.trouble = ""
        try:
            self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | _PLAIN)
        except OSError as error:
            self._fd, self.trouble = -1, str(error.strerror)

    @classmethod
    def begin(cls, path: str) -> TraceFile:
        """Make the file, or empty it.

        Raises
        ------
        UsageError
            It cannot be written, or is no file that several processes can append to.
        """
        try:
            # Not waiting: a pipe would let nobody open it before it is read.
            at_once = getattr(os, "O_NONBLOCK", 0)
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | at_once, 0o600)
        except OSError as error:
            raise UsageError(f"The trace cannot be written to {path}: {error.strerror}.") from error
        is_file = stat.S_ISREG(os.fstat(fd).st_mode)
        os.close(fd)
        if not is_file:
            raise UsageError(
                f"The trace cannot be written to {path}, which is no regular file. `--trace` alone prints it."
            )
        return cls(path)

    def append(self, event: TraceEvent) -> None:
        if self._fd < 0:
            return
        rounded = replace(event, at=round(event.at, 6), seconds=round(event.seconds, 6))
        line = _encode(rounded) + b"\n"
        try:
            written = os.write(self._fd, line)
        except OSError as error:
            self.trouble = str(error.strerror)
        else:
            if written < len(line):
                self.trouble = "the disk is full"

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)


class TraceReader:
    """Reads a trace file while it grows."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115 - closed by `close`
        self._rest = b""

    def lines(self) -> Iterator[bytes]:
        """Yield the whole lines that were added since the last call."""
        while data := self._file.read(_CHUNK):
            *whole, self._rest = (self._rest + data).split(b"\n")
            yield from whole

    def events(self) -> Iterator[TraceEvent]:
        """Yield the events that were added since the last call; a line that was cut is none."""
        for line in self.lines():
            try:
                yield _decode(line)
            except msgspec.MsgspecError:
                continue

    def close(self) -> None:
        self._file.close()
