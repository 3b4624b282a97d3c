"""Which runs go on at this time, and since when by the storage's clock."""

from __future__ import annotations

import math
from collections.abc import Set

from msgspec import Struct

from stepwell.datastore import layout
from stepwell.datastore.datastore import Datastore
from stepwell.datastore.storage import Storage
from stepwell.metadata_store.liveness import effective_state, process_started, settle
from stepwell.metadata_store.store import MetadataStore, RunQuery
from stepwell.model.run import RunRecord

ENDING_S = 10.0
"""So long after its end a run may still write down what it refers to."""

CODE_PACKAGE = "code-package"
_HEXADECIMAL = 64


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


def is_ending(run: RunRecord, here: Here) -> bool:
    """Whether a run has ended just now, and its process may still have a last word to write down."""
    if run.finished_at is None or here.now - run.finished_at > ENDING_S or run.host != here.host:
        return False
    return bool(run.pid_started) and process_started(run.pid) == run.pid_started


def look_at_all(
    datastore: Datastore, metadata: MetadataStore, here: Here, since: float, gone: Set[tuple[str, str]]
) -> AllRuns:
    """Look at every run that is not among ``gone``.

    The index is looked at first: whoever begins later is found by his record, or began after this was called.

    Parameters
    ----------
    since
        A time by the storage's clock: who has ended later may still have a last word to write down.
    """
    found = AllRuns(None, set(), set())
    indexed: set[tuple[str, str]] = set()
    for flow in metadata.flows():
        for run in runs_of(metadata, flow, here):
            indexed.add((run.flow, run.run))
            if (run.flow, run.run) not in gone:
                _take(found, datastore, run, not run.state.finished, since)
    for kept in datastore.run_records.all():
        run = kept.record
        if run is not None and (run.flow, run.run) not in gone:
            # Without the index, a process or a recent sign of life says that it goes on.
            is_over = (run.flow, run.run) in indexed or effective_state(run, here.now, here.host).finished
            _take(found, datastore, run, not is_over, since)
    return found


def _take(found: AllRuns, datastore: Datastore, run: RunRecord, is_live: bool, since: float) -> None:
    package = run.fields.get(CODE_PACKAGE, "")
    if len(package) == _HEXADECIMAL:
        found.packages.add(bytes.fromhex(package))
    ended = datastore.run_records.ended_at(run.run)
    if is_live and "origin-run-id" in run.fields:
        found.resumed.add((run.flow, run.fields["origin-run-id"]))
    if is_live or (ended is not None and ended >= since):
        begun = datastore.run_records.begun_at(run.run)
        found.oldest = min(
            math.inf if found.oldest is None else found.oldest, -math.inf if begun is None else begun
        )
