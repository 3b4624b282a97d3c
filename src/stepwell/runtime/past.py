"""What tasks of a run came to, from their packs and from the index: what another execution goes on from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from stepwell.datastore.datastore import Datastore
from stepwell.exceptions import BlobCorrupted
from stepwell.metadata_store.store import MetadataStore, TaskQuery
from stepwell.model.ids import PARAMETERS_STEP
from stepwell.model.pack import Pack
from stepwell.model.run import TaskRecord
from stepwell.model.states import TaskState
from stepwell.model.task import TaskRef
from stepwell.model.task_record import record_of
from stepwell.scheduling.earlier import SINGLE, PastTask, inputs_of

_FOREACH = "foreach"
_SUCCEEDED = (TaskState.SUCCEEDED, TaskState.REUSED)
_Place = tuple[str, str]


class Past(Struct, frozen=True):
    """The tasks of a run.

    Attributes
    ----------
    succeeded
        As their packs say, which is the truth.
    unfinished
        Tasks that were launched and have not succeeded.
    records
        Of those that succeeded, by step and id; ``run`` is where their packs lie.
    last_id
        No task has a higher id.
    lost
        Tasks that had succeeded, as the index has them, whose results are damaged or gone.
    """

    succeeded: Sequence[PastTask]
    unfinished: Sequence[PastTask]
    records: Mapping[tuple[str, int], TaskRecord]
    last_id: int
    lost: Sequence[TaskRecord] = ()


def past_of(datastore: Datastore, metadata: MetadataStore, flow: str, run: str) -> Past:
    """Read what became of every task of a run. Damaged packs count as not there: they are made again."""
    good: dict[_Place, Pack] = {}
    bad: dict[_Place, Pack] = {}
    for pack in _packs(datastore, flow, run):
        place = (pack.key.step, pack.key.task)
        if pack.outcome.ok:
            good[place] = pack
        elif place not in bad or bad[place].attempt < pack.attempt:
            bad[place] = pack
    indexed = {
        (record.step, record.task): record
        for record in metadata.tasks(TaskQuery(flow=flow, run=run, ascending=True))
        if record.task.isdecimal() and record.step != PARAMETERS_STEP
    }
    lost = [record for place, record in indexed.items() if place not in good and record.state in _SUCCEEDED]
    return Past(
        succeeded=[_past_task(pack, good) for pack in good.values()],
        unfinished=list(_unfinished(good, bad, indexed)),
        records={
            (step, int(task)): _record(pack, indexed.get((step, task))) for (step, task), pack in good.items()
        },
        last_id=max((int(task) for _, task in (*good, *bad, *indexed)), default=0),
        lost=lost,
    )


def _packs(datastore: Datastore, flow: str, run: str) -> Iterator[Pack]:
    """Yield what every task left that a later execution can find by its place, reused ones among them."""
    for found in datastore.packs_of_run(flow, run):
        if isinstance(found, Pack) and found.key.task.isdecimal() and found.key.step != PARAMETERS_STEP:
            yield found
    for _, origin in datastore.reused.of_run(flow, run):
        try:
            pack = datastore.pack(origin)
        except BlobCorrupted:
            continue
        if pack is not None:
            yield pack


def _past_task(pack: Pack, good: Mapping[_Place, Pack]) -> PastTask:
    """Return a task in its place: after the task that opened its split if it is a join, else its parent."""
    before = pack.split or pack.parents[0]
    opener = good.get((before.step, before.task))
    is_child = pack.split is None and _opens_foreach(opener)
    return PastTask(
        step=pack.key.step,
        task=int(pack.key.task),
        after=int(before.task),
        index=pack.frames[-1].index if is_child and pack.frames else SINGLE,
        transition=pack.outcome.transition if pack.outcome.ok else None,
        attempt=pack.attempt + 1,
        lost=tuple((lost.index, lost.task.step, int(lost.task.task)) for lost in pack.lost),
        inputs=_inputs_of(pack),
    )


def _inputs_of(pack: Pack | None) -> int:
    if pack is None or pack.split is None:
        return 0
    return inputs_of(int(parent.task) for parent in pack.parents)


def _record(pack: Pack, indexed: TaskRecord | None) -> TaskRecord:
    """Return what the index knows of a task that succeeded, which is more than its pack does."""
    if indexed is None or indexed.state not in _SUCCEEDED or indexed.attempt != pack.attempt:
        return record_of(pack)
    return replace(indexed, run=pack.key.run, state=TaskState.SUCCEEDED)


def _opens_foreach(pack: Pack | None) -> bool:
    taken = None if pack is None else pack.outcome.transition
    return taken is not None and taken.kind == _FOREACH


def _unfinished(
    good: Mapping[_Place, Pack], bad: Mapping[_Place, Pack], indexed: Mapping[_Place, TaskRecord]
) -> Iterator[PastTask]:
    """Yield the tasks to be tried again under their ids: what is known of their last attempt says where.

    A task whose result is lost and that others have followed is made anew, under another id: an id stands
    for one result, and what followed it must not be taken for what follows another one.
    """
    followed = {ref for pack in good.values() for ref in (*pack.parents, pack.split)}
    for place in sorted(bad.keys() | indexed.keys()):
        if place in good or TaskRef(*place) in followed:
            continue
        record, pack = indexed.get(place), bad.get(place)
        attempt = max(
            pack.attempt + 1 if pack is not None else 0,
            record.attempt + (record.state is not TaskState.WAITING) if record is not None else 0,
        )
        index = _last_index(record, pack)
        before = _before(record, pack)
        if before is None:
            continue  # nobody knows what it followed: it is made anew, under another id
        step, task, is_split = before
        is_child = not is_split and _opens_foreach(good.get((step, task)))
        if is_child and index is None:
            continue
        at = index if is_child and index is not None else SINGLE
        inputs = _inputs_of(pack)
        yield PastTask(place[0], int(place[1]), int(task), at, None, attempt, inputs=inputs)


def _before(record: TaskRecord | None, pack: Pack | None) -> tuple[str, str, bool] | None:
    """Return step and id of the task that a task follows, and whether it is the split that it joins."""
    if pack is not None and (pack.split or pack.parents):
        ref = pack.split or pack.parents[0]
        return ref.step, ref.task, pack.split is not None
    if record is None or "," in record.parents or "-" in record.parents:
        return None
    step, slash, task = record.parents.partition("/")
    return (step, task, False) if slash and task.isdecimal() else None


def _last_index(record: TaskRecord | None, pack: Pack | None) -> int | None:
    if record is not None and record.index_path:
        return int(record.index_path.rpartition(",")[2])
    if pack is not None and pack.frames:
        return pack.frames[-1].index
    return None
