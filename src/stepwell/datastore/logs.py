"""What attempts printed: lines with time, source and stream, byte for byte.

A segment is a row of records: time (8 bytes, float), source (1), stream (1), length (4), the bytes.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from stepwell.datastore.layout import log_key
from stepwell.datastore.reused_tasks import ReusedTasks
from stepwell.datastore.storage import Storage
from stepwell.exceptions import DataException
from stepwell.model.ids import TaskKey

Source = Literal["task", "runtime"]
Stream = Literal["stdout", "stderr"]

_HEAD = struct.Struct("<dBBI")
_SOURCES: tuple[Source, ...] = ("task", "runtime")
_STREAMS: tuple[Stream, ...] = ("stdout", "stderr")
# A longer line is kept in several records, so that a program that never ends its line needs no memory.
_LONGEST_RECORD = 64 * 1024
_CUT = b"[... "


class LogLine(Struct, frozen=True):
    """One line, with the newline that ended it, if one did; or a piece of a very long one.

    Attributes
    ----------
    at
        Unix time when its last byte came.
    source
        ``task`` for what the user's code and its children printed, ``runtime`` for our own words.
    """

    at: float
    source: Source
    stream: Stream
    data: bytes


class LogWriter:
    """Collects the output of one attempt.

    Parameters
    ----------
    max_size
        Bytes kept per stream: half from the beginning, half from the end. None keeps all.
    """

    def __init__(self, max_size: int | None = None) -> None:
        self._kept: dict[Stream, _Kept] = {}
        self._open: dict[Stream, bytearray] = {}
        self._max_size = max_size
        self._number = 0

    def feed(self, stream: Stream, at: float, data: bytes) -> list[LogLine]:
        """Take bytes as they came, cut anywhere; return the lines that they complete."""
        pending = self._open.setdefault(stream, bytearray())
        scanned = len(pending)
        pending += data
        lines: list[LogLine] = []
        start = 0
        while (end := pending.find(b"\n", max(start, scanned))) >= 0:
            lines.append(self._keep(LogLine(at, "task", stream, bytes(pending[start : end + 1]))))
            start = end + 1
        while len(pending) - start > _LONGEST_RECORD:
            lines.append(
                self._keep(LogLine(at, "task", stream, bytes(pending[start : start + _LONGEST_RECORD])))
            )
            start += _LONGEST_RECORD
        del pending[:start]
        return lines

    def say(self, stream: Stream, at: float, text: str) -> LogLine:
        """Add a line of our own."""
        return self._keep(LogLine(at, "runtime", stream, text.encode(errors="replace") + b"\n"))

    def finish(self, at: float) -> list[LogLine]:
        """Return the last lines, which no newline ended."""
        rest = [LogLine(at, "task", stream, bytes(data)) for stream, data in self._open.items() if data]
        self._open.clear()
        return [self._keep(line) for line in rest]

    def encoded(self) -> bytes:
        """Return what is kept, as a segment; empty if nothing was printed."""
        kept = sorted(
            (item for stream in self._kept.values() for item in stream.all()), key=lambda item: item[0]
        )
        return b"".join(_encode(line) for _, line in kept)

    def _keep(self, line: LogLine) -> LogLine:
        kept = self._kept.get(line.stream)
        if kept is None:
            kept = self._kept[line.stream] = _Kept(self._max_size)
        self._number += 1
        kept.add(self._number, line)
        return line


class _Kept:
    """Beginning and end of one stream."""

    def __init__(self, max_size: int | None) -> None:
        self._half = None if max_size is None else max_size // 2
        self._head: list[tuple[int, LogLine]] = []
        self._head_size = 0
        self._tail: deque[tuple[int, LogLine]] = deque()
        self._tail_size = 0
        self._missing = 0
        self._missing_at = (0, 0.0)

    def add(self, number: int, line: LogLine) -> None:
        size = len(line.data)
        if self._half is None or (not self._tail and self._head_size + size <= self._half):
            self._head.append((number, line))
            self._head_size += size
            return
        self._tail.append((number, line))
        self._tail_size += size
        while self._tail_size > self._half and len(self._tail) > 1:
            dropped_number, dropped = self._tail.popleft()
            self._tail_size -= len(dropped.data)
            self._missing += len(dropped.data)
            self._missing_at = (dropped_number, dropped.at)

    def all(self) -> Iterator[tuple[int, LogLine]]:
        yield from self._head
        if self._missing:
            number, at = self._missing_at
            stream = self._tail[0][1].stream
            text = f"{self._missing} bytes are missing here: the log is larger than --max-log-size ...]\n"
            yield number, LogLine(at, "runtime", stream, _CUT + text.encode())
        yield from self._tail


class Logs:
    """Logs of one datastore. Those of a reused task are read where it ran."""

    def __init__(self, storage: Storage, reused: ReusedTasks) -> None:
        self._storage = storage
        self._reused = reused

    def write(self, key: TaskKey, attempt: int, writer: LogWriter) -> None:
        """Store what the writer kept, as the attempt's next segment. Nothing printed, nothing stored."""
        data = writer.encoded()
        segment = 0
        while data and not self._storage.write(log_key(key, attempt, segment), [data]):
            segment += 1

    def lines(self, key: TaskKey, attempt: int) -> Iterator[LogLine]:
        """Yield the attempt's records in the order in which they came; `whole_lines` makes lines of them."""
        segment = 0
        while (data := self._storage.read(log_key(key, attempt, segment))) is not None:
            yield from _decode(data, key)
            segment += 1
        origin = None if segment else self._reused.origin_of(key)
        if origin is not None:
            yield from self.lines(origin, attempt)

    def read(self, key: TaskKey, attempt: int, stream: Stream, source: Source | None = "task") -> bytes:
        """Return what the attempt printed; with ``source`` None, our own lines too.

        Where the log was cut, the line that says so stands in the text whatever the source.
        """
        pieces: list[bytes] = []
        for line in self.lines(key, attempt):
            is_notice = line.source == "runtime" and line.data.startswith(_CUT)
            if line.stream == stream and (is_notice or source in (None, line.source)):
                if is_notice and pieces and not pieces[-1].endswith(b"\n"):
                    pieces.append(b"\n")  # what was cut off may be the end of a line
                pieces.append(line.data)
        return b"".join(pieces)


def whole_lines(records: Iterable[LogLine]) -> Iterator[LogLine]:
    """Yield lines as they were printed: of a long one the records are joined.

    A line without a newline is one that its stream ended with, or that the log was cut in.
    """
    begun: dict[Stream, list[LogLine]] = {}
    for record in records:
        pieces = begun.setdefault(record.stream, [])
        if pieces and pieces[0].source != record.source:
            yield _joined(pieces)
            pieces.clear()
        pieces.append(record)
        if record.data.endswith(b"\n"):
            yield _joined(pieces)
            pieces.clear()
    yield from (_joined(pieces) for pieces in begun.values() if pieces)


def _joined(pieces: Sequence[LogLine]) -> LogLine:
    last = pieces[-1]
    return last if len(pieces) == 1 else replace(last, data=b"".join(piece.data for piece in pieces))


def _encode(line: LogLine) -> bytes:
    head = _HEAD.pack(line.at, _SOURCES.index(line.source), _STREAMS.index(line.stream), len(line.data))
    return head + line.data


def _decode(data: bytes, key: TaskKey) -> Iterator[LogLine]:
    at = 0
    while at < len(data):
        try:
            head: tuple[float, int, int, int] = _HEAD.unpack_from(data, at)
            time, source, stream, length = head
            line = LogLine(
                time, _SOURCES[source], _STREAMS[stream], data[at + _HEAD.size : at + _HEAD.size + length]
            )
        except (struct.error, IndexError) as error:
            raise DataException(f"The log of {key.pathspec} is damaged at byte {at}.") from error
        yield line
        at += _HEAD.size + length
