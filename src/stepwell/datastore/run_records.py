"""What is known of each run, beside its results: enough to make the index anew, and to keep ids apart.

The record is written when the run begins and once more when it ends; tags when they are changed. Each of the
three is an object that one writer replaces whole. A fourth says that the run is deleted: it is the first that
is written of that, and the last that goes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct

from stepwell.datastore import layout
from stepwell.datastore.storage import Storage
from stepwell.exceptions import DataException
from stepwell.model.run import RunRecord
from stepwell.model.text import storable

_END, _TAGS, _DELETED = ".end", ".tags", ".deleted"
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
        if self._storage.size(layout.run_record_key(run.run) + _DELETED) is not None:
            return False  # something may be left of a run that had it
        return self._storage.write(layout.run_record_key(run.run), [msgspec.json.encode(storable(run))])

    def forget(self, run: RunRecord) -> None:
        """Take back the claim of a run that could not begin."""
        self._storage.delete([layout.run_record_key(run.run)])

    def reopen(self, run: RunRecord) -> None:
        """Take back the end of a run that goes on."""
        self._storage.replace(layout.run_record_key(run.run), msgspec.json.encode(storable(run)))
        self._storage.delete([layout.run_record_key(run.run) + end for end in (_END, _DELETED)])

    def end(self, run: RunRecord) -> None:
        """Write the record of a run that has ended."""
        self._storage.replace(layout.run_record_key(run.run) + _END, msgspec.json.encode(storable(run)))

    def tag(self, run: str, tags: Sequence[str]) -> None:
        """Write the run's user tags as they are now."""
        self._storage.replace(layout.run_record_key(run) + _TAGS, msgspec.json.encode(tags))

    def delete(self, seen: RunRecord) -> None:
        """Say that a run, as it was seen, is deleted: nobody takes anything of it over from here on."""
        self._storage.replace(layout.run_record_key(seen.run) + _DELETED, msgspec.json.encode(storable(seen)))

    def restore(self, run: RunRecord) -> None:
        """Take back that a run is deleted: somebody has gone on with it."""
        self._storage.delete([layout.run_record_key(run.run) + _DELETED])

    def erase(self, run: RunRecord, before: float) -> None:
        """Remove all that is known of a deleted run, of which nothing else is left. Its id is free again.

        Parameters
        ----------
        before
            A time by the storage's clock at which the run was deleted: what is younger is of another one.
        """
        key = layout.run_record_key(run.run)
        self._storage.discard([key, key + _END, key + _TAGS], before)
        if self._storage.size(key) is None:
            self._storage.delete([key + _DELETED])

    def begun_at(self, run: str) -> float | None:
        """Return when a run has begun, or was last taken up, by the storage's clock."""
        return self._storage.written_at(layout.run_record_key(run))

    def ended_at(self, run: str) -> float | None:
        """Return when a run has ended, by the storage's clock; None while it has not."""
        return self._storage.written_at(layout.run_record_key(run) + _END)

    def deleted_at(self, run: str) -> float | None:
        """Return when a run was deleted, by the storage's clock; None of one that is not."""
        return self._storage.written_at(layout.run_record_key(run) + _DELETED)

    def is_there(self, run: str) -> bool:
        """Whether a run exists and is not deleted.

        Who has written down that he refers to a run, and then is told that it is there, may rely on it: it is
        deleted in the other order.
        """
        key = layout.run_record_key(run)
        return self._storage.size(key + _DELETED) is None and self._storage.size(key) is not None

    def all(self) -> Iterator[KeptRun]:
        """Yield every run that is not deleted. For tools: it reads all of them."""
        for key in self._storage.list(layout.INDEX):
            if not key.endswith((_END, _TAGS, _DELETED)) and self._storage.size(key + _DELETED) is None:
                yield self._kept(key)

    def deleted(self) -> Iterator[RunRecord]:
        """Yield every deleted run of which something may be left, as it was seen then.

        Raises
        ------
        DataException
            It is not known which run it is.
        """
        for key in self._storage.list(layout.INDEX):
            data = self._storage.read(key) if key.endswith(_DELETED) else None
            try:
                if data is not None:
                    yield _record.decode(data)
            except msgspec.MsgspecError as error:
                raise DataException(
                    f"{key} in {self._storage.location} is damaged: {error}. Remove it, and delete the run "
                    "again."
                ) from error

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
