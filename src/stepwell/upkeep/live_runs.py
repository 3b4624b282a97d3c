"""Which runs go on at this time, and since when by the storage's clock."""

from __future__ import annotations

import math
from collections.abc import Set

from msgspec import Struct, field

from stepwell.datastore import layout
from stepwell.datastore.datastore import Datastore
from stepwell.datastore.run_records import KeptRun
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
    unknown
        Runs that the index does not have, so that they may go on.
    """

    oldest: float | None = None
    resumed: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    packages: set[bytes] = field(default_factory=set[bytes])
    unknown: list[RunRecord] = field(default_factory=list[RunRecord])


def storage_time(storage: Storage) -> float:
    """Return what time it is by the storage's clock."""
    storage.replace(layout.CLOCK, b"")
    return storage.written_at(layout.CLOCK) or 0.0


def lies_in(run: RunRecord, datastore: Datastore) -> bool:
    """Whether the results of a run are in a datastore: several may share one index."""
    if datastore.run_records.begun_at(run.run) is not None:
        return True
    return run.fields.get("ds-root", datastore.location) == datastore.location


def runs_of(datastore: Datastore, metadata: MetadataStore, flow: str, here: Here) -> list[RunRecord]:
    """Return the runs of a flow whose results are in the datastore, as they are now, the newest first."""
    found = (run for run in metadata.runs(RunQuery(flow=flow)) if lies_in(run, datastore))
    return [settle(metadata, run, here.now, here.host) for run in found]


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
    found = AllRuns()
    indexed: set[tuple[str, str]] = set()
    for flow in metadata.flows():
        for run in runs_of(datastore, metadata, flow, here):
            indexed.add((run.flow, run.run))
            if (run.flow, run.run) not in gone:
                _take(found, datastore, run, not run.state.finished, since)
    for kept in datastore.run_records.all():
        run = kept.record
        if run is not None and (run.flow, run.run) not in gone:
            is_unknown = (run.flow, run.run) not in indexed and _may_go_on(kept, run, here)
            found.unknown += [run] if is_unknown else []
            _take(found, datastore, run, is_unknown, since)
    return found


def _may_go_on(kept: KeptRun, run: RunRecord, here: Here) -> bool:
    """Whether a run that the index does not have may go on: it has no end, and is not seen to be dead."""
    if kept.ended or run.state.finished:
        return False
    is_here = run.host == here.host and run.pid_started
    return not is_here or not effective_state(run, here.now, here.host).finished


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
