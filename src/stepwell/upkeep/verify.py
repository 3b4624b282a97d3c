"""Every pack and blob against its hash. Nothing is changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from stepwell.datastore.datastore import Datastore
from stepwell.datastore.layout import task_of
from stepwell.datastore.pack_file import DamagedPack
from stepwell.exceptions import StoreError
from stepwell.model.ids import TaskKey
from stepwell.model.pack import Pack
from stepwell.model.run import RunRecord


class Damage(Struct, frozen=True):
    """Something that is not as it was written.

    Attributes
    ----------
    what
        The artifact or the like, and what is the matter with it.
    place
        Key of the object in the storage.
    task
        Pathspec of a task that needs it; empty if none is known.
    """

    what: str
    place: str
    task: str = ""


class Verified(Struct):
    """How much was looked at."""

    packs: int = 0
    blobs: int = 0


def verify(datastore: Datastore, runs: Iterable[tuple[str, str]] | None, seen: Verified) -> Iterator[Damage]:
    """Yield what is damaged or missing.

    Parameters
    ----------
    runs
        Flow and id of the runs to look at; None looks at all, and at blobs that no run refers to.
    seen
        Counts what was looked at.
    """
    states: dict[bytes, str] = {}
    kept = {(run.flow, run.run): run for run in _records(datastore)}
    for flow, run in kept if runs is None else runs:
        record = kept.get((flow, run))
        for what, digest in _code(datastore, record) if record is not None else ():
            yield from _blob(datastore, digest, f"{what} of run {flow}/{run}", "", states)
        for pack in datastore.packs_of_run(flow, run):
            seen.packs += 1
            if isinstance(pack, DamagedPack):
                yield Damage("the pack is damaged", pack.key, task_of(pack.key))
            else:
                yield from _of_pack(datastore, pack, states)
        yield from _of_checkpoints(datastore, flow, run, states)
        for key, origin in datastore.reused.of_run(flow, run):
            # With all runs, the origin's blobs are looked at for its own sake.
            yield from _of_reused(datastore, key, origin, None if runs is None else states)
    if runs is None:
        for digest in datastore.contents.blobs():
            if digest not in states:
                yield from _blob(datastore, digest, "a blob that no task refers to", "", states)
    seen.blobs = len(states)


def _code(datastore: Datastore, run: RunRecord) -> Iterator[tuple[str, bytes]]:
    """Yield what is kept of the code of a run, in words, and the digest of each."""
    fields = run.fields
    if package := fields.get("code-package"):
        yield "the code", bytes.fromhex(package)
    for version in (fields.get("code-version", ""), *fields.get("earlier-code-versions", "").split(",")):
        digest = datastore.step_codes.digest(run.flow, run.run, version)
        if digest is not None:
            yield "the code of the steps", digest


def _records(datastore: Datastore) -> Iterator[RunRecord]:
    return (kept.record for kept in datastore.run_records.all() if kept.record is not None)


def _of_pack(datastore: Datastore, pack: Pack, states: dict[bytes, str]) -> Iterator[Damage]:
    task = pack.key.pathspec
    try:
        for what, digest in datastore.contents.references(pack):
            yield from _blob(datastore, digest, what, task, states)
    except StoreError as error:
        yield Damage(str(error), pack.key.short, task)


def _of_checkpoints(datastore: Datastore, flow: str, run: str, states: dict[bytes, str]) -> Iterator[Damage]:
    for what, task, digest in datastore.checkpoints().blobs_of_run(flow, run):
        if digest:
            yield from _blob(datastore, digest, what, task, states)
        else:
            yield Damage(f"{what} is damaged", what.rpartition(" ")[2], task)


def _of_reused(
    datastore: Datastore, key: TaskKey, origin: TaskKey, states: dict[bytes, str] | None
) -> Iterator[Damage]:
    """Yield what is the matter with a result that a run takes from another."""
    try:
        pack = datastore.pack(key)
    except StoreError as error:
        yield Damage(str(error), origin.short, key.pathspec)
        return
    if pack is None:
        yield Damage(
            f"its result, which is that of {origin.pathspec}, is missing", origin.short, key.pathspec
        )
    elif states is not None:
        yield from _of_pack(datastore, pack, states)


def _blob(
    datastore: Datastore, digest: bytes, what: str, task: str, states: dict[bytes, str]
) -> Iterator[Damage]:
    """Yield the damage of a blob, if there is any; each is read once."""
    if digest not in states:
        states[digest] = datastore.contents.check_blob(digest)
    if states[digest]:
        yield Damage(f"{what} is {states[digest]}", digest.hex(), task)
