"""What tasks of a run came to, from their packs and from the index: what another execution goes on from."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

from msgspec import Struct
from msgspec.structs import replace

from stepwell.datastore.datastore import Datastore
from stepwell.datastore.gang_packs import seal
from stepwell.exceptions import BlobCorrupted
from stepwell.metadata_store.store import MetadataStore, TaskQuery
from stepwell.model.ids import PARAMETERS_STEP
from stepwell.model.pack import Pack
from stepwell.model.run import SPLIT, TaskRecord
from stepwell.model.states import TaskState
from stepwell.model.task import TaskRef
from stepwell.model.task_record import parents_in, record_of
from stepwell.runtime.task_numbers import TaskNumbers
from stepwell.scheduling.earlier import SINGLE, PastTask, inputs_of, latest

_SUCCEEDED = (TaskState.SUCCEEDED, TaskState.REUSED, TaskState.CACHED)


class Past(Struct, frozen=True):
    """The tasks of a run.

    Attributes
    ----------
    succeeded
        As their packs say, which is the truth.
    unfinished
        Tasks that were launched and have not succeeded.
    records
        Of those that succeeded, by step and number; ``run`` is where their packs lie.
    last_id
        No task has a higher number.
    names
        The ids of tasks that go by another number.
    lost
        Tasks that had succeeded, as the index has them, whose results are damaged or gone.
    """

    succeeded: Sequence[PastTask]
    unfinished: Sequence[PastTask]
    records: Mapping[tuple[str, int], TaskRecord]
    last_id: int
    names: Mapping[int, str] = {}
    lost: Sequence[TaskRecord] = ()


def past_of(datastore: Datastore, metadata: MetadataStore, flow: str, run: str) -> Past:
    """Read what became of every task of a run. Damaged results count as not there: they are made again."""
    good: dict[TaskRef, Pack] = {}
    bad: dict[TaskRef, Pack] = {}
    emptied: set[TaskRef] = set()
    for pack in _packs(datastore, flow, run):
        place = TaskRef(pack.key.step, pack.key.task)
        if pack.outcome.ok and datastore.contents.has_values(pack):
            good[place] = pack
        elif pack.outcome.ok:
            emptied.add(place)
        elif place not in bad or bad[place].attempt < pack.attempt:
            bad[place] = pack
    for pack in _sealed_gangs(datastore, good.values(), bad.values()):
        place = TaskRef(pack.key.step, pack.key.task)
        good[place] = pack
        del bad[place]
    indexed = {
        TaskRef(record.step, record.task): record
        for record in metadata.tasks(TaskQuery(flow=flow, run=run, ascending=True))
        if record.step != PARAMETERS_STEP
    }
    # Those that are in the datastore alone are of no known age; they are few, if there are any.
    numbers = TaskNumbers(dict.fromkeys((*indexed, *good, *bad, *emptied)))
    lost = [record for place, record in indexed.items() if place not in good and record.state in _SUCCEEDED]
    tasks = [_past_task(pack, good, numbers) for pack in good.values()]
    holding = latest([*tasks, *_unfinished(good, bad, indexed, numbers, emptied)])
    return Past(
        succeeded=[task for task in holding if task.transition is not None],
        unfinished=[task for task in holding if task.transition is None],
        records={
            (place.step, numbers.of(place)): _record(pack, indexed.get(place), numbers.of(place))
            for place, pack in good.items()
        },
        last_id=numbers.last,
        names=numbers.names,
        lost=lost,
    )


def _packs(datastore: Datastore, flow: str, run: str) -> Iterator[Pack]:
    """Yield what every task left that a later execution can find by its place, reused ones among them."""
    for found in datastore.packs_of_run(flow, run):
        if isinstance(found, Pack) and found.key.step != PARAMETERS_STEP:
            yield found
    for _, origin in datastore.reused.of_run(flow, run):
        try:
            pack = datastore.pack(origin)
        except BlobCorrupted:
            continue
        if pack is not None:
            yield pack


def _sealed_gangs(datastore: Datastore, good: Iterable[Pack], bad: Iterable[Pack]) -> list[Pack]:
    """Seal what the tasks of gangs that are whole have prepared, where that is not done; return it."""
    gangs: dict[tuple[str, str, int], list[Pack]] = {}
    for pack in (*good, *bad):
        if pack.gang is not None and (pack.outcome.ok or pack.prepared is not None):
            gangs.setdefault((pack.key.step, pack.gang.control, pack.attempt), []).append(pack)
    whole = [
        [pack for pack in packs if pack.prepared]
        for packs in gangs.values()
        if packs[0].gang is not None
        and len(packs) == packs[0].gang.size
        and all(pack.outcome.ok or datastore.contents.has_values(pack) for pack in packs)
    ]
    return [sealed for prepared in whole for sealed in seal(datastore, prepared)]


def _past_task(pack: Pack, good: Mapping[TaskRef, Pack], numbers: TaskNumbers) -> PastTask:
    """Return a task in its place: after the task that opened its split if it is a join, else its parent."""
    before = pack.split or pack.parents[0]
    is_child = pack.split is None and _fans_out(good.get(before))
    return PastTask(
        step=pack.key.step,
        task=numbers.of(TaskRef(pack.key.step, pack.key.task)),
        after=numbers.of(before),
        index=pack.frames[-1].index if is_child and pack.frames else SINGLE,
        transition=pack.outcome.transition if pack.outcome.ok else None,
        attempt=pack.attempt + 1,
        lost=tuple((lost.index, lost.task.step, numbers.of(lost.task)) for lost in pack.lost),
        inputs=_inputs_of(pack, numbers),
        made_by=sys.intern(f"{pack.key.run}/{pack.fields.get('code-version', '')}"),
    )


def _inputs_of(pack: Pack | None, numbers: TaskNumbers) -> int:
    return 0 if pack is None or pack.split is None else inputs_of(map(numbers.of, pack.parents))


def _record(pack: Pack, indexed: TaskRecord | None, number: int) -> TaskRecord:
    """Return what the index knows of a task that succeeded, which is more than its pack does."""
    if indexed is None or indexed.state not in _SUCCEEDED or indexed.attempt != pack.attempt:
        indexed = record_of(pack)
    state = TaskState.SUCCEEDED if pack.origin is None else TaskState.CACHED
    return replace(indexed, run=pack.key.run, state=state, number=number)


def _fans_out(pack: Pack | None) -> bool:
    taken = None if pack is None else pack.outcome.transition
    return taken is not None and taken.fans_out


def _unfinished(
    good: Mapping[TaskRef, Pack],
    bad: Mapping[TaskRef, Pack],
    indexed: Mapping[TaskRef, TaskRecord],
    numbers: TaskNumbers,
    emptied: Set[TaskRef],
) -> Iterator[PastTask]:
    """Yield the tasks to be tried again under their ids: what is known of their last attempt says where.

    A task whose result is lost and that others have followed is made anew, under another id: an id stands
    for one result, and what followed it must not be taken for what follows another one. So is one of which
    the pack is whole, but not the values that it stored beside it: no other pack can take its place.
    """
    followed = {ref for pack in good.values() for ref in (*pack.parents, pack.split)}
    for place in dict.fromkeys((*indexed, *bad)):
        if place in good or place in followed or place in emptied:
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
        after, is_split = before
        is_child = not is_split and _fans_out(good.get(after))
        if is_child and index is None:
            continue
        at = index if is_child and index is not None else SINGLE
        inputs = _inputs_of(pack, numbers)
        yield PastTask(place.step, numbers.of(place), numbers.of(after), at, None, attempt, inputs=inputs)


def _before(record: TaskRecord | None, pack: Pack | None) -> tuple[TaskRef, bool] | None:
    """Return the task that a task follows, and whether it is the split that it joins."""
    if pack is not None and (pack.split or pack.parents):
        return pack.split or pack.parents[0], pack.split is not None
    if record is not None and SPLIT in record.fields:
        step, _, task = record.fields[SPLIT].partition("/")
        return TaskRef(step, task), True
    parents = list(parents_in(record.parents)) if record is not None else []
    if len(parents) != 1 or parents[0][1] != parents[0][2]:
        return None
    return TaskRef(*parents[0][:2]), False


def _last_index(record: TaskRecord | None, pack: Pack | None) -> int | None:
    if record is not None and record.index_path:
        return int(record.index_path.rpartition(",")[2])
    if pack is not None and pack.frames:
        return pack.frames[-1].index
    return None
