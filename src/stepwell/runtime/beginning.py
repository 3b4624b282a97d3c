"""How a run begins: what is registered before its first task, and what it goes on from."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping, Sequence

from msgspec import Struct

from stepwell.datastore.datastore import Datastore
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.exceptions import UsageError
from stepwell.metadata_store.liveness import process_started
from stepwell.metadata_store.store import MetadataStore
from stepwell.model.run import TRACE_ID, RunInfo, RunRecord, TaskRecord
from stepwell.model.states import RunState
from stepwell.model.step_plan import StepPlan
from stepwell.runtime.clock import Clock
from stepwell.runtime.options import RunOptions, RunSettings
from stepwell.runtime.parameters_task import commit_parameters
from stepwell.runtime.recorder import Recorder
from stepwell.runtime.surroundings import fields, system_tags
from stepwell.scheduling.earlier import NOTHING, Earlier
from stepwell.scheduling.progress import Scope
from stepwell.scheduling.reuse import until


class RunContext(Struct, frozen=True, kw_only=True):
    """What a run is registered with.

    Attributes
    ----------
    surroundings
        Recorded fields that took time to find out: of the code, and of git.
    code_version
        Stands for the flow's file and what it imports of its own.
    """

    definition: FlowDefinition
    options: RunOptions
    settings: RunSettings
    clock: Clock
    datastore: Datastore
    metadata: MetadataStore
    surroundings: Mapping[str, str]
    code_version: str

    def info(self, run: RunRecord, origin: str | None = None) -> RunInfo:
        """Return what each task is told of the run."""
        namespace = self.options.namespace
        return RunInfo(
            flow=run.flow,
            run=run.run,
            script=self.definition.file,
            user=run.user,
            tags=run.tags,
            namespace=f"user:{run.user}" if namespace is None else namespace or None,
            max_num_splits=self.options.max_num_splits,
            seed=self.settings.seed,
            origin_run=origin,
            code_version=self.code_version,
            local_values=self.options.local_values,
            terminal=self.options.terminal,
        )

    def recorder(self, run: RunRecord) -> Recorder:
        """Return what keeps the index of the run up to date."""
        return Recorder(self.metadata, self.datastore, run, self.clock, self.settings.fsync)

    def details(self) -> dict[str, str]:
        """Return the recorded fields of the run."""
        graph = self.definition.graph
        return {
            **fields(self.definition.file, sys.argv),
            "start_step": graph.start,
            "end_step": graph.end,
            "ds-type": "local",
            "ds-root": self.datastore.location,
            **self.surroundings,
            **({TRACE_ID: self.settings.trace_id} if self.settings.trace_id else {}),
        }


class BegunRun(Struct, frozen=True):
    """A run that is on record and has executed nothing yet.

    Attributes
    ----------
    earlier
        What it goes on from.
    past
        What is known of the tasks that may be reused, by step and number.
    names
        The ids of tasks that go by another number.
    origin
        The run that results are taken from.
    plan
        What becomes of each step.
    scope
        Which steps it may come to; None is all.
    notices
        What the user should know before the first task.
    """

    info: RunInfo
    recorder: Recorder
    earlier: Earlier = NOTHING
    past: Mapping[tuple[str, int], TaskRecord] = {}
    plan: Sequence[StepPlan] = ()
    scope: Scope | None = None
    notices: tuple[str, ...] = ()
    names: Mapping[int, str] = {}
    origin: str = ""


def begin_new(context: RunContext, parameters: Mapping[str, object]) -> BegunRun:
    """Begin a run that has no past; ``parameters`` are values by attribute."""
    run = claim(context)
    info = context.info(run)
    return BegunRun(info, register(context, run, info, parameters), scope=scope_of(context))


def scope_of(context: RunContext) -> Scope | None:
    """Return how far the run is to go."""
    last = context.options.until
    return None if last is None else until(context.definition.graph, last)


def claim(context: RunContext, run_id: str = "", **more: str) -> RunRecord:
    """Return the record of a new run, whose id no other run of the datastore has, on any machine.

    Parameters
    ----------
    run_id
        The id it is to have; the next number if it is empty.
    more
        Recorded fields.

    Raises
    ------
    UsageError
        The id is taken.
    """
    now = context.clock.now()
    while True:
        run = RunRecord(
            flow=context.definition.name,
            run=run_id or str(context.metadata.next_run_id()),
            state=RunState.RUNNING,
            user=context.settings.user,
            created_at=now,
            heartbeat_at=now,
            host=socket.gethostname(),
            pid=os.getpid(),
            pid_started=process_started(os.getpid()),
            tags=context.options.tags,
            system_tags=system_tags(context.settings.user),
            fields={**context.details(), **more},
        )
        if context.datastore.run_records.claim(run):
            return run
        if run_id:
            raise UsageError(f"The run id {run_id!r} is taken. Choose another one.")


def register(
    context: RunContext, run: RunRecord, info: RunInfo, parameters: Mapping[str, object]
) -> Recorder:
    """Store parameters and constants, and put the run on record; a run that cannot begin leaves no trace."""
    try:
        first = commit_parameters(context.definition, parameters, info, context.datastore, run.created_at)
    except BaseException:
        context.datastore.run_records.forget(run)
        raise
    recorder = context.recorder(run)
    recorder.task(first)
    recorder.save_run()
    return recorder
