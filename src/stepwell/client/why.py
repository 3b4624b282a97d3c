"""Why tasks were executed, or their results taken over: from the plans of their run, and from the cache."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from msgspec import Struct

from stepwell.client.cache_explained import CacheDecision, CacheExplained
from stepwell.client.source_changes import SourceChange, source_change
from stepwell.datastore.datastore import Datastore
from stepwell.metadata_store.store import MetadataStore
from stepwell.model.ids import TaskKey
from stepwell.model.run import TaskRecord
from stepwell.model.states import TaskState
from stepwell.model.step_code import CLASS_CONSTANT, changes
from stepwell.model.step_plan import ExecutionPlan, StepPlan

_TOLD_IN_FULL = 20

_IN_WORDS = {
    "named": "the step was named",
    "after a named step": "a step before it was named",
    "new in the graph": "the step was new in the graph",
    "not reached": "the run had not come to the step",
    "not reached by all": "the run had not come to all tasks of the step",
    "": "no result was there to be taken over",
}


class Explanation(Struct, frozen=True, kw_only=True):
    """What was decided on a task.

    Attributes
    ----------
    decision
        ``executed``, ``reused`` or ``cached``.
    reasons
        Why, in words.
    changes
        Code that was different.
    """

    decision: str
    reasons: tuple[str, ...]
    changes: tuple[SourceChange, ...] = ()


def why(datastore: Datastore, task: TaskRecord, plans: Sequence[ExecutionPlan] | None = None) -> Explanation:
    """Explain what was decided on a task; ``plans`` are those of its run, if they have been read."""
    if plans is None:
        plans = datastore.plans.of_run(task.flow, task.run)
    key = TaskKey(task.flow, task.run, task.step, task.task)
    if task.state is TaskState.CACHED:
        return Explanation(decision="cached", reasons=("an equal task of the past had a result",))
    if task.state is TaskState.REUSED:
        return _reused(datastore, key, plans)
    # What waits belongs to what the run has set out to do last.
    return _executed(datastore, key, task.started_at or task.created_at or math.inf, plans)


def _reused(datastore: Datastore, key: TaskKey, plans: Sequence[ExecutionPlan]) -> Explanation:
    origin = datastore.reused.origin_of(key) or key
    reasons = [f"taken over from run {origin.run}, with all that it got its inputs from"]
    changed: tuple[SourceChange, ...] = ()
    for plan in plans[:1]:
        more, changed = _outdated(datastore, key, plan)
        reasons += more
    return Explanation(decision="reused", reasons=tuple(reasons), changes=changed)


def _executed(datastore: Datastore, key: TaskKey, at: float, plans: Sequence[ExecutionPlan]) -> Explanation:
    reasons: list[str] = []
    changed: tuple[SourceChange, ...] = ()
    began = [plan for plan in plans if plan.at <= at]
    if not began:
        reasons.append("the run took nothing over from an earlier one")
    for plan in began[-1:]:
        step = _of_step(plan, key.step)
        why = "" if step is None else step.why
        reasons.append(f"{_IN_WORDS.get(why, why)}, when {_went_on(plan, key)}")
        if step is not None and why.startswith("code changed"):
            changed = _first_change(datastore, key, step.made_by, plan)
    for plan in plans[len(began) :]:
        more, found = _outdated(datastore, key, plan)
        reasons += more
        changed = changed or found
    return Explanation(decision="executed", reasons=tuple(reasons), changes=changed)


def _outdated(
    datastore: Datastore, key: TaskKey, plan: ExecutionPlan
) -> tuple[list[str], tuple[SourceChange, ...]]:
    """Say what became of a result when the run went on with this plan, if something had changed by then."""
    step = _of_step(plan, key.step)
    if step is None:
        return [], ()
    if not step.reused:
        return ([f"made again when {_went_on(plan, key)}: {step.why}"] if step.executed else []), ()
    pack = datastore.pack(key)
    made_by = () if pack is None else (f"{pack.key.run}/{pack.fields.get('code-version', '')}",)
    changed = _first_change(datastore, key, made_by, plan)
    kept = [reason for reason in step.outdated if changed or not reason.startswith("code changed")]
    return [f"kept although {reason}" for reason in kept], changed


def _went_on(plan: ExecutionPlan, key: TaskKey) -> str:
    """Say which execution it was."""
    return "the run was continued" if plan.origin == key.run else f"run {plan.origin} was resumed"


def _of_step(plan: ExecutionPlan, name: str) -> StepPlan | None:
    return next((step for step in plan.steps if step.step == name), None)


def _first_change(
    datastore: Datastore, key: TaskKey, made_by: Sequence[str], plan: ExecutionPlan
) -> tuple[SourceChange, ...]:
    """Return how the code of a step differs from that of the first of these executions that had another."""
    now = datastore.step_codes.read(key.flow, key.run, plan.code_version)
    after = None if now is None else now.step(key.step)
    for execution in made_by:
        run, _, version = execution.partition("/")
        kept = datastore.step_codes.read(key.flow, run, version)
        before = None if kept is None else kept.step(key.step)
        if before is None or after is None:
            continue
        found = [one for one in changes(before, after) if run != key.run or one.kind != CLASS_CONSTANT]
        if found:
            other = run != key.run
            then, now = (f"run {run}", f"run {key.run}") if other else ("before", "now")
            return tuple(source_change(one, then, now) for one in found)
    return ()


def _with_cache(explanation: Explanation, decided: CacheDecision | None) -> Explanation:
    """Add what the cache had for a task, if its step is a cached one."""
    if decided is None:
        return explanation
    if decided.is_cached:
        return Explanation(decision="cached", reasons=decided.reasons)
    reasons = (*explanation.reasons, *decided.reasons)
    changed = explanation.changes or decided.changes
    return Explanation(decision=explanation.decision, reasons=reasons, changes=changed)


def alike(
    tasks: Sequence[TaskRecord], datastore: Datastore, metadata: MetadataStore
) -> Iterator[tuple[Explanation, list[TaskRecord]]]:
    """Yield what was decided on the tasks of a step, each decision once with the tasks that it is of.

    Each task was looked up in the cache by itself. Of many tasks only the first of those that are alike is
    told in full.
    """
    cache = CacheExplained(datastore, metadata)
    are_few = len(tasks) <= _TOLD_IN_FULL
    found: dict[tuple[str, ...], tuple[Explanation, list[TaskRecord]]] = {}
    plans = datastore.plans.of_run(tasks[0].flow, tasks[0].run) if tasks else ()
    for task in tasks:
        explanation = why(datastore, task, plans)
        if task.state is not TaskState.REUSED:
            decided = cache.decision(task) if are_few else cache.in_short(task)
            explanation = _with_cache(explanation, decided)
        same = (explanation.decision, *explanation.reasons, *map(str, explanation.changes))
        found.setdefault(same, (explanation, []))[1].append(task)
    for explanation, together in found.values():
        first = together[0]
        decided = None if are_few or first.state is TaskState.REUSED else cache.decision(first)
        yield _for_instance(explanation, first, decided), together


def _for_instance(explanation: Explanation, task: TaskRecord, decided: CacheDecision | None) -> Explanation:
    if decided is None:
        return explanation
    first, *rest = decided.reasons
    reasons = (*explanation.reasons, f"for instance task {task.task}: {first}", *(f"  {one}" for one in rest))
    changed = explanation.changes or decided.changes
    return Explanation(decision=explanation.decision, reasons=reasons, changes=changed)
