"""A run that goes on in place after it has failed, was interrupted or lost."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from stepwell.datastore.datastore import Datastore
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.exceptions import StepwellDataMissing, StepwellNotFound, UsageError
from stepwell.metadata_store.liveness import process_started, settle
from stepwell.metadata_store.store import MetadataStore
from stepwell.model.ids import PARAMETERS_STEP, PARAMETERS_TASK, TaskKey
from stepwell.model.run import RunRecord
from stepwell.model.states import RunState, TaskState
from stepwell.model.step_plan import StepPlan
from stepwell.runtime.beginning import BegunRun, RunContext, scope_of
from stepwell.runtime.options import ContinueRun
from stepwell.runtime.outdated import Changes, notices_of, parameters_in
from stepwell.runtime.past import Past, past_of
from stepwell.scheduling.earlier import Earlier
from stepwell.scheduling.reuse import UP_TO_DATE, plan, reusable

_ALIVE = (RunState.PENDING, RunState.RUNNING)


def begin_continued(context: RunContext, asked: ContinueRun) -> BegunRun:
    """Take a run up again: what has succeeded stays, the rest is tried under its ids as new attempts.

    Raises
    ------
    UsageError
        It has succeeded, is alive, or somebody else has just taken it up.
    StepwellNotFound, StepwellDataMissing
        There is no such run, or its parameters are gone.
    """
    run = _taken_up(context, _dead_run(context, asked.run))
    found = continuation(context.definition, context.datastore, context.metadata, asked)
    recorder = context.recorder(run)
    for record in found.past.lost:
        recorder.task(replace(record, state=TaskState.LOST, error="Its result is damaged or gone."))
    recorder.save_run()
    info = context.info(run, run.fields.get("origin-run-id"))
    return BegunRun(
        info,
        recorder,
        found.earlier,
        found.past.records,
        found.plan,
        scope_of(context),
        notices=found.notices,
        names=found.past.names,
        origin=asked.run,
    )


class Continuation(Struct, frozen=True):
    """What a run that goes on has, and what becomes of each step."""

    past: Past
    earlier: Earlier
    plan: list[StepPlan]
    notices: tuple[str, ...] = ()


def continuation(
    definition: FlowDefinition, datastore: Datastore, metadata: MetadataStore, asked: ContinueRun
) -> Continuation:
    """Work out what is left of a run; nothing is written."""
    graph = definition.graph
    past = past_of(datastore, metadata, definition.name, asked.run)
    tasks = [*past.succeeded, *past.unfinished]
    first = datastore.pack(TaskKey(definition.name, asked.run, PARAMETERS_STEP, PARAMETERS_TASK))
    parameters = {} if first is None else parameters_in(definition, datastore, first)
    held = Changes(definition, datastore, metadata, parameters, constants_stay=True)
    outdated = held.outdated(past.succeeded)
    earlier = Earlier(
        reusable(graph, tasks, (), outdated if asked.rerun_changed else UP_TO_DATE), past.last_id
    )
    steps = {task.step for task in tasks} | graph.nodes.keys()
    planned = plan(graph, tasks, earlier, (), steps, outdated)
    run = metadata.run(definition.name, asked.run)
    fixed = tuple(dict.fromkeys(held.constants(run))) if run is not None else ()
    return Continuation(past, earlier, planned, (*_kept(asked.run, fixed), *notices_of(planned)))


def _kept(run: str, constants: Sequence[str]) -> Iterator[str]:
    """Say which constants the source has otherwise than a run that goes on."""
    if constants:
        it = "it" if len(constants) == 1 else "them"
        yield (
            f"Run {run} keeps {', '.join(constants)} as it began with {it}, although the source has changed: "
            f"constants of a flow are fixed for a run. `resume` makes a run with {it} as of now."
        )


def _dead_run(context: RunContext, run_id: str) -> RunRecord:
    """Return the record of a run that can be continued."""
    flow = context.definition.name
    found = context.metadata.run(flow, run_id)
    if found is None:
        raise StepwellNotFound(f"There is no run {flow}/{run_id} in {context.metadata.location}.")
    found = settle(context.metadata, found, context.clock.now(), socket.gethostname())
    if found.state is RunState.SUCCEEDED:
        raise UsageError(f"Run {flow}/{run_id} has succeeded: nothing is left to do.")
    if found.by_scheduler:
        raise UsageError(
            f"A scheduler starts the tasks of run {flow}/{run_id}: let it go on with it, or take its results "
            f"over with `resume --origin-run-id {run_id}`."
        )
    if found.state in _ALIVE:
        raise UsageError(
            f"Run {flow}/{run_id} is alive: process {found.pid} on {found.host} carries it out. "
            "Wait for its end, or end it first."
        )
    if context.datastore.pack(TaskKey(flow, run_id, PARAMETERS_STEP, PARAMETERS_TASK)) is None:
        raise StepwellDataMissing(
            f"The parameters of run {flow}/{run_id} are not in {context.datastore.location}. Start a new run."
        )
    return found


def _taken_up(context: RunContext, found: RunRecord) -> RunRecord:
    """Make this process the one that carries the run out; of several that try, one wins."""
    pid = os.getpid()
    ours = replace(
        found,
        state=RunState.RUNNING,
        reason="",
        finished_at=None,
        heartbeat_at=context.clock.now(),
        host=socket.gethostname(),
        pid=pid,
        pid_started=process_started(pid),
        fields={**found.fields, **_fields_of_both(found, context)},
    )
    now = context.metadata.replace_run(found, ours)
    if (now.host, now.pid, now.pid_started) != (ours.host, ours.pid, ours.pid_started):
        raise UsageError(
            f"Run {found.flow}/{found.run} has just been continued by process {now.pid} on {now.host}."
        )
    context.datastore.run_records.reopen(ours)
    if context.options.tags:
        ours = context.metadata.change_tags(found.flow, found.run, context.options.tags, ())
        context.datastore.run_records.tag(found.run, ours.tags)
    return ours


def _fields_of_both(found: RunRecord, context: RunContext) -> dict[str, str]:
    """Return the fields as they are now; versions of the code that were used before are kept beside."""
    fields = context.details()
    before = found.fields.get("code-version", "")
    if before and before != context.code_version:
        earlier = found.fields.get("earlier-code-versions", "")
        fields["earlier-code-versions"] = f"{earlier},{before}".lstrip(",")
    return fields
