"""Which results of an earlier run a new execution may take over, and why the others are made again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct

from stepwell.definition.graph import Graph
from stepwell.scheduling.earlier import Earlier, PastTask
from stepwell.scheduling.facts import RunBegan
from stepwell.scheduling.orders import Reuse
from stepwell.scheduling.progress import Progress, Scope
from stepwell.scheduling.transitions import advance


class StepPlan(Struct, frozen=True, kw_only=True):
    """What becomes of a step.

    Attributes
    ----------
    reused
        How many tasks are taken over.
    executed
        How many of the earlier tasks are made again; there may be more that nobody knows of yet.
    why
        Why the step is executed; empty if all of it is taken over.
    """

    step: str
    reused: int
    executed: int
    why: str = ""


def reusable(graph: Graph, past: Iterable[PastTask], named: Collection[str] = ()) -> list[PastTask]:
    """Return the tasks that can be taken over or tried again: not of a named step or a later one.

    A task whose transition is no longer that of its step is made again too.
    """
    left_out = after(graph, named) | set(named)
    return [task for task in past if task.step not in left_out and _still_fits(graph, task)]


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
) -> list[StepPlan]:
    """Return, in graph order, what an execution that goes on from ``earlier`` takes over and makes.

    Parameters
    ----------
    past
        Every task of the earlier run that is known, whether it succeeded or not.
    known_steps
        Steps of the graph that the earlier run had.
    """
    progress = Progress(graph, earlier=earlier)
    orders = advance(progress, RunBegan())
    reused = _count(order.step for order in orders if isinstance(order, Reuse))
    known, good = _count(task.step for task in past), _count(task.step for task in past if task.transition)
    ready = {step for step, counts in progress.snapshot().items() if counts.waiting}
    executed = ready | after(graph, ready)
    later = after(graph, named)
    plans: list[StepPlan] = []
    for step in graph.nodes:
        taken, total = reused.get(step, 0), known.get(step, 0)
        if step in named:
            why = "named"
        elif step in later:
            why = "after a named step"
        elif step not in known_steps:
            why = "new in the graph"
        elif not total:
            why = "not reached"
        elif good.get(step, 0) < total:
            why = f"not successful: {total - good.get(step, 0)} of {total} tasks"
        elif taken < total:
            why = "a step before it is executed, or its transition has changed"
        else:
            why = "not reached by all" if step in executed else ""
        plans.append(StepPlan(step=step, reused=taken, executed=total - taken, why=why))
    return plans


def taken_over(graph: Graph, earlier: Earlier, scope: Scope | None) -> list[Reuse]:
    """Return the tasks that an execution which goes on from ``earlier`` will take over."""
    orders = advance(Progress(graph, earlier=earlier, scope=scope), RunBegan())
    return [order for order in orders if isinstance(order, Reuse)]


def _still_fits(graph: Graph, task: PastTask) -> bool:
    if task.step not in graph:
        return False
    node, taken = graph[task.step], task.transition
    return taken is None or (taken.kind == node.transition.kind and taken.targets == node.targets)


def _count(steps: Iterable[str]) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for step in steps:
        counts[step] = counts.get(step, 0) + 1
    return counts
