"""A new run that takes over results of another, by reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from msgspec import Struct

from stepwell.datastore.datastore import Datastore
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.definition.parameter_values import resolve
from stepwell.exceptions import StepwellDataMissing, StepwellNotFound, UsageError
from stepwell.metadata_store.store import MetadataStore
from stepwell.model.ids import PARAMETERS_STEP, TaskKey
from stepwell.model.pack import Pack
from stepwell.model.run import RunRecord
from stepwell.model.step_plan import StepPlan
from stepwell.runtime.beginning import BegunRun, RunContext, claim, register, scope_of
from stepwell.runtime.options import ResumeRun
from stepwell.runtime.outdated import Changes, notices_of, parameters_in
from stepwell.runtime.past import Past, past_of
from stepwell.scheduling.earlier import Earlier
from stepwell.scheduling.progress import Scope
from stepwell.scheduling.reuse import UP_TO_DATE, after, before, plan, reusable, taken_over, until


class Resumption(Struct, frozen=True):
    """What a resumed run takes over, before anything of it is on record.

    Attributes
    ----------
    notices
        What the user should know of it.
    """

    parameters: Mapping[str, object]
    past: Past
    earlier: Earlier
    plan: list[StepPlan]
    notices: tuple[str, ...] = ()


def begin_resumed(context: RunContext, asked: ResumeRun) -> BegunRun:
    """Begin a run that goes on from the results of another.

    Raises
    ------
    UsageError
        A parameter's value is wrong, the run id is taken, or ``only`` one step cannot be executed.
    StepwellNotFound, StepwellDataMissing
        There is no such origin, or its parameters are gone.
    """
    found = resumption(context.definition, context.datastore, context.metadata, asked, context.settings.user)
    run = claim(context, asked.run_id or "", **{"origin-run-id": asked.origin})
    info = context.info(run, asked.origin)
    scope = _scope_of(context, asked)
    # Before the run is on record: whoever continues it, if it is killed now, finds what it takes over.
    context.datastore.reused.write(run.flow, run.run, _taken_over(context.definition, found, scope))
    try:
        _check_still_there(context, run, asked.origin)
        recorder = register(context, run, info, found.parameters)
    except BaseException:
        context.datastore.reused.forget(run.flow, run.run)
        raise
    return BegunRun(
        info,
        recorder,
        found.earlier,
        found.past.records,
        found.plan,
        scope,
        notices=found.notices,
        names=found.past.names,
        origin=asked.origin,
    )


def _check_still_there(context: RunContext, run: RunRecord, origin: str) -> None:
    """Raise `StepwellNotFound` if the origin was deleted before it was written down that it is needed."""
    if not context.datastore.run_records.is_there(origin):
        context.datastore.run_records.forget(run)
        raise StepwellNotFound(f"Run {context.definition.name}/{origin} has just been deleted.")


def _taken_over(
    definition: FlowDefinition, found: Resumption, scope: Scope | None
) -> Iterator[tuple[str, str, str]]:
    """Yield step, id and run of each task that is taken over."""
    for order in taken_over(definition.graph, found.earlier, scope):
        record = found.past.records[order.step, order.task]
        yield order.step, record.task, record.run


def _scope_of(context: RunContext, asked: ResumeRun) -> Scope | None:
    graph = context.definition.graph
    if asked.clone_only:
        return Scope(reached=frozenset(graph.nodes), executed=frozenset())
    return until(graph, asked.only, only=True) if asked.only is not None else scope_of(context)


def resumption(
    definition: FlowDefinition,
    datastore: Datastore,
    metadata: MetadataStore,
    asked: ResumeRun,
    user: str,
) -> Resumption:
    """Work out what a resumed run takes over; nothing is written."""
    flow, graph = definition.name, definition.graph
    named = tuple(dict.fromkeys(step for step in (asked.step, asked.only) if step is not None))
    origin = metadata.run(flow, asked.origin)
    if origin is None:
        raise StepwellNotFound(f"There is no run {flow}/{asked.origin} in {metadata.location}.")
    first = datastore.pack(TaskKey(flow, asked.origin, PARAMETERS_STEP, origin.parameters_task))
    if first is None:
        raise StepwellDataMissing(
            f"The parameters of run {flow}/{asked.origin} are not in {datastore.location}. Start a new run."
        )
    known = parameters_in(definition, datastore, first)
    flow_class, scope = definition.flow_class, definition.scope
    parameters = resolve(flow_class, asked.parameters, scope, known=known, user_name=user)
    past = past_of(datastore, metadata, flow, asked.origin)
    outdated = Changes(definition, datastore, metadata, parameters).outdated(past.succeeded)
    unwanted = outdated if asked.rerun_changed else UP_TO_DATE
    earlier = Earlier(reusable(graph, past.succeeded, named, unwanted), past.last_id)
    tasks, known_steps = [*past.succeeded, *past.unfinished], _steps_of(datastore, first, graph.nodes)
    steps = plan(graph, tasks, earlier, named, known_steps, outdated)
    if asked.only is not None:
        # In a loop, what comes before it comes after it as well: that is held back.
        needed = before(graph, asked.only) - after(graph, (asked.only,)) - {asked.only}
        _check_only(asked.only, needed, steps)
    return Resumption(parameters, past, earlier, steps, tuple(notices_of(steps)))


def _check_only(step: str, needed: set[str], steps: list[StepPlan]) -> None:
    """Raise `UsageError` if the step alone cannot be executed."""
    missing = [
        f"`{planned.step}` ({planned.why})" for planned in steps if planned.step in needed and planned.why
    ]
    if missing:
        raise UsageError(
            f"`--only {step}` needs results of all steps before it, but {', '.join(missing)} would have to "
            f"be executed too. Use `--until {step}`."
        )


def _steps_of(datastore: Datastore, first: Pack, default: Mapping[str, object]) -> set[str]:
    """Return the steps that the origin's graph had."""
    entry = next((entry for entry in first.own if entry.name == "_graph_info"), None)
    info = datastore.load(first.key.flow, entry) if entry is not None else None
    if not isinstance(info, dict):
        return set(default)
    return set(cast("dict[str, dict[str, object]]", info)["steps"])
