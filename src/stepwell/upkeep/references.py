"""What runs refer to: their blobs, and what they need of runs that are deleted.

Runs are looked at in three groups: those that keep all they have; those that artifacts are dropped of; and
deleted ones, of which only that stays which the others need.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import suppress
from itertools import groupby

from msgspec import Struct, field
from msgspec.structs import replace

from stepwell.datastore import layout
from stepwell.datastore.datastore import Datastore
from stepwell.datastore.layout import RunObject
from stepwell.datastore.pack_file import open_pack
from stepwell.datastore.storage import Storage
from stepwell.exceptions import BlobCorrupted, DataException, StepwellDataMissing
from stepwell.model import wire
from stepwell.model.artifact import ArtifactEntry
from stepwell.model.ids import PARAMETERS_STEP, TaskKey
from stepwell.model.pack import Pack
from stepwell.upkeep.retention import DropRule

Place = tuple[str, str]
"""A run: its flow and its id."""

_HEAD = 8


def objects_by_run(storage: Storage) -> Iterator[tuple[Place, Iterator[tuple[str, RunObject]]]]:
    """Yield each run that has anything, with key and kind of all that it has."""
    known = ((key, layout.object_of(key)) for key in storage.list(layout.RUNS))
    objects = ((key, found) for key, found in known if found is not None)
    yield from groupby(objects, key=lambda one: (one[1].flow, one[1].run))


class Digests:
    """Digests by their first bytes, so that millions fit. Should two share them, both count as here."""

    def __init__(self) -> None:
        self._heads: set[bytes] = set()

    def add(self, digest: bytes) -> None:
        """Take one."""
        self._heads.add(digest[:_HEAD])

    def __contains__(self, digest: bytes) -> bool:
        return digest[:_HEAD] in self._heads

    def __len__(self) -> int:
        return len(self._heads)


class DroppedValue(Struct, frozen=True):
    """A value that a rule drops."""

    rule: DropRule
    size: int


class Needed(Struct):
    """What other runs need of deleted ones, and of those that values are dropped of.

    Attributes
    ----------
    tasks
        Tasks whose results, logs, cards and checkpoints they take for their own.
    logs
        Tasks whose logs and cards alone are needed: a cached task has all else itself.
    checkpoints
        Runs whose checkpoints are needed by one that goes on at this time.
    """

    tasks: set[TaskKey] = field(default_factory=set[TaskKey])
    logs: set[TaskKey] = field(default_factory=set[TaskKey])
    checkpoints: frozenset[Place] = frozenset()
    runs: frozenset[Place] = frozenset()

    def has(self, found: RunObject) -> bool:
        """Whether an object of a deleted run is needed."""
        place = (found.flow, found.run)
        if found.kind in ("checkpoints", layout.LATEST) and place in self.checkpoints:
            return True
        # By its code and its parameters it is told what has changed since.
        if found.kind.startswith("code.") or found.step == PARAMETERS_STEP:
            return place in self.runs
        key = TaskKey(*place, found.step, found.task)
        return key in self.tasks or (found.kind in ("logs", "cards") and key in self.logs)


class References:
    """All that the runs of a datastore refer to, once `read` has been called.

    Parameters
    ----------
    gone
        Deleted runs.
    drops
        The rules by which values of a run are dropped, for runs that there are any for.
    resumed
        Runs that others which go on at this time were resumed from.

    Attributes
    ----------
    dropped
        By name and digest.
    damaged
        Tasks of which something cannot be read: nobody knows all that they refer to.
    """

    def __init__(
        self,
        datastore: Datastore,
        gone: Set[Place],
        drops: Mapping[Place, Sequence[DropRule]],
        resumed: Set[Place] = frozenset(),
    ) -> None:
        self._datastore = datastore
        self._storage = datastore.contents.storage
        self._checkpoints = datastore.checkpoints()
        self._gone = gone
        self._drops = drops
        self.blobs = Digests()
        self.needed = Needed(checkpoints=frozenset(resumed))
        self.dropped: dict[tuple[str, bytes], DroppedValue] = {}
        self.damaged: set[str] = set()

    def read(self) -> None:
        """Look at every run."""
        for place, objects in objects_by_run(self._storage):
            if place not in self._gone and place not in self._drops:
                self._mark_run(place, objects, drops=False)
        for place, rules in self._drops.items():
            self._find_dropped(place, rules)
        for place in self._drops:
            self._mark_run(place, self.objects(place), drops=True)
        self._close_over_homes()
        for place in self._gone:
            self._mark_rest(place)

    def objects(self, place: Place) -> Iterator[tuple[str, RunObject]]:
        """Yield key and kind of everything in the folder of a run."""
        for key in self._storage.list(layout.run_folder(*place)):
            found = layout.object_of(key)
            if found is not None:
                yield key, found

    def shrunken(self, place: Place) -> Iterator[tuple[str, Pack, dict[bytes, DroppedValue]]]:
        """Yield key and content of packs of a run without the small values that are dropped, and those."""
        for key, found in self.objects(place):
            pack = self._opened(key) if self._has_drops(place, found) else None
            if pack is None or pack.key in self.needed.tasks:
                continue
            values = {
                entry.digest: self.dropped[entry.name, entry.digest]
                for entry in pack.own
                if entry.inline is not None and (entry.name, entry.digest) in self.dropped
            }
            if values:
                own = (replace(it, inline=None) if it.digest in values else it for it in pack.own)
                yield key, replace(pack, own=tuple(own)), values

    # Runs that are there

    def _mark_run(self, place: Place, objects: Iterator[tuple[str, RunObject]], drops: bool) -> None:
        for key, found in objects:
            if found.kind in ("packs", "failed"):
                pack = self._opened(key)
                if pack is not None:
                    self._mark_pack(pack, drops and found.kind == "packs")
            elif found.kind == "reused":
                self._mark_reused(place, drops)
            else:
                self._mark_other(key, found)

    def _mark_reused(self, place: Place, drops: bool) -> None:
        try:
            for _, origin in self._datastore.reused.of_run(*place):
                self._need(origin, drops)
        except wire.WireError as error:
            raise DataException(
                f"What run {place[0]}/{place[1]} takes from other runs cannot be read ({error}), so "
                "nobody knows what may be removed. Delete that run first: `stepwell rm`."
            ) from error

    def _need(self, task: TaskKey, drops: bool) -> None:
        """Keep a task of a deleted run; and the values of a task, for a run that none are dropped of."""
        if _place_of(task) in self._gone or (not drops and _place_of(task) in self._drops):
            self.needed.tasks.add(task)

    def _mark_other(self, key: str, found: RunObject) -> None:
        if found.kind == "checkpoints":
            for digest in self._checkpoints.digests_at(key):
                self.blobs.add(digest)
        elif found.kind.startswith("code."):
            with suppress(ValueError):  # it is damaged, and the code as good as not kept
                self.blobs.add(bytes.fromhex((self._storage.read(key) or b"").decode("ascii")))

    def _mark_pack(self, pack: Pack, drops: bool) -> None:
        """Take all that a pack refers to, but for what is dropped of its run."""
        if pack.origin is not None and _place_of(pack.origin.task) in self._gone:
            self.needed.logs.add(pack.origin.task)
        spares = not drops or pack.key in self.needed.tasks
        for entry in self._entries(pack):
            if entry.home:
                home = TaskKey(pack.key.flow, *entry.home.split("/"))
                if home.run != pack.key.run:
                    self._need(home, drops)
            elif entry.inline is None and (spares or (entry.name, entry.digest) not in self.dropped):
                self.blobs.add(entry.digest)
        try:
            for _, digest in self._datastore.contents.beside_artifacts(pack):
                self.blobs.add(digest)
        except (BlobCorrupted, StepwellDataMissing):
            self.damaged.add(pack.key.pathspec)

    def _entries(self, pack: Pack) -> tuple[ArtifactEntry, ...]:
        try:
            return (*pack.own, *self._datastore.contents.inherited(pack))
        except (BlobCorrupted, StepwellDataMissing):
            self.damaged.add(pack.key.pathspec)
            return pack.own

    def _opened(self, key: str) -> Pack | None:
        data = self._storage.read(key)
        try:
            return None if data is None else open_pack(data, key)
        except BlobCorrupted:
            self.damaged.add(layout.task_of(key))
            return None

    # Values that are dropped

    def _find_dropped(self, place: Place, rules: Sequence[DropRule]) -> None:
        for key, found in self.objects(place):
            pack = self._opened(key) if self._has_drops(place, found) else None
            for entry in () if pack is None else pack.own:
                rule = next((rule for rule in rules if rule.names(found.flow, found.step, entry.name)), None)
                if rule is not None and not entry.home:
                    self.dropped[entry.name, entry.digest] = DroppedValue(rule, entry.size)

    def _has_drops(self, place: Place, found: RunObject) -> bool:
        rules = self._drops.get(place, ())
        return found.kind == "packs" and any(rule.is_of(found.flow, found.step) for rule in rules)

    # Runs that are deleted

    def _close_over_homes(self) -> None:
        """What is needed of a deleted run may itself need what another one has."""
        looked_at: set[TaskKey] = set()
        while waiting := self.needed.tasks - looked_at:
            for task in waiting:
                pack = self._opened(layout.pack_key(task))
                if pack is not None:
                    self._mark_pack(pack, drops=False)
            looked_at |= waiting
        self.needed.runs = frozenset((task.flow, task.run) for task in self.needed.tasks)

    def _mark_rest(self, place: Place) -> None:
        """Take what the rest of a deleted run refers to."""
        for key, found in self.objects(place):
            if self.needed.has(found):
                if found.kind in ("packs", "failed"):
                    pack = self._opened(key)
                    if pack is not None:
                        self._mark_pack(pack, drops=False)
                else:
                    self._mark_other(key, found)


def _place_of(task: TaskKey) -> Place:
    return task.flow, task.run
