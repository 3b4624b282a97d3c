"""What attempts print, as records: lines with time, source and stream, byte for byte.

A record: time (8 bytes, float), kind (1), stream (1), length (4), the bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from stepwell.exceptions import DataException
from stepwell.model.ids import TaskKey

Source = Literal["task", "runtime"]
Stream = Literal["stdout", "stderr"]

NOTICE = b"[... "
"""How a line of ours begins that stands in the place of what a task printed."""

STREAMS: tuple[Stream, ...] = ("stdout", "stderr")
_HEAD = struct.Struct("<dBBI")
_TASK, _RUNTIME, _OPEN, _END = range(4)
_MARK = struct.Struct("<QQ")


class LogLine(Struct, frozen=True):
    """One line, with the newline that ended it, if one did; or a piece of a very long one.

    Attributes
    ----------
    at
        Unix time when its last byte came.
    source
        ``task`` for what the user's code and its children printed, ``runtime`` for our own words.
    open
        Whether it is what there is so far of a line that goes on.
    """

    at: float
    source: Source
    stream: Stream
    data: bytes
    open: bool = False

    @property
    def is_notice(self) -> bool:
        """Whether it stands in the place of what the task printed."""
        return self.source == "runtime" and self.data.startswith(NOTICE)


class EndsApart(Struct, frozen=True):
    """From byte ``offset`` of the stream on, its lines lie in a ring of their own; ``ring`` names it."""

    at: float
    stream: Stream
    offset: int
    ring: int


Record = LogLine | EndsApart


def notice(at: float, stream: Stream, text: str) -> LogLine:
    """Return a line that stands in the place of what a task printed."""
    return LogLine(at, "runtime", stream, NOTICE + text.encode() + b" ...]\n")


def encode(record: Record) -> bytes:
    """Return the record as it is stored."""
    if isinstance(record, EndsApart):
        kind, data = _END, _MARK.pack(record.offset, record.ring)
    else:
        kind = _OPEN if record.open else _RUNTIME if record.source == "runtime" else _TASK
        data = record.data
    return _HEAD.pack(record.at, kind, STREAMS.index(record.stream), len(data)) + data


def decode(data: bytes, key: TaskKey) -> Iterator[tuple[Record, int]]:
    """Yield the records, and how many bytes each takes.

    Raises
    ------
    DataException
        These are no records.
    """
    at = 0
    while at < len(data):
        try:
            head: tuple[float, int, int, int] = _HEAD.unpack_from(data, at)
            yield _record(*head[:3], data[at + _HEAD.size : at + _HEAD.size + head[3]]), _HEAD.size + head[3]
        except (struct.error, IndexError) as error:
            raise DataException(f"The log of {key.pathspec} is damaged at byte {at}.") from error
        at += _HEAD.size + head[3]


def _record(at: float, kind: int, stream: int, data: bytes) -> Record:
    if kind == _END:
        return EndsApart(at, STREAMS[stream], *_MARK.unpack(data))
    if kind > _END:
        raise IndexError
    return LogLine(at, "runtime" if kind == _RUNTIME else "task", STREAMS[stream], data, kind == _OPEN)


class LineJoiner:
    """Makes lines, as they were printed, of records: of a long line there are several.

    A line without a newline is one that its stream ended with, or that the log was cut in.
    """

    def __init__(self) -> None:
        self._begun: dict[Stream, list[LogLine]] = {}

    def feed(self, record: LogLine) -> Iterator[LogLine]:
        """Take the next record; yield the lines that it ends."""
        pieces = self._begun.setdefault(record.stream, [])
        if pieces and pieces[0].source != record.source:
            yield _joined(pieces)
            pieces.clear()
        pieces.append(record)
        if record.data.endswith(b"\n"):
            yield _joined(pieces)
            pieces.clear()

    def rest(self) -> Iterator[LogLine]:
        """Yield the lines that nothing has ended."""
        for pieces in self._begun.values():
            if pieces:
                yield _joined(pieces)
        self._begun.clear()


def whole_lines(records: Iterable[LogLine]) -> Iterator[LogLine]:
    """Yield lines as they were printed."""
    joiner = LineJoiner()
    for record in records:
        yield from joiner.feed(record)
    yield from joiner.rest()


def _joined(pieces: Sequence[LogLine]) -> LogLine:
    last = pieces[-1]
    return last if len(pieces) == 1 else replace(last, data=b"".join(piece.data for piece in pieces))
