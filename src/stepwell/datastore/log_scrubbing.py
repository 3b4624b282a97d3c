"""Takes text out of logs, for good."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from msgspec import Struct

from stepwell.datastore.layout import log_end_key, log_key
from stepwell.datastore.log_records import EndsApart, Record, Stream, decode, encode, notice
from stepwell.datastore.log_writer import RING_SLOTS, SLOT_HEAD
from stepwell.datastore.storage import Storage
from stepwell.model.ids import TaskKey


class Scrubbing(Struct, frozen=True):
    """What is to be taken out.

    Attributes
    ----------
    before
        Only what was printed up to this time: a running task goes on printing.
    marker
        What stands in its place.
    """

    streams: Collection[Stream]
    before: float
    marker: str


class LogScrubber:
    """Scrubs the log of one attempt. Broken off and done again, it comes to the same."""

    def __init__(self, storage: Storage, key: TaskKey, attempt: int, asked: Scrubbing) -> None:
        self._storage = storage
        self._key = key
        self._attempt = attempt
        self._asked = asked
        self._marked: set[Stream] = set()
        self._taken = 0

    def scrub(self) -> int:
        """Scrub; return how many bytes of text were taken out."""
        number = 0
        while (data := self._storage.read(log_key(self._key, self._attempt, number))) is not None:
            records = [record for record, _ in decode(data, self._key)]
            self._replace(log_key(self._key, self._attempt, number), data, b"", records)
            for mark in records:
                if isinstance(mark, EndsApart) and mark.stream in self._asked.streams:
                    self._scrub_end(mark.ring, mark.stream)
            number += 1
        return self._taken

    def _scrub_end(self, ring: int, stream: Stream) -> None:
        for slot in range(RING_SLOTS):
            place = log_end_key(self._key, self._attempt, ring, stream, slot)
            data = self._storage.read(place)
            if data:
                head, records = data[: SLOT_HEAD.size], decode(data[SLOT_HEAD.size :], self._key)
                self._replace(place, data, head, (record for record, _ in records))

    def _replace(self, place: str, data: bytes, head: bytes, records: Iterable[Record]) -> None:
        taken = self._taken
        kept = [record for record in map(self._scrubbed, records) if record is not None]
        if self._taken == taken:
            return
        scrubbed = head + b"".join(map(encode, kept))
        if len(scrubbed) == len(data):
            scrubbed = head + b"".join(map(encode, map(self._longer, kept)))
        self._storage.replace(place, scrubbed)

    def _longer(self, record: Record) -> Record:
        """Return a longer marker: by its size the writer sees that an object is not as it left it."""
        marker = notice(record.at, record.stream, self._asked.marker)
        return notice(record.at, record.stream, f"{self._asked.marker}.") if record == marker else record

    def _scrubbed(self, record: Record) -> Record | None:
        if isinstance(record, EndsApart) or record.stream not in self._asked.streams:
            return record
        if record.is_notice:
            self._marked.add(record.stream)
            return record
        if record.at > self._asked.before:
            return record
        self._taken += len(record.data)
        if record.stream in self._marked:
            return None
        self._marked.add(record.stream)
        return notice(record.at, record.stream, self._asked.marker)
