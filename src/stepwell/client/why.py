"""Why tasks were executed, or their results taken over: from the plans of their run, and from the cache."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Sequence

from msgspec import Struct

from stepwell.client.cache_explained import CacheExplained
from stepwell.datastore.datastore import Datastore
from stepwell.metadata_store.store import MetadataStore
from stepwell.model.ids import TaskKey
from stepwell.model.run import TaskRecord
from stepwell.model.states import TaskState
from stepwell.model.step_code import CLASS_CONSTANT, CodePart, PartChange, changes
from stepwell.model.step_plan import ExecutionPlan, StepPlan

_LOOKED_UP = 20

_IN_WORDS = {
    "named": "the step was named",
    "after a named step": "a step before it was named",
    "new in the graph": "the step was new in the graph",
    "not reached": "the run had not come to the step",
    "not reached by all": "the run had not come to all tasks of the step",
    "": "no result was there to be taken over",
}


class SourceChange(Struct, frozen=True, kw_only=True):
    """A part of a step's code, as it was and as it was then.

    Attributes
    ----------
    part
        What it is, in words.
    diff
        Lines as `diff -u` has them.
    """

    part: str
    diff: tuple[str, ...]


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
        return Explanation(
            decision="cached",
            reasons=("an equal task of the past had a result; asked about one task, `why` says which",),
        )
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
            then = f"run {run}" if run != key.run else "before"
            labels = (then, f"run {key.run}" if run != key.run else "now")
            return tuple(_source_change(one, labels) for one in found)
    return ()


def _source_change(change: PartChange, labels: tuple[str, str]) -> SourceChange:
    before, now = change.before, change.now
    diff = difflib.unified_diff(
        _lines(before), _lines(now), _label(before, labels[0]), _label(now, labels[1]), lineterm=""
    )
    return SourceChange(part=str(change), diff=tuple(diff))


def _lines(part: CodePart | None) -> list[str]:
    return [] if part is None else part.source.splitlines()


def _label(part: CodePart | None, when: str) -> str:
    return "nothing" if part is None else f"{part.file}:{part.line} ({when})"


def with_cache(
    explanation: Explanation, task: TaskRecord, datastore: Datastore, cache: CacheExplained
) -> Explanation:
    """Add what the cache had for a task, if its step is a cached one."""
    pack = datastore.pack(TaskKey(task.flow, task.run, task.step, task.task))
    decided = None if pack is None or task.state is TaskState.REUSED else cache.decision(task, pack)
    if decided is None:
        return explanation
    if decided.is_cached:
        return Explanation(decision="cached", reasons=decided.reasons)
    changed = tuple(SourceChange(part=one.what, diff=one.diff) for one in decided.differences)
    reasons = (*explanation.reasons, *decided.reasons)
    return Explanation(decision=explanation.decision, reasons=reasons, changes=explanation.changes or changed)


def alike(
    tasks: Sequence[TaskRecord], datastore: Datastore, metadata: MetadataStore
) -> Iterator[tuple[Explanation, list[TaskRecord]]]:
    """Yield what was decided on the tasks of a step, each decision once with the tasks that it is of.

    What the cache had is told of a few tasks only: each was looked up by itself.
    """
    cache = CacheExplained(datastore, metadata) if len(tasks) <= _LOOKED_UP else None
    found: dict[tuple[str, ...], tuple[Explanation, list[TaskRecord]]] = {}
    plans = datastore.plans.of_run(tasks[0].flow, tasks[0].run) if tasks else ()
    for task in tasks:
        explanation = why(datastore, task, plans)
        if cache is not None:
            explanation = with_cache(explanation, task, datastore, cache)
        same = (explanation.decision, *explanation.reasons, *map(str, explanation.changes))
        found.setdefault(same, (explanation, []))[1].append(task)
    yield from found.values()
