"""What is done with the tasks that an execution takes over from an earlier one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence

from msgspec.structs import replace

from stepwell.datastore.datastore import Datastore
from stepwell.model.run import TaskRecord
from stepwell.model.states import TaskState
from stepwell.model.step_plan import ExecutionPlan
from stepwell.model.task_record import as_reused
from stepwell.runtime.beginning import BegunRun
from stepwell.runtime.events import Listener, StepPlanned, StepReused
from stepwell.scheduling.orders import Reuse

_REPLACED = "It is made again, for a result that it was made from is damaged or gone."


def take_over(
    begun: BegunRun,
    reused: Sequence[Reuse],
    known: Mapping[str, int],
    listener: Listener,
    at: float,
) -> Counter[str]:
    """Put reused tasks on record; return how many there are by state.

    In a run that goes on in place they stay what they are; in a new one they are tasks of its own, whose
    results are read where they lie, as its table of reused tasks says.

    Parameters
    ----------
    known
        How many tasks each step has by now, those that wait included.
    """
    run = begun.info.run
    counts: Counter[str] = Counter()
    by_step: Counter[tuple[str, str]] = Counter()
    for order in reused:
        record = begun.past[order.step, order.task]
        origin = record.run
        if origin != run:
            record = as_reused(record, run)
        counts[record.state.value] += 1
        by_step[order.step, origin] += 1
        begun.recorder.task(record)
    for record in _replaced(begun, reused, known):
        begun.recorder.task(record)
    for (step, origin), tasks in by_step.items():
        listener(StepReused(at=at, step=step, tasks=tasks, origin=origin))
    for planned in begun.plan:
        if planned.why:
            step = planned.step
            listener(
                StepPlanned(
                    at=at, step=step, executed=planned.executed, known=known.get(step, 0), why=planned.why
                )
            )
    return counts


def _replaced(begun: BegunRun, reused: Sequence[Reuse], steps: Container[str]) -> Iterator[TaskRecord]:
    """Yield, as lost, the tasks of a run that goes on in place whose results are whole, but made again.

    What they were made from, or with, is gone. Of two results for one place, readers shall find the new one.
    """
    kept = {(order.step, order.task) for order in reused}
    why = {planned.step: planned.why for planned in begun.plan}
    reached = steps if begun.scope is None else begun.scope.reached
    for (step, number), record in begun.past.items():
        is_ours = record.run == begun.info.run
        if is_ours and (step, number) not in kept and step in steps and step in reached:
            error = f"It is made again: {why[step]}." if why.get(step) else _REPLACED
            yield replace(record, state=TaskState.LOST, error=error)


def keep_plan(begun: BegunRun, datastore: Datastore, at: float) -> None:
    """Keep what a run that goes on has set out to do; a run that has no past has no plan."""
    if begun.plan:
        plan = ExecutionPlan(
            at=at, origin=begun.origin, code_version=begun.info.code_version, steps=tuple(begun.plan)
        )
        datastore.plans.add(begun.info.flow, begun.info.run, plan)
