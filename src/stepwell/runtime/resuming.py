"""A new run that takes over results of another, by reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from msgspec import Struct

from stepwell.datastore.datastore import Datastore
from stepwell.datastore.preview import preview
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.definition.nearest import did_you_mean, listed
from stepwell.definition.parameter_values import resolve
from stepwell.definition.reads import mentions
from stepwell.exceptions import StepwellDataMissing, StepwellNotFound, UsageError
from stepwell.metadata_store.store import MetadataStore
from stepwell.model.ids import PARAMETERS_STEP, TaskKey
from stepwell.model.pack import Pack
from stepwell.runtime.beginning import BegunRun, RunContext, claim, register
from stepwell.runtime.options import ResumeRun
from stepwell.runtime.past import Past, past_of
from stepwell.scheduling.earlier import Earlier
from stepwell.scheduling.reuse import StepPlan, plan, reusable

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
        The step is none of the flow's, a parameter's value is wrong, or the run id is taken.
    StepwellNotFound, StepwellDataMissing
        There is no such origin, or its parameters are gone.
    """
    found = resumption(context.definition, context.datastore, context.metadata, asked, context.settings.user)
    run = claim(context, asked.run_id or "", **{"origin-run-id": asked.origin})
    info = context.info(run, asked.origin)
    recorder = register(context, run, info, found.parameters)
    stops = "results were taken over, and nothing was to be executed" if asked.clone_only else ""
    return BegunRun(
        info,
        recorder,
        found.earlier,
        found.past.records,
        found.plan,
        stops,
        notices=found.notices,
        names=found.past.names,
    )


def resumption(
    definition: FlowDefinition,
    datastore: Datastore,
    metadata: MetadataStore,
    asked: ResumeRun,
    user: str,
) -> Resumption:
    """Work out what a resumed run takes over; nothing is written."""
    flow, graph = definition.name, definition.graph
    if asked.step is not None and asked.step not in graph:
        hint = did_you_mean(asked.step, graph.nodes)
        raise UsageError(
            f"`{asked.step}` is not a step of {flow}. {hint} The steps are: {listed(graph.nodes)}.".replace(
                "  ", " "
            )
        )
    origin = metadata.run(flow, asked.origin)
    if origin is None:
        raise StepwellNotFound(f"There is no run {flow}/{asked.origin} in {metadata.location}.")
    first = datastore.pack(TaskKey(flow, asked.origin, PARAMETERS_STEP, origin.parameters_task))
    if first is None:
        raise StepwellDataMissing(
            f"The parameters of run {flow}/{asked.origin} are not in {datastore.location}. Start a new run."
        )
    before = _parameters_of(definition, datastore, first)
    values = {**before, **asked.parameters}
    parameters = resolve(definition.flow_class, values, user_name=user)
    named = () if asked.step is None else (asked.step,)
    past = past_of(datastore, metadata, flow, asked.origin)
    earlier = Earlier(reusable(graph, past.succeeded, named), past.last_id)
    steps = plan(
        graph, [*past.succeeded, *past.unfinished], earlier, named, _steps_of(datastore, first, graph.nodes)
    )
    reused = [step.step for step in steps if step.reused]
    return Resumption(parameters, past, earlier, steps, tuple(_stale(definition, before, parameters, reused)))


def _stale(
    definition: FlowDefinition, before: Mapping[str, object], now: Mapping[str, object], reused: Sequence[str]
) -> Iterator[str]:
    """Name the steps whose results are reused although they read a parameter that has another value now."""
    for parameter in definition.parameters:
        old, new = before.get(parameter.name, _NOT_THERE), now.get(parameter.attribute)
        if old is _NOT_THERE or old == new:
            continue
        readers = [step for step in reused if mentions(definition.flow_class, step, parameter.attribute)]
        if readers:
            yield (
                f"The parameter `{parameter.name}` is {preview(new)} and was {preview(old)}, but results of "
                f"steps that read it are reused: {', '.join(readers)}. `resume {readers[0]}` executes "
                f"{readers[0]} again, and all after it."
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
