"""The façade over one storage: artifacts, packs, foreach items, logs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

from stepwell.datastore import foreach_items, format, layout, unstorable
from stepwell.datastore.blobs import Blobs, Verify, digest_of
from stepwell.datastore.contents import Contents
from stepwell.datastore.execution_plans import ExecutionPlans
from stepwell.datastore.logs import Logs
from stepwell.datastore.pack_file import DamagedPack, is_whole, open_pack, pack_bytes
from stepwell.datastore.preview import preview, type_name
from stepwell.datastore.remedies import RESULT_LOST
from stepwell.datastore.reused_tasks import ReusedTasks
from stepwell.datastore.run_records import RunRecords
from stepwell.datastore.serializers import SerializerFailed, Serializers
from stepwell.datastore.step_codes import StepCodes
from stepwell.datastore.storage import Buffer, Storage
from stepwell.datastore.unchanged import Mappings, head_of
from stepwell.exceptions import AlreadyCommitted, StepwellDataMissing, StoreError
from stepwell.model import wire
from stepwell.model.artifact import ArtifactEntry, ItemsRef
from stepwell.model.ids import TaskKey
from stepwell.model.pack import Pack
from stepwell.model.task import TaskRef

if TYPE_CHECKING:
    from stepwell.datastore.cached_results import CachedResults
    from stepwell.datastore.cards import Cards
    from stepwell.datastore.checkpoints import Checkpoints

INLINE_LIMIT = 16 * 1024
INHERITED_IN_PACK = 64

_IMMUTABLE = frozenset((type(None), bool, int, float, complex, str, bytes))
_COMPARED_UP_TO = 64 * 1024 * 1024
_PACKS_KEPT = 16


class Datastore:
    """Keeps what tasks make. Making one touches nothing; `open` prepares the storage first.

    Parameters
    ----------
    storage
        Where the objects lie.
    verify
        When a blob's hash is checked on reading: ``always``, ``new`` or ``never``.
    serializers
        What writes and reads values; pickle alone unless given.
    """

    def __init__(
        self, storage: Storage, verify: Verify = "new", serializers: Serializers | None = None
    ) -> None:
        self._storage = storage
        self._serializers = serializers or Serializers()
        self._blobs = Blobs(storage, verify)
        self._mappings = Mappings()
        self._homes: dict[tuple[str, str], Pack] = {}
        self._small: dict[bytes, bytes] = {}
        self.reused: ReusedTasks = ReusedTasks(storage)
        self.logs: Logs = Logs(storage, self.ran_as)
        self.run_records: RunRecords = RunRecords(storage)
        self.step_codes: StepCodes = StepCodes(storage, self._blobs)
        self.plans: ExecutionPlans = ExecutionPlans(storage)
        self.contents: Contents = Contents(storage, self._blobs)

    @classmethod
    def open(
        cls, storage: Storage, verify: Verify = "new", serializers: Serializers | None = None
    ) -> Datastore:
        """Make the storage a datastore, or check that it is one, and return it.

        Raises
        ------
        StoreFormatError
            It was made by a newer version, or is no datastore.
        """
        format.prepare(storage)
        return cls(storage, verify, serializers)

    @cached_property
    def cached(self) -> CachedResults:
        """Results that can be taken again."""
        from stepwell.datastore.cached_results import CachedResults  # few flows have cached steps

        return CachedResults(self._storage)

    @property
    def location(self) -> str:
        """Where it is, for people."""
        return self._storage.location

    def sync(self) -> None:
        """Return once everything written so far survives a power cut."""
        self._storage.sync()

    def save(self, name: str, value: object) -> ArtifactEntry:
        """Store a value under a name; readers see it when the pack that holds the entry is sealed.

        Raises
        ------
        Unstorable
            The value cannot be serialized; its ``offender`` says which part and what to do.
        """
        serializer, pieces, size = self._dump(name, value)
        return self._store(name, value, serializer, pieces, size)

    def load(self, flow: str, entry: ArtifactEntry) -> object:
        """Return the value of an entry, private to the caller.

        Raises
        ------
        BlobCorrupted, StepwellDataMissing, UntrustedData, DataException
        """
        data = self.stored(flow, entry)
        return self._serializers.load(
            entry.serializer, data, lambda: f"The artifact {entry.name!r} ({entry.type})"
        )

    def stored(self, flow: str, entry: ArtifactEntry) -> memoryview:
        """Return the serialized bytes of an entry, private to the caller; nothing is loaded.

        Raises
        ------
        BlobCorrupted, StepwellDataMissing
        """
        if entry.inline is not None:
            return self._remembered(entry.digest, entry.inline)
        if entry.home:
            return self._remembered(entry.digest, self._from_home(flow, entry))
        view = self._blobs.get(
            entry.digest, entry.size, lambda: f"The artifact {entry.name!r} of flow {flow}"
        )
        self._mappings.remember(entry.digest, view)
        return view

    def resave(self, name: str, value: object, before: ArtifactEntry, loaded: object) -> ArtifactEntry:
        """Store what became of an artifact; return ``before`` itself if it is unchanged.

        Parameters
        ----------
        loaded
            What loading ``before`` gave in this process.
        """
        if value is loaded and type(value) in _IMMUTABLE:
            return before
        serializer, pieces, size = self._dump(name, value)
        if serializer == before.serializer and self._unchanged(before, pieces, size):
            return before
        entry = self._store(name, value, serializer, pieces, size)
        return before if (entry.digest, serializer) == (before.digest, before.serializer) else entry

    def save_file(self, content: bytes) -> str:
        """Keep a file that is no artifact, once for each content; return its name in hexadecimal digits."""
        return self._blobs.put([content], len(content)).hex()

    def load_file(self, name: str, what: str) -> bytes:
        """Return what `save_file` kept.

        Parameters
        ----------
        what
            What it is, for the error.

        Raises
        ------
        BlobCorrupted, StepwellDataMissing
        """
        return bytes(self._blobs.get(bytes.fromhex(name), -1, lambda: what))

    def checkpoints(self) -> Checkpoints:
        """Return the checkpoints that tasks have saved."""
        from stepwell.datastore.checkpoints import Checkpoints  # few steps save any

        return Checkpoints(self._storage, self._blobs, self.reused)

    def cards(self) -> Cards:
        """Return the cards of tasks."""
        from stepwell.datastore.cards import Cards  # few steps have any

        return Cards(self._storage, self.ran_as)

    def seal(self, pack: Pack) -> None:
        """Commit a task: from here on it has succeeded.

        Raises
        ------
        AlreadyCommitted
            Another attempt was first; nothing has changed.
        """
        key = layout.pack_key(pack.key)
        data = pack_bytes(pack)
        if self._storage.write(key, [data]):
            if pack.gang is not None:  # what it had prepared
                self._storage.delete([layout.failure_key(pack.key, pack.attempt)])
            return
        found = self._storage.read(key)
        if found is not None and not is_whole(found):
            self._storage.delete([key])
            if self._storage.write(key, [data]):
                return
        raise AlreadyCommitted(
            f"Another attempt of {pack.key.pathspec} has finished before attempt {pack.attempt}."
        )

    def seal_failure(self, pack: Pack) -> None:
        """Keep what a failed attempt left, for inspection. The same attempt again replaces it."""
        self._storage.replace(layout.failure_key(pack.key, pack.attempt), pack_bytes(pack))

    def pack(self, key: TaskKey, attempt: int | None = None) -> Pack | None:
        """Return the pack of the attempt that succeeded, or None; for another attempt its failure pack.

        The pack of a reused task is that of the run which it is taken from.
        """
        found = self._pack_at(layout.pack_key(key), key)
        if found is None and (origin := self.reused.origin_of(key)) is not None:
            key, found = origin, self._pack_at(layout.pack_key(origin), origin)
        if attempt is None or (found is not None and found.attempt == attempt):
            return found
        return self._pack_at(layout.failure_key(key, attempt), key)

    def packs(self, flow: str, run: str, refs: Sequence[TaskRef]) -> Iterator[Pack]:
        """Yield the packs of succeeded tasks, in the order of ``refs``, one at a time.

        Raises
        ------
        StepwellDataMissing
            A task has no pack.
        """
        for ref in refs:
            yield self._pack_of(TaskKey(flow, run, ref.step, ref.task))

    def ran_as(self, key: TaskKey, attempt: int) -> tuple[TaskKey, int] | None:
        """Return the attempt whose result a reused or cached task has; None if it has its own."""
        origin = self.reused.origin_of(key)
        if origin is not None:
            return origin, attempt
        pack = self._pack_at(layout.pack_key(key), key)
        if pack is None or pack.origin is None or pack.attempt != attempt:
            return None
        return pack.origin.task, pack.origin.attempt

    def failures(self, key: TaskKey) -> list[Pack]:
        """Return the packs of the task's failed attempts, first attempt first."""
        key = self.reused.origin_of(key) or key
        found = (self._pack_at(name, key) for name in self._storage.list(layout.failures_folder(key)))
        return sorted((pack for pack in found if pack is not None), key=lambda pack: pack.attempt)

    def packs_of_run(self, flow: str, run: str) -> Iterator[Pack | DamagedPack]:
        """Yield what every task of a run left, failed attempts last. For tools: it reads all of it."""
        folder = layout.run_folder(flow, run)
        for name in chain(self._storage.list(f"{folder}/packs"), self._storage.list(f"{folder}/failed")):
            data = self._storage.read(name)
            try:
                found = None if data is None else open_pack(data, name)
            except StoreError:
                yield DamagedPack(name)
            else:
                if found is not None:
                    yield found

    def visible(self, pack: Pack) -> dict[str, ArtifactEntry]:
        """Return, by name, the entries that a child of the task inherits."""
        entries = {entry.name: entry for entry in self.contents.inherited(pack)}
        home = pack.key.short
        for own in pack.own:
            entries[own.name] = ArtifactEntry(
                own.name, own.digest, own.size, own.serializer, own.type, "", None,
                home if own.inline is not None else "",
            )  # fmt: skip
        return entries

    def with_inherited(self, entries: Iterable[ArtifactEntry]) -> tuple[tuple[ArtifactEntry, ...], bytes]:
        """Return ``inherited`` and ``inherited_blob`` for a pack: many entries are kept apart, and shared."""
        kept = tuple(sorted(entries, key=lambda entry: entry.name))
        if len(kept) <= INHERITED_IN_PACK:
            return kept, b""
        data = wire.encode(kept)
        return (), self._blobs.put([data], len(data))

    def save_items(self, items: Iterable[object]) -> tuple[ItemsRef, bytes, tuple[str, ...]]:
        """Store the items of a foreach, taking each once.

        Returns
        -------
        tuple[ItemsRef, bytes, tuple[str, ...]]
            ``items`` and ``item_table`` of the pack, and the labels of the first items.

        Raises
        ------
        Unstorable
            An item cannot be serialized. What the iterable itself raises comes through.
        """
        table = foreach_items.build(items, self._dump, self._blobs.put)
        if table.size <= foreach_items.TABLE_INLINE:
            return ItemsRef(table.items), b"".join(table.pieces), table.labels
        return ItemsRef(table.items, self._blobs.put(table.pieces, table.size)), b"", table.labels

    def load_item(self, pack: Pack, index: int) -> object:
        """Return one item of the foreach that the task of ``pack`` opened; nothing else of it is read.

        Raises
        ------
        IndexError
            There is no such item.
        BlobCorrupted, StepwellDataMissing, UntrustedData, DataException
        """
        serializer, data, is_digest = foreach_items.record(self._storage, pack, index)

        def describe() -> str:
            return f"Item {index} of {pack.key.pathspec}"

        view = self._blobs.get(data, -1, describe) if is_digest else memoryview(bytearray(data))
        return self._serializers.load(serializer, view, describe)

    def _dump(self, name: str, value: object) -> tuple[str, Sequence[Buffer], int]:
        try:
            serializer, pieces = self._serializers.dump(value)
        except SerializerFailed as error:
            raise unstorable.Unstorable(unstorable.failed(name, value, error.label, str(error))) from error
        except Exception as error:
            raise unstorable.Unstorable(unstorable.find(name, value, error)) from error
        size = len(pieces[0]) if len(pieces) == 1 else sum(memoryview(piece).nbytes for piece in pieces)
        return serializer, pieces, size

    def _store(
        self, name: str, value: object, serializer: str, pieces: Sequence[Buffer], size: int
    ) -> ArtifactEntry:
        inline = None
        if size <= INLINE_LIMIT:
            inline = b"".join(pieces)
            digest = digest_of([inline])
        else:
            digest = self._blobs.put(pieces, size)
        return ArtifactEntry(name, digest, size, serializer, type_name(value), preview(value), inline)

    def _remembered(self, digest: bytes, data: bytes) -> memoryview:
        """`resave` compares with the bytes of small values; they are kept, up to a few megabytes of them."""
        if len(self._small) >= 256:
            del self._small[next(iter(self._small))]
        self._small[digest] = data
        return memoryview(bytearray(data))

    def _from_home(self, flow: str, entry: ArtifactEntry) -> bytes:
        pack = self._homes.get((flow, entry.home))
        if pack is None:
            pack = self._pack_of(TaskKey(flow, *entry.home.split("/")))
            if len(self._homes) >= _PACKS_KEPT:
                del self._homes[next(iter(self._homes))]
            self._homes[flow, entry.home] = pack
        for own in pack.own:
            if own.digest == entry.digest and own.inline is not None:
                return own.inline
        from stepwell.datastore.dropped import dropped_of  # few values are missing

        dropped = dropped_of(self._storage, entry.digest)
        why = "it is not in the pack of the task." if dropped is None else dropped
        raise StepwellDataMissing(f"The artifact {entry.name!r} of {pack.key.pathspec} cannot be read: {why}")

    def _unchanged(self, before: ArtifactEntry, pieces: Sequence[Buffer], size: int) -> bool:
        mapped = self._mappings.unwritten(before.digest, pieces)
        if not mapped and size == before.size and digest_of(pieces) == before.digest:
            return True
        if not mapped and (size > _COMPARED_UP_TO or pieces[0][:4] == b"SWB1"):
            return False
        # Equal values may pickle to other bytes than they were loaded from (shared strings, order of sets);
        # what has not changed pickles like a copy that was loaded just now.
        small = self._small.get(before.digest)
        if small is None:
            if before.inline is not None or before.home:
                return False
            view = self._blobs.get(before.digest, before.size, lambda: f"the artifact {before.name!r}")
        else:
            view = memoryview(bytearray(small))
        loaded = self._serializers.load(before.serializer, view, lambda: f"The artifact {before.name!r}")
        fresh = self._serializers.dump(loaded)[1]
        if mapped:
            return head_of(fresh) == head_of(pieces)
        return digest_of(fresh) == digest_of(pieces)

    def _pack_of(self, key: TaskKey) -> Pack:
        found = self.pack(key)
        if found is None:
            raise StepwellDataMissing(
                f"The task {key.pathspec} has no results in {self.location}. {RESULT_LOST}"
            )
        return found

    def _pack_at(self, name: str, key: TaskKey) -> Pack | None:
        data = self._storage.read(name)
        return None if data is None else open_pack(data, key.pathspec)
