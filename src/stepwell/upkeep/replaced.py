"""Which results of a run do not hold any more, because the run was continued and made them again."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from stepwell.datastore.datastore import Datastore
from stepwell.model.ids import PARAMETERS_STEP, number_of
from stepwell.model.pack import Pack
from stepwell.model.run import RunRecord
from stepwell.model.task import TaskRef


class _Made(Struct, frozen=True, array_like=True):
    """A result, in its place: after a task, or the split that it joins, by index."""

    number: int
    task: TaskRef
    place: tuple[str, TaskRef, tuple[int, ...]]
    inputs: tuple[TaskRef, ...]


def replaced_tasks(datastore: Datastore, run: RunRecord) -> frozenset[TaskRef]:
    """Return the tasks of a run that have succeeded, and in whose place others have since."""
    if all(plan.origin != run.run for plan in datastore.plans.of_run(run.flow, run.run)):
        return frozenset()  # it was carried out in one go: each result is the only one in its place
    packs = (pack for pack in datastore.packs_of_run(run.flow, run.run) if isinstance(pack, Pack))
    return _replaced([_made(pack) for pack in packs if pack.outcome.ok and _has_place(pack)])


def _has_place(pack: Pack) -> bool:
    known = pack.key.step != PARAMETERS_STEP and number_of(pack.key.task)
    return bool(known and (pack.parents or pack.split))


def _made(pack: Pack) -> _Made:
    after = pack.split or pack.parents[0]
    path = tuple(frame.index for frame in pack.frames)
    key = pack.key
    return _Made(
        number_of(key.task), TaskRef(key.step, key.task), (key.step, after, path), tuple(pack.parents)
    )


def _replaced(results: Iterable[_Made]) -> frozenset[TaskRef]:
    """Return those before the last in each place, and what was made from them."""
    by_age = sorted(results, key=lambda one: one.number)  # what a task was made from has a lower number
    last = {one.place: one.number for one in by_age}
    gone: set[TaskRef] = set()
    for one in by_age:
        if last[one.place] != one.number or not gone.isdisjoint((one.place[1], *one.inputs)):
            gone.add(one.task)
    return frozenset(gone)
