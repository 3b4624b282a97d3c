"""Removes what no kept run refers to, beside runs that go on, and whenever it is killed.

The order is what makes it safe: first it is written down which runs are deleted; then it is read what the
others refer to; then objects go that nobody can still come to rely on: those of deleted runs, and values that
are older than every run that goes on. Whoever does it again goes on with it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from itertools import islice
from typing import TypeVar

from msgspec import Struct, field

from stepwell.datastore import layout
from stepwell.datastore.datastore import Datastore
from stepwell.datastore.dropped import Dropped, note_dropped
from stepwell.datastore.pack_file import pack_bytes
from stepwell.metadata_store.store import MetadataStore
from stepwell.model.pack import Pack
from stepwell.model.run import RunRecord
from stepwell.upkeep.live_runs import ENDING_S, AllRuns, Here, look_at_all, storage_time
from stepwell.upkeep.references import Place, References
from stepwell.upkeep.retention import DropRule

T = TypeVar("T")

_AT_ONCE = 500


class Asked(Struct, frozen=True, kw_only=True):
    """What is to be removed.

    Attributes
    ----------
    delete
        Runs, as they were seen: they had ended.
    drops
        The rules by which values are dropped, by run.
    grace_s
        How much older than every run that goes on, and than now, a value is that may go.
    pinned
        Runs that something outside of the datastore stands on. Their results stay until it is gone.
    dry_run
        Only find out what would go.
    """

    delete: Sequence[RunRecord] = ()
    drops: Mapping[Place, Sequence[DropRule]] = {}
    grace_s: float = 0.0
    pinned: Set[Place] = frozenset()
    dry_run: bool = False


class Amount(Struct):
    """So many things, of so many bytes."""

    count: int = 0
    bytes: int = 0

    def add(self, size: int) -> None:
        """Count one more."""
        self.count += 1
        self.bytes += size


class Collected(Struct):
    """What went, or would go.

    Attributes
    ----------
    runs
        Runs that are deleted now.
    taken_up
        Runs that were to be deleted, and that somebody has gone on with.
    waiting
        Deleted runs whose results stay until every run has ended that may be about to take them.
    objects
        What deleted runs had for themselves.
    values
        Values, code and the like that nobody refers to.
    dropped
        Values that were dropped although entries name them.
    young
        What nobody refers to and stays for now: it is not old enough.
    leftovers
        What killed writers had left; only its bytes are known.
    damaged
        Tasks of which something cannot be read.
    unknown
        Runs that the index does not have: they may go on.
    pending
        Deleted runs of which nothing may be needed any more, those that an earlier collection left half done
        included.
    """

    runs: list[RunRecord] = field(default_factory=list[RunRecord])
    taken_up: list[RunRecord] = field(default_factory=list[RunRecord])
    waiting: list[Place] = field(default_factory=list[Place])
    objects: Amount = field(default_factory=Amount)
    values: Amount = field(default_factory=Amount)
    dropped: Amount = field(default_factory=Amount)
    young: Amount = field(default_factory=Amount)
    leftovers: int = 0
    damaged: tuple[str, ...] = ()
    unknown: list[RunRecord] = field(default_factory=list[RunRecord])
    pending: int = 0

    @property
    def freed(self) -> int:
        """How many bytes it is in all."""
        return self.objects.bytes + self.values.bytes + self.dropped.bytes + self.leftovers


def collect(datastore: Datastore, metadata: MetadataStore, here: Here, asked: Asked) -> Collected:
    """Delete runs, and remove what is no longer needed.

    Raises
    ------
    StoreError
        A store cannot serve, or it cannot be read what a run refers to. Nothing that is needed is gone.
    """
    collection = _Collection(datastore, asked, here)
    if not asked.dry_run:
        collection.storage.discard([], 0.0)  # who cannot remove anything is not to begin
    now = storage_time(collection.storage)  # before all else: whatever comes later is younger
    deleted = collection.delete_runs(metadata)
    since = now - min(asked.grace_s, ENDING_S)
    runs = look_at_all(datastore, metadata, here, since, deleted.keys())
    collection.sweep(deleted, runs, now)
    return collection.result


class _Collection:
    """One collection."""

    def __init__(self, datastore: Datastore, asked: Asked, here: Here) -> None:
        self.storage = datastore.contents.storage
        self.result = Collected()
        self._datastore = datastore
        self._asked = asked
        self._here = here

    def delete_runs(self, metadata: MetadataStore) -> dict[Place, RunRecord]:
        """Write down which runs are deleted, and take them out of the index; return all that are deleted.

        In this order: who is killed between the two leaves what the next collection goes on with. Whoever
        takes a run up at the same time either finds it gone from the index, or keeps it.
        """
        records = self._datastore.run_records
        if self._asked.dry_run:
            self.result.runs = list(self._asked.delete)
            return {(run.flow, run.run): run for run in (*records.deleted(), *self._asked.delete)}
        for run in self._asked.delete:
            records.delete(run)
        deleted: dict[Place, RunRecord] = {}
        for seen in records.deleted():
            if metadata.delete_run(seen):
                deleted[seen.flow, seen.run] = seen
            else:
                records.restore(seen)
                self.result.taken_up.append(seen)
        self.result.runs = [run for run in self._asked.delete if (run.flow, run.run) in deleted]
        return deleted

    def sweep(self, deleted: Mapping[Place, RunRecord], runs: AllRuns, now: float) -> None:
        """Remove what may go."""
        oldest = runs.oldest
        self.result.unknown = runs.unknown
        gone = {place: run for place, run in deleted.items() if not self._waits(place, run, oldest)}
        self.result.waiting = sorted(deleted.keys() - gone.keys())
        self.result.pending = len(gone)
        references = References(self._datastore, gone.keys(), self._asked.drops, runs.resumed)
        references.read()
        for digest in runs.packages:
            references.blobs.add(digest)
        self.result.damaged = tuple(sorted(references.damaged))
        before = min(now, math.inf if oldest is None else oldest) - self._asked.grace_s
        for place, run in gone.items():
            self._remove_run(references, place, run, now)
        self._drop(references)
        if not references.damaged:  # else it is not known what is needed; a pack may come back from a backup
            self._remove_values(references, before)
        self._remove_pointers(references, bool(gone), now)
        self.result.leftovers = self.storage.clear_leftovers(before, self._asked.dry_run)

    # Deleted runs

    def _waits(self, place: Place, run: RunRecord, oldest: float | None) -> bool:
        """Whether somebody may be about to take results of a deleted run: who began before it was deleted."""
        if place in self._asked.pinned:
            return True
        at = self._datastore.run_records.deleted_at(run.run)
        if oldest is None or (at is not None and at < oldest):
            return False
        packs = self._datastore.packs_of_run(*place)
        return any(isinstance(pack, Pack) and pack.observed for pack in packs)

    def _remove_run(self, references: References, place: Place, run: RunRecord, now: float) -> None:
        found = list(references.objects(place))
        needless = [key for key, what in found if not references.needed.has(what)]
        keys = [*needless, *self._outputs(run)]
        # What is younger belongs to a run that has got the same id since.
        removed = self._discard(keys, now, self.result.objects)
        if not self._asked.dry_run and len(needless) == len(found) and removed == len(keys):
            self._datastore.run_records.erase(run, now)

    def _outputs(self, run: RunRecord) -> Iterator[str]:
        """Yield the files with what a run in the background has said."""
        time = 1
        while self.storage.size(key := layout.detached_output_key(run.run, time)) is not None:
            yield key
            time += 1

    # Values

    def _drop(self, references: References) -> None:
        """Say of each value that is dropped that it is; small ones go with that."""
        for place in self._asked.drops:
            for key, pack, values in references.shrunken(place):
                for digest, value in values.items():
                    self._note(digest, value.rule)
                    self.result.dropped.add(value.size)
                if not self._asked.dry_run:
                    self.storage.replace(key, pack_bytes(pack))
        for (_, digest), value in references.dropped.items():
            if digest not in references.blobs and self.storage.size(layout.blob_key(digest)) is not None:
                self._note(digest, value.rule)

    def _note(self, digest: bytes, rule: DropRule) -> None:
        if not self._asked.dry_run:
            note_dropped(self.storage, digest, Dropped(self._here.now, rule.text))

    def _remove_values(self, references: References, before: float) -> None:
        dropped = {digest for _, digest in references.dropped}
        for digests in _batches(self._datastore.contents.blobs()):
            old: dict[bool, list[str]] = {False: [], True: []}
            for digest in digests:
                if digest in references.blobs:
                    continue
                key = layout.blob_key(digest)
                if (self.storage.written_at(key) or math.inf) < before:
                    old[digest in dropped].append(key)
                else:
                    self.result.young.add(self.storage.size(key) or 0)
            self._discard(old[False], before, self.result.values)
            self._discard(old[True], before, self.result.dropped)

    def _remove_pointers(self, references: References, any_gone: bool, now: float) -> None:
        """Remove what says of results that they can be taken, and of values that they were dropped."""
        dropped = {digest for _, digest in references.dropped}
        notes = [
            key
            for key in self.storage.list(layout.DROPPED)
            if (digest := bytes.fromhex(key.rpartition("/")[2])) not in references.blobs
            and digest not in dropped
        ]
        entries = list(self._stale_entries()) if any_gone else []
        self._discard([*notes, *entries], now, Amount())

    def _stale_entries(self) -> Iterator[str]:
        known: dict[str, bool] = {}
        for key in self.storage.list(layout.CACHE_ENTRIES):
            tasks = self._datastore.cached.entries(bytes.fromhex(key.rpartition("/")[2]))
            for run in {entry.task.run for entry in tasks} - known.keys():
                known[run] = self._datastore.run_records.is_there(run)
            if not any(known[entry.task.run] for entry in tasks):
                yield key

    def _discard(self, keys: Sequence[str], before: float, amount: Amount) -> int:
        """Remove objects that are old enough, and count them; return how many went, or would go."""
        went = 0
        for batch in _batches(keys):
            sizes = {key: self.storage.size(key) for key in batch}
            gone = sizes if self._asked.dry_run else self.storage.discard(batch, before)
            for key in gone:
                amount.add(sizes[key] or 0)
            went += len(gone)
        return went


def _batches(things: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(things)
    while batch := list(islice(iterator, _AT_ONCE)):
        yield batch
