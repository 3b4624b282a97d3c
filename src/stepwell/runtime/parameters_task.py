"""The hidden first task of every run: parameters, configs, constants; stored once, inherited by reference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stepwell.datastore.datastore import Datastore
from stepwell.datastore.unstorable import Offender, Unstorable
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.definition.graph_info import graph_info
from stepwell.exceptions import FlowError
from stepwell.model.artifact import ArtifactEntry
from stepwell.model.ids import PARAMETERS_STEP, TaskKey
from stepwell.model.pack import Pack
from stepwell.model.run import RunInfo, TaskRecord
from stepwell.model.states import TaskState
from stepwell.model.task import TaskOutcome, TransitionTaken


def commit_parameters(
    definition: FlowDefinition,
    parameters: Mapping[str, object],
    info: RunInfo,
    datastore: Datastore,
    at: float,
) -> TaskRecord:
    """Seal the pack of ``_parameters`` and return its record.

    Raises
    ------
    FlowError
        A constant or a parameter's value cannot be stored.
    """
    values = {
        **definition.constants,
        **definition.configs,
        **parameters,
        "_graph_info": graph_info(definition),
    }
    entries: list[ArtifactEntry] = []
    offenders: list[Offender] = []
    for name in sorted(values):
        try:
            entries.append(datastore.save(name, values[name]))
        except Unstorable as error:
            offenders.append(error.offender)
    if offenders:
        listed = "\n".join(f"  - {offender}" for offender in offenders)
        raise FlowError(
            f"Values in the body of flow {definition.name} cannot be stored as constants:\n{listed}\n"
            "Make them in the step that uses them, or at the level of the module."
        )
    key = TaskKey(info.flow, info.run, PARAMETERS_STEP, info.parameters_task)
    transition = TransitionTaken("linear", (definition.graph.start,))
    datastore.seal(
        Pack(
            key=key,
            attempt=0,
            outcome=TaskOutcome(ok=True, started_at=at, ended_at=at, transition=transition),
            own=tuple(entries),
        )
    )
    return TaskRecord(
        flow=key.flow, run=key.run, step=key.step, task=key.task, number=0, state=TaskState.SUCCEEDED,
        created_at=at, started_at=at, finished_at=at,
        fields={"start_step": definition.graph.start, "end_step": definition.graph.end},
    )  # fmt: skip


def values_in(first: Pack, names: Iterable[str], datastore: Datastore) -> dict[str, object]:
    """Return the values that a run began with, by attribute, of those names that it has."""
    stored = {entry.name: entry for entry in first.own}
    return {name: datastore.load(first.key.flow, stored[name]) for name in names if name in stored}
