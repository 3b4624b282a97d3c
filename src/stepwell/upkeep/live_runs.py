"""Which runs go on at this time, and since when by the storage's clock."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from stepwell.datastore import layout
from stepwell.datastore.datastore import Datastore
from stepwell.datastore.storage import Storage
from stepwell.metadata_store.liveness import effective_state, settle
from stepwell.metadata_store.store import MetadataStore, RunQuery
from stepwell.model.run import RunRecord

ENDING_S = 10.0
"""So long after its end a run may still write down what it refers to."""

CODE_PACKAGE = "code-package"


class Here(Struct, frozen=True):
    """Who asks: the name of this host, and the time by its clock."""

    host: str
    now: float


class AllRuns(Struct):
    """What is found out by looking at every run once.

    Attributes
    ----------
    oldest
        When the first of those that go on has begun, by the storage's clock; None if none goes on.
    resumed
        Flow and id of runs that they were resumed from.
    packages
        Digests of the code packages that runs name.
    """

    oldest: float | None
    resumed: set[tuple[str, str]]
    packages: set[bytes]


def storage_time(storage: Storage) -> float:
    """Return what time it is by the storage's clock."""
    storage.replace(layout.CLOCK, b"")
    return storage.written_at(layout.CLOCK) or 0.0


def runs_of(metadata: MetadataStore, flow: str, here: Here) -> list[RunRecord]:
    """Return the runs of a flow as they are now, the newest first."""
    return [settle(metadata, run, here.now, here.host) for run in metadata.runs(RunQuery(flow=flow))]


def look_at_all(
    datastore: Datastore, metadata: MetadataStore, here: Here, now: float, gone: set[tuple[str, str]]
) -> AllRuns:
    """Look at every run that is not among ``gone``.

    The index is looked at first: whoever begins later is found by his record, or began after ``now``, which
    is the storage's time.
    """
    found = AllRuns(None, set(), set())
    indexed: set[tuple[str, str]] = set()
    for flow in metadata.flows():
        for run in runs_of(metadata, flow, here):
            indexed.add((run.flow, run.run))
            if (run.flow, run.run) not in gone:
                _take(found, datastore, run, is_live=not run.state.finished, now=now)
    for run in _records(datastore):
        if (run.flow, run.run) not in gone:
            # Without the index, a process or a recent sign of life says that it goes on.
            is_live = (run.flow, run.run) not in indexed and not _is_over(run, here)
            _take(found, datastore, run, is_live, now)
    return found


def _records(datastore: Datastore) -> Iterator[RunRecord]:
    return (kept.record for kept in datastore.run_records.all() if kept.record is not None)


def _is_over(run: RunRecord, here: Here) -> bool:
    return effective_state(run, here.now, here.host).finished


def _take(found: AllRuns, datastore: Datastore, run: RunRecord, is_live: bool, now: float) -> None:
    package = run.fields.get(CODE_PACKAGE, "")
    if len(package) == 64:
        found.packages.add(bytes.fromhex(package))
    begun = datastore.run_records.begun_at(run.run)
    ended = datastore.run_records.ended_at(run.run)
    if begun is not None and (is_live or (ended is not None and ended >= now - ENDING_S)):
        found.oldest = begun if found.oldest is None else min(found.oldest, begun)
        if is_live and "origin-run-id" in run.fields:
            found.resumed.add((run.flow, run.fields["origin-run-id"]))
