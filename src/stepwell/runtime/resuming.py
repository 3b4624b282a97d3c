"""A new run that takes over results of another, by reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from msgspec import Struct

from stepwell.datastore.datastore import Datastore
from stepwell.datastore.preview import preview
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.definition.parameter_values import resolve
from stepwell.definition.reads import mentions
from stepwell.exceptions import StepwellDataMissing, StepwellNotFound, UsageError
from stepwell.metadata_store.store import MetadataStore
from stepwell.model.ids import PARAMETERS_STEP, TaskKey
from stepwell.model.pack import Pack
from stepwell.runtime.beginning import BegunRun, RunContext, claim, register, scope_of
from stepwell.runtime.options import ResumeRun
from stepwell.runtime.past import Past, past_of
from stepwell.scheduling.earlier import Earlier
from stepwell.scheduling.progress import Scope
from stepwell.scheduling.reuse import StepPlan, before, plan, reusable, taken_over, until

_NOT_THERE = object()


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
    )


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
    known = _parameters_of(definition, datastore, first)
    values = {**known, **asked.parameters}
    parameters = resolve(definition.flow_class, values, user_name=user)
    past = past_of(datastore, metadata, flow, asked.origin)
    earlier = Earlier(reusable(graph, past.succeeded, named), past.last_id)
    steps = plan(
        graph, [*past.succeeded, *past.unfinished], earlier, named, _steps_of(datastore, first, graph.nodes)
    )
    if asked.only is not None:
        _check_only(asked.only, before(graph, asked.only), steps)
    reused = [step.step for step in steps if step.reused]
    return Resumption(parameters, past, earlier, steps, tuple(_stale(definition, known, parameters, reused)))


def _stale(
    definition: FlowDefinition, known: Mapping[str, object], now: Mapping[str, object], reused: Sequence[str]
) -> Iterator[str]:
    """Name the steps whose results are reused although they read a parameter that has another value now."""
    for parameter in definition.parameters:
        old, new = known.get(parameter.name, _NOT_THERE), now.get(parameter.attribute)
        if old is _NOT_THERE or old == new:
            continue
        readers = [step for step in reused if mentions(definition.flow_class, step, parameter.attribute)]
        if readers:
            yield (
                f"The parameter `{parameter.name}` is {preview(new)} and was {preview(old)}, but results of "
                f"steps that read it are reused: {', '.join(readers)}. `resume {readers[0]}` executes "
                f"{readers[0]} again, and all after it."
            )


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


def _parameters_of(definition: FlowDefinition, datastore: Datastore, first: Pack) -> dict[str, object]:
    """Return the values that the origin had, by the parameter's name, of parameters that there are still."""
    stored = {entry.name: entry for entry in first.own}
    return {
        parameter.name: datastore.load(definition.name, stored[parameter.attribute])
        for parameter in definition.parameters
        if parameter.attribute in stored
    }


def _steps_of(datastore: Datastore, first: Pack, default: Mapping[str, object]) -> set[str]:
    """Return the steps that the origin's graph had."""
    entry = next((entry for entry in first.own if entry.name == "_graph_info"), None)
    info = datastore.load(first.key.flow, entry) if entry is not None else None
    if not isinstance(info, dict):
        return set(default)
    return set(cast("dict[str, dict[str, object]]", info)["steps"])
