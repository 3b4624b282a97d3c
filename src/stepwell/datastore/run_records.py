"""What is known of each run, beside its results: enough to make the index anew, and to keep ids apart.

The record is written when the run begins and once more when it ends; tags when they are changed. Each of the
three is an object that one writer replaces whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct

from stepwell.datastore import layout
from stepwell.datastore.storage import Storage
from stepwell.model.run import RunRecord
from stepwell.model.text import storable

_END, _TAGS = ".end", ".tags"
_record = msgspec.json.Decoder(RunRecord)
_tags = msgspec.json.Decoder(tuple[str, ...])


class KeptRun(Struct, frozen=True):
    """A run as the datastore knows it.

    Attributes
    ----------
    record
        None if the record is damaged.
    ended
        Whether it is the record of its end.
    """

    key: str
    record: RunRecord | None
    ended: bool = False


class RunRecords:
    """The records of all runs of one storage."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def claim(self, run: RunRecord) -> bool:
        """Write the record of a run that begins; False if another run, of any flow, has its id."""
        return self._storage.write(layout.run_record_key(run.run), [msgspec.json.encode(storable(run))])

    def forget(self, run: RunRecord) -> None:
        """Take back the claim of a run that could not begin."""
        self._storage.delete([layout.run_record_key(run.run)])

    def reopen(self, run: RunRecord) -> None:
        """Take back the end of a run that goes on."""
        self._storage.replace(layout.run_record_key(run.run), msgspec.json.encode(storable(run)))
        self._storage.delete([layout.run_record_key(run.run) + _END])

    def end(self, run: RunRecord) -> None:
        """Write the record of a run that has ended."""
        self._storage.replace(layout.run_record_key(run.run) + _END, msgspec.json.encode(storable(run)))

    def tag(self, run: str, tags: Sequence[str]) -> None:
        """Write the run's user tags as they are now."""
        self._storage.replace(layout.run_record_key(run) + _TAGS, msgspec.json.encode(tags))

    def all(self) -> Iterator[KeptRun]:
        """Yield every run. For tools: it reads all of them."""
        for key in self._storage.list(layout.INDEX):
            if not key.endswith((_END, _TAGS)):
                yield self._kept(key)

    def _kept(self, key: str) -> KeptRun:
        end = self._storage.read(key + _END)
        data = end or self._storage.read(key)
        tags = self._storage.read(key + _TAGS)
        try:
            record = _record.decode(data or b"")
            if tags is not None:
                record = msgspec.structs.replace(record, tags=_tags.decode(tags))
        except msgspec.MsgspecError:
            return KeptRun(key, None)
        return KeptRun(key, record, ended=end is not None)
