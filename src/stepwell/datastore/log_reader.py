"""Reads the log of one attempt, also while it grows."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from stepwell.datastore.layout import log_end_key, log_key
from stepwell.datastore.log_records import EndsApart, LogLine, Record, Stream, decode, notice
from stepwell.datastore.log_writer import RING_SLOTS, SLOT_HEAD
from stepwell.datastore.storage import Storage
from stepwell.model.ids import TaskKey


class LogReader:
    """Goes through a log once: each call of `read` goes on where the one before has come to."""

    def __init__(self, storage: Storage, key: TaskKey, attempt: int) -> None:
        self._storage = storage
        self._key = key
        self._attempt = attempt
        self._segment = 0
        self._offset = 0
        self._ends: list[_EndReader] = []

    def read(self, is_all: bool = True) -> Iterator[LogLine]:
        """Yield the records that have come since; of each stream in order, of both by time.

        Parameters
        ----------
        is_all
            Whether to yield what there is of lines that go on, too. The next call yields it again.
        """
        known = [end.read(is_all) for end in self._ends]
        lines = self._lines(self._records(is_all), is_all)
        return heapq.merge(lines, *known, key=_time_of) if known else lines

    def _lines(self, records: Iterator[Record], is_all: bool) -> Iterator[LogLine]:
        for record in records:
            if isinstance(record, LogLine):
                yield record
                continue
            end = _EndReader(self._storage, self._key, self._attempt, record)
            self._ends.append(end)
            yield from heapq.merge(self._lines(records, is_all), end.read(is_all), key=_time_of)

    def _records(self, is_all: bool) -> Iterator[Record]:
        while True:
            # Asked first: what has a successor does not change any more.
            following = log_key(self._key, self._attempt, self._segment + 1)
            is_complete = self._storage.size(following) is not None
            data = self._storage.read(log_key(self._key, self._attempt, self._segment), self._offset)
            for record, size in decode(data or b"", self._key):
                if not isinstance(record, LogLine) or not record.open:
                    self._offset += size
                elif not (is_all or is_complete):
                    continue
                yield record
            if not is_complete:
                return
            self._segment += 1
            self._offset = 0


class _EndReader:
    """Reads the ring that holds the end of a stream; says how much is missing before what is left of it."""

    def __init__(self, storage: Storage, key: TaskKey, attempt: int, mark: EndsApart) -> None:
        self._storage = storage
        self._key = key
        self._places = [log_end_key(key, attempt, mark.ring, mark.stream, slot) for slot in range(RING_SLOTS)]
        self._stream: Stream = mark.stream
        self._position = mark.offset

    def read(self, is_all: bool) -> Iterator[LogLine]:
        slots: list[tuple[int, int, str]] = []
        for place in self._places:
            head = self._storage.read(place, 0, SLOT_HEAD.size)
            if head:
                slots.append((*_extent(head), place))
        slots.sort()
        for begin, end, place in slots:
            is_last = begin == slots[-1][0]
            if end > self._position or is_last:
                yield from self._slot(begin, place, is_all and is_last)

    def _slot(self, begin: int, place: str, is_all: bool) -> Iterator[LogLine]:
        data = self._storage.read(place) or b""
        if not data or _extent(data)[0] != begin:
            return  # it holds something newer by now; the next slot tells what is missing
        end = _extent(data)[1]
        for record, _ in decode(data[SLOT_HEAD.size :], self._key):
            if not isinstance(record, LogLine):
                continue
            if record.open:
                if is_all:
                    yield record
                continue
            if begin > self._position:
                missing = begin - self._position
                text = f"{missing} bytes are missing here: the log is larger than --max-log-size"
                yield notice(record.at, self._stream, text)
                self._position = begin
            begin += len(record.data)
            if begin > self._position:
                self._position = begin
                yield record
        self._position = max(self._position, end)


def _extent(data: bytes) -> tuple[int, int]:
    begin, end = SLOT_HEAD.unpack_from(data)
    return begin, end


def _time_of(line: LogLine) -> float:
    return line.at
