"""The index made anew from the datastore alone. Runs may go on meanwhile, and so may readers."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from stepwell.datastore.datastore import Datastore
from stepwell.datastore.layout import task_of
from stepwell.datastore.pack_file import DamagedPack
from stepwell.datastore.run_records import KeptRun
from stepwell.exceptions import StoreError
from stepwell.metadata_store.store import MetadataStore
from stepwell.model.ids import PARAMETERS_STEP, TaskKey
from stepwell.model.pack import Pack
from stepwell.model.run import RunRecord, TaskRecord
from stepwell.model.states import RunState, TaskState
from stepwell.model.task import TaskRef
from stepwell.model.task_record import as_reused, record_of
from stepwell.upkeep.replaced import replaced_tasks

_AT_ONCE = 1000
_REPLACED = "It was made again when the run was continued."


class Reindexed(Struct, frozen=True):
    """What came of it.

    Attributes
    ----------
    damaged
        What could not be read, one line each.
    """

    runs: int
    tasks: int
    damaged: tuple[str, ...]


def reindex(datastore: Datastore, metadata: MetadataStore) -> Reindexed:
    """Put every run and task of the datastore into the index; what it has besides stays.

    A run that the datastore knows only from its start is put in as running: whoever reads it finds out
    whether it still is. One that the index has already is left as it is there.
    """
    damaged: list[str] = []
    runs = tasks = 0
    for kept in datastore.run_records.all():
        if kept.record is None:
            damaged.append(f"{kept.key}: the run's record cannot be read")
            continue
        runs += 1
        run = kept.record
        if kept.ended or metadata.run(run.flow, run.run) is None:
            metadata.save_run(run)
        batch: list[TaskRecord] = []
        for record in _tasks(datastore, run, damaged):
            if _knows_more(metadata, kept, record):
                tasks += 1
                continue
            if run.state is RunState.PENDING and record.step != PARAMETERS_STEP:
                # The datastore knows how a run began and how it ended; its tasks know that it goes on.
                run = replace(run, state=RunState.RUNNING)
                metadata.replace_run(kept.record, run)
            batch.append(record)
            if len(batch) >= _AT_ONCE:
                metadata.save_tasks(batch)
                batch.clear()
            tasks += 1
        metadata.save_tasks(batch)
    return Reindexed(runs, tasks, tuple(damaged))


def _tasks(datastore: Datastore, run: RunRecord, damaged: list[str]) -> Iterator[TaskRecord]:
    """Yield each task once: the attempt that succeeded, else the last that failed; and the reused ones."""
    replaced = replaced_tasks(datastore, run)
    succeeded: set[tuple[str, str]] = set()
    failed: dict[tuple[str, str], Pack] = {}
    for pack in datastore.packs_of_run(run.flow, run.run):
        if isinstance(pack, DamagedPack):
            damaged.append(f"{task_of(pack.key)}: the pack is damaged ({pack.key})")
            continue
        place = (pack.key.step, pack.key.task)
        if pack.outcome.ok:
            succeeded.add(place)
            record = _described(pack, run)
            holds = TaskRef(*place) not in replaced
            yield record if holds else replace(record, state=TaskState.LOST, error=_REPLACED)
        elif place not in succeeded and (place not in failed or failed[place].attempt < pack.attempt):
            failed[place] = pack
    yield from (_described(pack, run) for pack in failed.values())
    for key, origin in datastore.reused.of_run(run.flow, run.run):
        if (key.step, key.task) not in succeeded:  # else its result was lost, and it was made again
            yield from _reused(datastore, run, origin, damaged)


def _reused(
    datastore: Datastore, run: RunRecord, origin: TaskKey, damaged: list[str]
) -> Iterator[TaskRecord]:
    try:
        pack = datastore.pack(origin)
    except StoreError as error:
        damaged.append(str(error))
        return
    if pack is None:
        damaged.append(f"{origin.pathspec}: it is reused by run {run.run}, and is gone")
    else:
        yield as_reused(record_of(pack, pack.fields.get("host", "")), run.run)


def _knows_more(metadata: MetadataStore, kept: KeptRun, record: TaskRecord) -> bool:
    """Whether the index may know of a later attempt of a task that has failed so far."""
    if kept.ended or record.state is not TaskState.FAILED:
        return False
    return metadata.task(record.flow, record.run, record.step, record.task) is not None


def _described(pack: Pack, run: RunRecord) -> TaskRecord:
    record = record_of(pack, run.host, run.by_scheduler)
    if pack.key.step != PARAMETERS_STEP:
        return record
    ends = {name: run.fields[name] for name in ("start_step", "end_step") if name in run.fields}
    return replace(record, host="", exit_code=None, fields=ends)
