"""Writes the log of a running attempt, so that others read it while it grows.

The beginning of a log is a row of segments. The one that grows is stored anew, whole, each time; a full one
never changes again. The end of a stream that is larger than its limit lies in a ring of slots.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from msgspec.structs import replace

from stepwell.datastore.layout import log_end_key, log_key
from stepwell.datastore.log_lines import LineCutter
from stepwell.datastore.log_records import EndsApart, LogLine, Record, Stream, encode
from stepwell.datastore.storage import Storage
from stepwell.model.ids import TaskKey

FULL_SEGMENT = 64 * 1024
"""A segment of this size is not added to: so much, at most, is written again for each new line."""

_MOST_HELD = 1024 * 1024
_MOST_SEGMENTS = 1000

RING_SLOTS = 17
"""The one that is filled, and those that hold at least half of the limit."""

SLOT_HEAD = struct.Struct("<QQ")
"""Which bytes of the stream a slot holds: from, to."""


class LogWriter:
    """Collects the output of one attempt, and stores it when `save` is called.

    Parameters
    ----------
    max_size
        Bytes kept per stream: half from the beginning, half, or a little more, from the end. None keeps all.
    """

    def __init__(self, storage: Storage, key: TaskKey, attempt: int, max_size: int | None = None) -> None:
        self._storage = storage
        self._key = key
        self._attempt = attempt
        self._half = None if max_size is None else max_size // 2
        self._cutters: dict[Stream, LineCutter] = {}
        self._sizes: dict[Stream, int] = {}
        full = FULL_SEGMENT if self._half is None else max(FULL_SEGMENT, self._half // _MOST_SEGMENTS)
        self._head = _Segments(storage, lambda number: log_key(key, attempt, number), full)
        self._ends: dict[Stream, _Ring] = {}
        self._at = 0.0

    def feed(self, stream: Stream, at: float, data: bytes) -> list[LogLine]:
        """Take bytes as they came, cut anywhere; return the lines that they complete."""
        cutter = self._cutters.get(stream)
        if cutter is None:
            cutter = self._cutters[stream] = LineCutter()
        return [self._keep(LogLine(self._not_before(at), "task", stream, line)) for line in cutter.feed(data)]

    def say(self, stream: Stream, at: float, text: str) -> LogLine:
        """Add a line of our own."""
        data = text.encode(errors="replace") + b"\n"
        return self._keep(LogLine(self._not_before(at), "runtime", stream, data))

    def finish(self, at: float) -> list[LogLine]:
        """Return the last lines, which no newline ended."""
        at = self._not_before(at)
        rest = [LogLine(at, "task", stream, cutter.finish()) for stream, cutter in self._cutters.items()]
        return [self._keep(line) for line in rest if line.data]

    def begun(self) -> list[LogLine]:
        """Return what there is of the lines that go on."""
        begun = [
            LogLine(self._at, "task", stream, it.begun, open=True) for stream, it in self._cutters.items()
        ]
        return [line for line in begun if line.data]

    def save(self) -> None:
        """Store what has come. Nothing printed, nothing stored.

        Raises
        ------
        StoreUnavailable
        """
        begun = {line.stream: encode(line) for line in self.begun()}
        for stream, end in self._ends.items():
            end.save(begun.pop(stream, b""))
        self._head.save(b"".join(begun.values()))

    def _not_before(self, at: float) -> float:
        # Readers bring streams together by time: a clock that is set back must not change the order of lines.
        self._at = max(self._at, at)
        return self._at

    def _keep(self, line: LogLine) -> LogLine:
        size = self._sizes.get(line.stream, 0)
        self._sizes[line.stream] = size + len(line.data)
        end = self._ends.get(line.stream)
        if end is None and self._half is not None and size + len(line.data) > self._half:
            end = self._ends[line.stream] = self._ring(line, size)
        if end is None:
            self._head.add(line)
            if self._head.is_large:
                self.save()
        else:
            end.add(line)
        return line

    def _ring(self, line: LogLine, offset: int) -> _Ring:
        number = self._head.claim()
        # Stored after the first slot: who is killed between leaves what there was.
        self._head.add(EndsApart(line.at, line.stream, offset, number))

        def place(slot: int) -> str:
            return log_end_key(self._key, self._attempt, number, line.stream, slot)

        return _Ring(self._storage, place, max(1, (self._half or 0) // (RING_SLOTS - 1)), offset)


class _Segments:
    """The beginning of a log: all of both streams, until they are larger than they may be."""

    def __init__(self, storage: Storage, place: Callable[[int], str], full: int) -> None:
        self._storage = storage
        self._place = place
        self._full = full
        self._number = 0
        self._records = bytearray()
        self._saved = 0
        self._stored: int | None = None

    def add(self, record: Record) -> None:
        self._records += encode(record)

    @property
    def is_large(self) -> bool:
        """Whether more is held than should be."""
        return len(self._records) >= _MOST_HELD

    def claim(self) -> int:
        """Return the number of the segment under way, which nobody else will write."""
        if self._stored is None:
            self._put(bytes(self._records))
        return self._number

    def save(self, begun: bytes) -> None:
        """Store what has come since, and what there is of lines that go on."""
        if self._stored is not None and self._storage.size(self._place(self._number)) != self._stored:
            # Somebody has scrubbed it: what was taken out does not come back.
            del self._records[: self._saved]
            self._next()
        if self._records or begun:
            # What there is of a line stands at the end of all: a segment that has it is not full yet.
            is_full = len(self._records) >= self._full and (not begun or self.is_large)
            self._put(bytes(self._records) if is_full else bytes(self._records) + begun)
            if is_full:
                self._records.clear()
                self._next()
                if begun:
                    self._put(begun)

    def _put(self, data: bytes) -> None:
        if self._stored is None:
            # Who ran this attempt before may have left some.
            while not self._storage.write(self._place(self._number), [data]):
                self._number += 1
        else:
            self._storage.replace(self._place(self._number), data)
        self._stored, self._saved = len(data), len(self._records)

    def _next(self) -> None:
        self._number += 1
        self._saved, self._stored = 0, None


class _Ring:
    """The end of a stream: the slot after the last is the first again, and what it held is forgotten."""

    def __init__(self, storage: Storage, place: Callable[[int], str], full: int, offset: int) -> None:
        self._storage = storage
        self._place = place
        self._full = full
        self._slot = 0
        self._begin = self._end = self._saved_end = offset
        self._records = bytearray()
        self._saved = 0
        self._stored: int | None = None

    def add(self, line: LogLine) -> None:
        for start in range(0, len(line.data), self._full):  # in pieces: a long line must not fill many slots
            piece = replace(line, data=line.data[start : start + self._full])
            self._records += encode(piece)
            self._end += len(piece.data)
            if self._end - self._begin >= self._full or len(self._records) >= _MOST_HELD:
                rest = replace(line, data=line.data[start + self._full :], open=True)
                self.save(encode(rest) if rest.data else b"")
                self._records.clear()
                self._next(self._end)

    def save(self, begun: bytes) -> None:
        if self._stored is not None and self._storage.size(self._place(self._slot)) != self._stored:
            del self._records[: self._saved]  # as in a segment
            self._next(self._saved_end)
        if self._records or begun:
            data = SLOT_HEAD.pack(self._begin, self._end) + self._records + begun
            self._storage.replace(self._place(self._slot), data)
            self._stored, self._saved, self._saved_end = len(data), len(self._records), self._end

    def _next(self, begin: int) -> None:
        self._slot = (self._slot + 1) % RING_SLOTS
        self._begin = self._saved_end = begin
        self._saved, self._stored = 0, None
