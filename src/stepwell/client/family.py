"""Parents and children of a task."""

from __future__ import annotations

from collections.abc import Iterator

from stepwell.client.stored import StoredTask
from stepwell.datastore.datastore import Datastore
from stepwell.model.ids import PARAMETERS_STEP, TaskKey
from stepwell.model.run import TaskRecord
from stepwell.model.task import TaskRef, TransitionTaken
from stepwell.model.task_record import parents_in


def parents_of(task: StoredTask) -> Iterator[TaskRef]:
    """Yield the tasks that the task inherits from; for a join its inputs, in their order.

    A join after a foreach without items has the task that opened the foreach as its parent.
    """
    text = task.record().parents
    if not text:
        pack = task.pack()
        if pack is not None and pack.split is not None and not pack.parents:
            yield pack.split
        return
    for step, first, last in parents_in(text):
        if step == PARAMETERS_STEP:
            continue
        if first == last:
            yield TaskRef(step, first)
        else:
            yield from (TaskRef(step, str(number)) for number in range(int(first), int(last) + 1))


def children_of(task: StoredTask) -> Iterator[TaskRecord]:
    """Yield the tasks that have the task as a parent, newest first."""
    pack = task.pack()
    transition = None if pack is None else pack.outcome.transition
    if transition is None:
        return  # what did not succeed has gone nowhere
    if transition.fans_out and not transition.num_splits:
        yield from _joins_of_nothing(task)
        return
    for candidate in _candidates(task, transition):
        if _names(candidate.parents, task.key.step, task.key.task):
            yield candidate


def _candidates(task: StoredTask, transition: TransitionTaken) -> Iterator[TaskRecord]:
    """Later tasks of the target steps, only those of a fitting branch where the index can tell them apart."""
    record, above = task.record(), _number_below_children(task)
    for target in transition.targets:
        if transition.fans_out:
            yield from task.run.newest_tasks(target, above=above)
            continue
        yield from task.run.newest_tasks(target, record.index_path, above)
        if record.index_path:
            # The target may be the join that closes the innermost foreach: it stands one level further out.
            outer = record.index_path.rpartition(",")[0]
            yield from task.run.newest_tasks(target, outer, above)


def _number_below_children(task: StoredTask) -> int:
    # A scheduler's tasks are numbered by clocks, which may disagree from machine to machine.
    return -1 if task.run.known().by_scheduler else task.record().number


def _joins_of_nothing(task: StoredTask) -> Iterator[TaskRecord]:
    """Joins that a foreach without items led to: their packs name the split, as they have no parents."""
    record = task.record()
    datastore = task.run.connection.stores.datastore
    opened = TaskRef(task.key.step, task.key.task)
    above = _number_below_children(task)
    for candidate in task.run.newest_tasks(index_path=record.index_path, above=above):
        if not candidate.parents and _split_of(datastore, candidate) == opened:
            yield candidate


def _split_of(datastore: Datastore, record: TaskRecord) -> TaskRef | None:
    key = TaskKey(record.flow, record.run, record.step, record.task)
    pack = datastore.pack(key) or datastore.pack(key, record.attempt)
    return None if pack is None else pack.split


def _names(parents: str, step: str, task: str) -> bool:
    """Whether the task is among the parents."""
    return any(
        name == step
        and (task == first if first == last else task.isdecimal() and int(first) <= int(task) <= int(last))
        for name, first, last in parents_in(parents)
    )
