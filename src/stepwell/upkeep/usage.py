"""How many bytes are whose: as written, as stored, and as deleting would free them."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from contextlib import suppress

from msgspec import Struct

from stepwell.datastore import layout
from stepwell.datastore.datastore import Datastore
from stepwell.datastore.layout import RunObject
from stepwell.datastore.pack_file import open_pack
from stepwell.exceptions import BlobCorrupted, StepwellDataMissing
from stepwell.model.pack import Pack
from stepwell.model.run import RunRecord
from stepwell.upkeep.live_runs import CODE_PACKAGE
from stepwell.upkeep.references import Place, objects_by_run

ARTIFACTS, PACKS, LOGS, CODE, CHECKPOINTS = "artifacts", "packs", "logs", "code", "checkpoints"
DELETED = "deleted runs that others need"
_KINDS = {"packs": PACKS, "failed": PACKS, "logs": LOGS, "checkpoints": CHECKPOINTS, "cards": "cards"}

Sizes = dict[bytes, int]


class Row(Struct, kw_only=True):
    """Bytes of one thing.

    Attributes
    ----------
    logical
        As if nothing were shared: each value counts for each task that has made or taken it.
    stored
        On disk; a value that others have as well counts in full.
    reclaimable
        What would be freed if this alone were deleted.
    """

    name: str
    logical: int = 0
    stored: int = 0
    reclaimable: int = 0


class Usage(Struct, frozen=True):
    """Bytes by what one asks for.

    Attributes
    ----------
    by
        Rows of each grouping, by its name; those that free most come first.
    total
        All of what was asked for.
    unreferenced
        What nothing refers to, of the whole datastore.
    """

    by: dict[str, list[Row]]
    total: Row
    unreferenced: int


class _Part(Struct, frozen=True):
    """Whose bytes are counted."""

    flow: str
    run: str
    kind: str
    step: str = ""
    artifact: str = ""


Naming = Callable[[_Part], str]
"""Says which row of a grouping a part belongs to; empty if to none."""


def groupings(flow: str, run: str, is_there: Callable[[str], bool]) -> dict[str, Naming]:
    """Return the groupings of a datastore, of a flow or of a run; a run may be deleted, and needed yet."""

    def within(name: Naming) -> Naming:
        return lambda part: name(part) if _is(flow, part.flow) and _is(run, part.run) else ""

    kinds = {"kind": within(lambda part: part.kind)}
    if run:
        return {
            "step": within(lambda part: part.step),
            "artifact": within(lambda part: f"{part.step}/{part.artifact}" if part.artifact else ""),
            **kinds,
        }
    if flow:
        runs = within(lambda part: f"{part.flow}/{part.run}" if is_there(part.run) else DELETED)
        return {"run": runs, **kinds}
    return {"flow": within(lambda part: part.flow), **kinds}


def _whole(flow: str, run: str) -> Naming:
    return lambda part: "total" if _is(flow, part.flow) and _is(run, part.run) else ""


def _is(wanted: str, found: str) -> bool:
    return wanted in ("", found)


class _Grouping:
    """The rows of one grouping, while they are counted."""

    def __init__(self, name: Naming) -> None:
        self.name = name
        self._rows: dict[str, Row] = {}
        self._holder: dict[bytes, str | None] = {}
        self._held: set[tuple[str, bytes]] = set()

    @property
    def referred(self) -> Container[bytes]:
        """The values that anything refers to."""
        return self._holder

    def row(self, name: str) -> Row:
        return self._rows.setdefault(name, Row(name=name))

    def refer(self, name: str, digest: bytes, size: int) -> None:
        """Count a value that something of this row refers to; without a row it is somebody else who does."""
        if name:
            self.row(name).logical += size
            self._held.add((name, digest))
        if self._holder.setdefault(digest, name) != name:
            self._holder[digest] = None

    def own(self, name: str, size: int, is_free: bool) -> None:
        """Count bytes that belong to this row alone, and would go with it if nobody needs them."""
        if name:
            row = self.row(name)
            row.logical += size
            row.stored += size
            row.reclaimable += size if is_free else 0

    def rows(self, sizes: Sizes) -> list[Row]:
        for name, digest in self._held:
            size = sizes.get(digest, 0)
            self.row(name).stored += size
            self.row(name).reclaimable += size if self._holder[digest] == name else 0
        return sorted(self._rows.values(), key=lambda row: (-row.reclaimable, -row.stored, row.name))


class UsageCount:
    """Counts the bytes of a datastore.

    Parameters
    ----------
    flow, run
        What is asked for; empty is all.
    """

    def __init__(self, datastore: Datastore, flow: str = "", run: str = "") -> None:
        self._datastore = datastore
        self._storage = datastore.contents.storage
        self._checkpoints = datastore.checkpoints()
        named = {**groupings(flow, run, self._is_there), "total": _whole(flow, run)}
        self._groups = {name: _Grouping(naming) for name, naming in named.items()}
        self._taken: set[str] = set()
        self._there: dict[str, bool] = {}
        self._sizes: Sizes = {}

    def count(self, runs: Iterable[RunRecord]) -> Usage:
        """Look at everything.

        Parameters
        ----------
        runs
            All that the index has, for their code.
        """
        for digest in self._datastore.contents.blobs():
            self._sizes[digest] = self._storage.size(layout.blob_key(digest)) or 0
        for place, objects in objects_by_run(self._storage):
            for _, found in objects:
                if found.kind == "reused":
                    self._count_taken(place)
        for place, objects in objects_by_run(self._storage):
            for key, found in objects:
                self._count_object(place, key, found)
        for run in runs:
            package = run.fields.get(CODE_PACKAGE, "")
            if len(package) == 64:
                self._refer(_Part(run.flow, run.run, CODE), bytes.fromhex(package))
        return self._usage()

    def _usage(self) -> Usage:
        by = {name: group.rows(self._sizes) for name, group in self._groups.items()}
        total = next(iter(by.pop("total")), Row(name="total"))
        referred = self._groups["total"].referred
        return Usage(by, total, sum(size for digest, size in self._sizes.items() if digest not in referred))

    def _count_taken(self, place: Place) -> None:
        """Count what a run has taken over from others for it as well: with them alone it does not go."""
        for _, origin in self._datastore.reused.of_run(*place):
            key = layout.pack_key(origin)
            self._taken.add(f"{layout.run_folder(origin.flow, origin.run)} {origin.step} {origin.task}")
            pack = self._opened(key)
            if pack is not None:
                self._count_values(pack, place)

    def _count_object(self, place: Place, key: str, found: RunObject) -> None:
        size = self._storage.size(key) or 0
        kind = _KINDS.get(found.kind, PACKS)
        is_free = f"{layout.run_folder(*place)} {found.step} {found.task}" not in self._taken
        part = _Part(*place, kind, found.step)
        if found.kind in ("packs", "failed"):
            pack = self._opened(key)
            if pack is not None:
                size -= self._count_inline(pack, place, is_free)
                self._count_values(pack, place)
        elif found.kind == "checkpoints":
            for digest in self._checkpoints.digests_at(key):
                self._refer(part, digest)
        elif found.kind.startswith("code."):
            part = _Part(*place, CODE)
            with suppress(ValueError):
                self._refer(part, bytes.fromhex((self._storage.read(key) or b"").decode("ascii")))
        for group in self._groups.values():
            group.own(group.name(part), max(0, size), is_free)

    def _count_inline(self, pack: Pack, place: Place, is_free: bool) -> int:
        """Count the small values that lie in a pack; return their bytes."""
        whole = 0
        for entry in pack.own:
            if entry.inline is not None:
                whole += len(entry.inline)
                part = _Part(*place, ARTIFACTS, pack.key.step, entry.name)
                for group in self._groups.values():
                    group.own(group.name(part), len(entry.inline), is_free)
        return whole

    def _count_values(self, pack: Pack, place: Place) -> None:
        for entry in pack.own:
            if entry.inline is None and not entry.home:
                part = _Part(*place, ARTIFACTS, pack.key.step, entry.name)
                self._refer(part, entry.digest, entry.size)
        with suppress(BlobCorrupted, StepwellDataMissing):
            for _, digest in self._datastore.contents.beside_artifacts(pack):
                self._refer(_Part(*place, ARTIFACTS, pack.key.step), digest)

    def _refer(self, part: _Part, digest: bytes, size: int | None = None) -> None:
        logical = self._sizes.get(digest, 0) if size is None else size
        for group in self._groups.values():
            group.refer(group.name(part), digest, logical)

    def _is_there(self, run: str) -> bool:
        if run not in self._there:
            self._there[run] = self._datastore.run_records.deleted_at(run) is None
        return self._there[run]

    def _opened(self, key: str) -> Pack | None:
        data = self._storage.read(key)
        try:
            return None if data is None else open_pack(data, key)
        except BlobCorrupted:
            return None  # its own bytes are counted
