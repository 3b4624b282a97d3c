"""A run that a scheduler drives: registered once, then moved on by each of its tasks.

::

    register_run                          pending
    its first task begins                 running
    a task has failed for good            failed (interrupted, if it was ended from outside)
    that task is tried once more          running again
    the exit step has committed           succeeded
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from stepwell.datastore.datastore import Datastore
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.exceptions import StepwellNotFound, UsageError
from stepwell.metadata_store import tags
from stepwell.metadata_store.run_order import run_number
from stepwell.metadata_store.store import MetadataStore
from stepwell.model.given_ids import fault_of_run_id, fault_of_task_id
from stepwell.model.ids import PARAMETERS_TASK
from stepwell.model.run import DRIVEN_BY, PARAMETERS_ID, RunInfo, RunRecord
from stepwell.model.states import RunState
from stepwell.runtime.clock import Clock
from stepwell.runtime.code_keeping import CodeKeeper
from stepwell.runtime.options import RunSettings
from stepwell.runtime.parameters_task import commit_parameters
from stepwell.runtime.refusals import refuse_gangs
from stepwell.runtime.step_code_keeping import keep_step_codes
from stepwell.runtime.surroundings import GitState, fields, system_tags

_OPEN = frozenset({RunState.PENDING, RunState.RUNNING, RunState.LOST})
_BROKEN_OFF = frozenset({RunState.FAILED, RunState.INTERRUPTED})


class Registration(Struct, frozen=True, kw_only=True):
    """What a scheduler says of a run that begins.

    Attributes
    ----------
    run, parameters_task
        Ids of the run and of its ``_parameters`` task.
    more
        Fields to record beside.
    """

    run: str
    parameters_task: str = PARAMETERS_TASK
    tags: tuple[str, ...] = ()
    more: dict[str, str] = {}


def register_run(
    definition: FlowDefinition,
    parameters: Mapping[str, object],
    registration: Registration,
    stores: tuple[Datastore, MetadataStore],
    settings: RunSettings,
    clock: Clock,
) -> RunRecord:
    """Register a run with its ``_parameters`` task; return its record.

    Raises
    ------
    UsageError
        An id is no id, or the run's is taken.
    StepwellTaggingError
        The tags break the rules of tags.
    FlowError
        A constant or a parameter's value cannot be stored.
    GraphError
        The flow has steps that run as gangs.
    """
    refuse_gangs(definition, "a scheduler that starts each task by itself")
    _check(registration)
    datastore, metadata = stores
    git = GitState(definition.file)
    code = CodeKeeper(definition.file, settings.package_suffixes, datastore)
    record = _record(definition, registration, stores, settings, clock.now())
    record = replace(record, fields={**record.fields, "git-info": git.info(), **code.fields()})
    if not datastore.run_records.claim(record):
        raise UsageError(
            f"There is a run with the id `{record.run}` in {datastore.location} already. "
            "Give every run an id of its own, whatever its flow."
        )
    info = RunInfo(
        flow=record.flow, run=record.run, script=definition.file, user=record.user,
        parameters_task=record.parameters_task, code_version=code.version,
    )  # fmt: skip
    try:
        first = commit_parameters(definition, parameters, info, datastore, record.created_at)
        keep_step_codes(definition, info, datastore)
    except BaseException:
        datastore.run_records.forget(record)
        raise
    if settings.fsync != "never":
        datastore.sync()
    metadata.save_run(record)
    metadata.save_tasks([first])
    return record


def _check(registration: Registration) -> None:
    if fault := fault_of_run_id(registration.run):
        raise UsageError(f"{registration.run!r} cannot be the id of a run. {fault}")
    if fault := fault_of_task_id(registration.parameters_task):
        raise UsageError(f"{registration.parameters_task!r} cannot be the id of a task. {fault}")


def _record(
    definition: FlowDefinition,
    registration: Registration,
    stores: tuple[Datastore, MetadataStore],
    settings: RunSettings,
    now: float,
) -> RunRecord:
    datastore, metadata = stores
    details = {
        **fields(definition.file, sys.argv),
        **registration.more,
        "start_step": definition.graph.start,
        "end_step": definition.graph.end,
        "ds-type": "local",
        "ds-root": datastore.location,
        DRIVEN_BY: "scheduler",
    }
    if registration.parameters_task != PARAMETERS_TASK:
        details[PARAMETERS_ID] = registration.parameters_task
    return RunRecord(
        flow=definition.name,
        run=registration.run,
        state=RunState.PENDING,
        user=settings.user,
        created_at=now,
        heartbeat_at=now,
        host=socket.gethostname(),
        tags=tags.check(registration.tags),
        system_tags=system_tags(settings.user),
        fields=details,
        # Runs stand in the order of their numbers: one whose id is none takes the next.
        number=0 if run_number(registration.run) else metadata.next_run_id(),
    )


def tag_run(
    run: RunRecord, added: tuple[str, ...], datastore: Datastore, metadata: MetadataStore
) -> RunRecord:
    """Add user tags to a run, those that it does not have; return it as it is then."""
    if set(added) <= {*run.tags, *run.system_tags}:
        return run
    changed = metadata.change_tags(run.flow, run.run, added, ())
    datastore.run_records.tag(run.run, changed.tags)
    return changed


class SchedulerRun:
    """The state of a run, as its tasks move it: in many processes, at the same time.

    Attributes
    ----------
    ended
        How the run ended, if it was ended here: no other process is told the same.
    """

    def __init__(
        self, record: RunRecord, datastore: Datastore, metadata: MetadataStore, clock: Clock
    ) -> None:
        self.record = record
        self._datastore = datastore
        self._metadata = metadata
        self._clock = clock
        self.ended: RunState | None = None

    def begin(self, again: bool) -> None:
        """A task begins; ``again`` if it had failed before.

        Raises
        ------
        UsageError
            The run has succeeded: no task of it is due.
        """
        self._metadata.beat(self.record.flow, self.record.run, self._clock.now())
        wakes = _OPEN | _BROKEN_OFF if again else _OPEN
        self._move(wakes, RunState.RUNNING, "")
        if self.record.state is RunState.SUCCEEDED:
            raise UsageError(
                f"The run {self.record.flow}/{self.record.run} has succeeded. No task of it is due any more."
            )

    def succeed(self) -> None:
        """The exit step has committed."""
        self._move(_BROKEN_OFF, RunState.RUNNING, "")
        self._move(_OPEN, RunState.SUCCEEDED, "")

    def end(self, state: RunState, reason: str) -> None:
        """A task has failed for good."""
        self._move(_OPEN, state, reason)

    def _move(self, sources: frozenset[RunState], target: RunState, reason: str) -> None:
        """Go from one of the sources to the target; from another state, stay there."""
        while True:
            seen = self._metadata.run(self.record.flow, self.record.run)
            if seen is None:
                raise StepwellNotFound(
                    f"The run {self.record.flow}/{self.record.run} is gone from the index."
                )
            self.record = seen
            if seen.state is target or seen.state not in sources:
                return
            ended_at = self._clock.now() if target.finished else None
            wanted = replace(seen, state=target, reason=reason, finished_at=ended_at)
            self.record = self._metadata.replace_run(seen, wanted)
            if self.record.state is target:
                break  # else it has changed, or a task has beaten, since it was seen
        if target.finished:
            if self.record.finished_at == ended_at:
                self.ended = target
            self._datastore.run_records.end(self.record)
