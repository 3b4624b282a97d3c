"""Which results of an earlier run a new execution may take over, and why the others are made again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType

from stepwell.definition.graph import Graph
from stepwell.model.step_plan import StepPlan
from stepwell.scheduling.earlier import Earlier, PastTask
from stepwell.scheduling.facts import RunBegan
from stepwell.scheduling.orders import Reuse
from stepwell.scheduling.progress import Progress, Scope
from stepwell.scheduling.transitions import advance

Outdated = Mapping[tuple[str, str], tuple[str, ...]]
"""What has changed since results were made, by step and execution (`PastTask.made_by`)."""

UP_TO_DATE: Outdated = MappingProxyType({})


def reusable(
    graph: Graph, past: Iterable[PastTask], named: Collection[str] = (), unwanted: Outdated = UP_TO_DATE
) -> list[PastTask]:
    """Return the tasks that can be taken over or tried again: not of a named step or a later one.

    A task whose transition is no longer that of its step is made again too, and so is an ``unwanted`` one.
    Of a step that is in a loop with a named one, the tasks before it stay: those that follow a task which is
    made again are not found.
    """
    left_out = (after(graph, named) - set().union(*(before(graph, step) for step in named))) | set(named)
    return [
        task
        for task in past
        if task.step not in left_out
        and _still_fits(graph, task)
        and (task.transition is None or (task.step, task.made_by) not in unwanted)
    ]


def after(graph: Graph, named: Collection[str]) -> set[str]:
    """Return every step that comes after one of these."""
    found: set[str] = set()
    waiting = [target for step in named for target in graph[step].targets]
    while waiting:
        step = waiting.pop()
        if step not in found:
            found.add(step)
            waiting += graph[step].targets
    return found


def until(graph: Graph, step: str, only: bool = False) -> Scope:
    """Return the scope of a run that stops after a step; with ``only``, nothing else is executed."""
    reached = before(graph, step) | {step}
    return Scope(frozenset(reached), frozenset({step} if only else reached))


def before(graph: Graph, step: str) -> set[str]:
    """Return every step that leads to this one."""
    found: set[str] = set()
    waiting = [*graph.parents[step]]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += graph.parents[name]
    return found


def plan(
    graph: Graph,
    past: Sequence[PastTask],
    earlier: Earlier,
    named: Collection[str] = (),
    known_steps: Collection[str] = (),
    outdated: Outdated = UP_TO_DATE,
) -> list[StepPlan]:
    """Return, in graph order, what an execution that goes on from ``earlier`` takes over and makes.

    Parameters
    ----------
    past
        Every task of the earlier run that is known, whether it succeeded or not.
    known_steps
        Steps of the graph that the earlier run had.
    outdated
        What results of the earlier run may be out of date for; whether they are taken over or not.
    """
    progress = Progress(graph, earlier=earlier)
    orders = [order for order in advance(progress, RunBegan()) if isinstance(order, Reuse)]
    reused = _count(order.step for order in orders)
    taken_ids = {(order.step, order.task) for order in orders}
    changed = _Changes(outdated, past, taken_ids)
    known = _count(task.step for task in past)
    failed = _count(task.step for task in past if task.transition is None)
    ready = {step for step, counts in progress.snapshot().items() if counts.waiting}
    executed = ready | after(graph, ready)
    later = after(graph, named)
    plans: list[StepPlan] = []
    for step in graph.nodes:
        taken, total = reused.get(step, 0), known.get(step, 0)
        if step not in executed:
            total -= failed.get(step, 0)  # those that failed were tolerated, and what they led to is reused
        if step in named:
            why = "named"
        elif step in later:
            why = "after a named step"
        elif changed.left_out[step]:
            why = "; ".join(changed.left_out[step])
        elif step not in known_steps:
            why = "new in the graph"
        elif not total:
            why = "not reached" if step in executed else ""
        elif step in failed and step in executed:
            why = f"not successful: {failed[step]} of {total} tasks"
        elif taken < total:
            why = "a step before it is executed, or its transition has changed"
        else:
            why = "not reached by all" if step in executed else ""
        plans.append(
            StepPlan(
                step=step,
                reused=taken,
                executed=total - taken,
                why=why,
                outdated=tuple(changed.taken_over[step]),
                made_by=tuple(changed.made_by[step]),
            )
        )
    return plans


def taken_over(graph: Graph, earlier: Earlier, scope: Scope | None) -> list[Reuse]:
    """Return the tasks that an execution which goes on from ``earlier`` will take over."""
    orders = advance(Progress(graph, earlier=earlier, scope=scope), RunBegan())
    return [order for order in orders if isinstance(order, Reuse)]


class _Changes:
    """By step: what has changed since results were made, taken over or left out; and who made them."""

    def __init__(
        self, outdated: Outdated, past: Iterable[PastTask], taken: Collection[tuple[str, int]]
    ) -> None:
        self.taken_over: dict[str, dict[str, None]] = defaultdict(dict)
        self.left_out: dict[str, dict[str, None]] = defaultdict(dict)
        self.made_by: dict[str, dict[str, None]] = defaultdict(dict)
        for task in past:
            if task.made_by:
                self.made_by[task.step][task.made_by] = None
            reasons = outdated.get((task.step, task.made_by), ())
            into = self.taken_over if (task.step, task.task) in taken else self.left_out
            into[task.step].update(dict.fromkeys(reasons))


def _still_fits(graph: Graph, task: PastTask) -> bool:
    if task.step not in graph:
        return False
    return task.transition is None or graph[task.step].way_of(task.transition) is not None


def _count(steps: Iterable[str]) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for step in steps:
        counts[step] = counts.get(step, 0) + 1
    return counts
