"""What a spun step has for inputs: those of an earlier task, with values of the user's in their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from msgspec.structs import replace

from stepwell.datastore.datastore import Datastore
from stepwell.datastore.unstorable import Unstorable
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.definition.nearest import listed
from stepwell.definition.parameter_values import resolve
from stepwell.exceptions import UsageError
from stepwell.model.artifact import ArtifactEntry
from stepwell.model.ids import PARAMETERS_STEP, TaskKey
from stepwell.model.pack import Pack
from stepwell.model.run import RunInfo, TaskRecord
from stepwell.model.task import LostBranch, TaskOutcome, TaskRef, TaskRequest
from stepwell.model.task_record import parents_in
from stepwell.runtime.options import SpinOrigin
from stepwell.runtime.parameters_task import commit_parameters
from stepwell.runtime.task_order import DueTask, TaskOrder, due_task

SPUN_TASK = "spin"
"""Id of a spun task: no task of the run that it stands on has it."""

_NEVER = TaskOutcome(ok=True, started_at=0.0, ended_at=0.0)


class SpunInputs:
    """Makes the inputs of one spun task.

    Parameters
    ----------
    info
        The run that the task is made in; its tasks are those of the origin until others are written for them.
    artifacts
        Values that stand for those of the inputs; for a join, such values by the pathspec of the input.
    """

    def __init__(
        self,
        definition: FlowDefinition,
        datastore: Datastore,
        info: RunInfo,
        artifacts: Mapping[str, object],
    ) -> None:
        self._definition = definition
        self._datastore = datastore
        self._info = info
        self._artifacts = artifacts

    def due(self, step: str, origin: SpinOrigin | None, index: int | None) -> DueTask:
        """Return the task as it can start, once its inputs are written.

        Raises
        ------
        UsageError
            The inputs are not to be had, or the values do not fit them.
        StepwellDataMissing
            The results of an input are gone.
        """
        is_join = self._definition.graph[step].is_join
        if origin is None:
            return self._first_join(step) if is_join else self._first(step)
        if origin.task is not None:
            due = self._again(step, origin.task)
        elif origin.parent is not None:
            due = self._after(step, origin.parent, index)
        else:
            raise UsageError(f"Run {origin.run.run} has no task that leads to step `{step}`.")
        if self._artifacts:
            parents = due.request.parents
            values = self._by_parent(parents) if is_join else {parents[0]: self._artifacts}
            for parent, own in values.items():
                self._override(parent, own)
        return due

    # On what an earlier task had

    def _again(self, step: str, task: TaskRecord) -> DueTask:
        key = TaskKey(task.flow, task.run, step, task.task)
        left = self._datastore.pack(key) or next(reversed(self._datastore.failures(key)), None)
        path = tuple(int(index) for index in task.index_path.split(",") if index)
        if left is not None and (left.parents or left.split is not None):
            parents, split, lost = left.parents, left.split, left.lost
        else:
            # It has left nothing yet, and the index knows what it follows.
            parents, split, lost = tuple(_refs_in(task.parents)), None, ()
            if self._definition.graph[step].is_join:
                parents, split = self._joined(step, parents)
        index = path[-1] if split is None and path and self._pack(parents[0]).items is not None else None
        return self._due(step, parents, split, lost, index, path)

    def _joined(self, step: str, parents: tuple[TaskRef, ...]) -> tuple[tuple[TaskRef, ...], TaskRef | None]:
        run = self._info.run
        inputs = tuple(f"{run}/{ref.step}/{ref.task}" for ref in parents)
        order = TaskOrder(run=run, step=step, task=SPUN_TASK, inputs=inputs)
        request = due_task(order, self._info.flow, self._definition.graph, self._datastore).request
        return request.parents, request.split

    def _after(self, step: str, parent: TaskRecord, index: int | None) -> DueTask:
        ref = TaskRef(parent.step, parent.task)
        pack = self._pack(ref)
        path = tuple(frame.index for frame in pack.frames)
        if pack.items is None:
            return self._due(step, (ref,), path=path)
        chosen = index or 0
        if chosen >= pack.items.count:
            raise UsageError(
                f"Item {chosen} is asked for, but the foreach of {pack.key.short} has {pack.items.count}."
            )
        return self._due(step, (ref,), index=chosen, path=(*path, chosen))

    def _due(
        self,
        step: str,
        parents: tuple[TaskRef, ...],
        split: TaskRef | None = None,
        lost: tuple[LostBranch, ...] = (),
        index: int | None = None,
        path: tuple[int, ...] = (),
    ) -> DueTask:
        key = TaskKey(self._info.flow, self._info.run, step, SPUN_TASK)
        request = TaskRequest(
            key=key, attempt=0, parents=parents, split=split, lost=lost, index=index, attended=True
        )
        return DueTask(request, path)

    def _pack(self, ref: TaskRef) -> Pack:
        return next(iter(self._datastore.packs(self._info.flow, self._info.run, [ref])))

    # With the user's values in place of others

    def _by_parent(self, parents: tuple[TaskRef, ...]) -> dict[TaskRef, Mapping[str, object]]:
        """Return the values for each input of a join; inputs are named by their pathspec, or its end."""
        above = f"{self._info.flow}/{self._info.origin_run}"
        paths = {f"{above}/{ref.step}/{ref.task}": ref for ref in parents}
        found: dict[TaskRef, Mapping[str, object]] = {}
        for name, values in self._artifacts.items():
            named = [ref for path, ref in paths.items() if path == name or path.endswith(f"/{name}")]
            if len(named) != 1:
                raise UsageError(
                    f"ARTIFACTS has `{name}`, which is no input. The inputs are: {listed(paths)}."
                )
            found[named[0]] = _dict_of(name, values)
        return found

    def _override(self, ref: TaskRef, values: Mapping[str, object]) -> None:
        pack = self._pack(ref)
        kept = (entry for name, entry in self._datastore.visible(pack).items() if name not in values)
        inherited, blob = self._datastore.with_inherited(kept)
        key = TaskKey(self._info.flow, self._info.run, ref.step, ref.task)
        own = self._saved(values)
        self._datastore.seal(replace(pack, key=key, own=own, inherited=inherited, inherited_blob=blob))

    def _saved(self, values: Mapping[str, object]) -> tuple[ArtifactEntry, ...]:
        try:
            return tuple(self._datastore.save(name, values[name]) for name in sorted(values))
        except Unstorable as error:
            raise UsageError(f"A value in ARTIFACTS cannot be stored:\n  - {error.offender}") from error

    # On nothing but the user's values

    def _first(self, step: str) -> DueTask:
        self._commit_parameters(self._artifacts)
        return self._due(step, (TaskRef(PARAMETERS_STEP, self._info.parameters_task),))

    def _first_join(self, step: str) -> DueTask:
        self._commit_parameters({})
        split = TaskRef(str(self._definition.graph[step].split), SPUN_TASK)
        inputs = {_ref_in(name): _dict_of(name, values) for name, values in self._artifacts.items()}
        for ref, values in {**inputs, split: dict[str, object]()}.items():
            key = TaskKey(self._info.flow, self._info.run, ref.step, ref.task)
            self._datastore.seal(Pack(key=key, attempt=0, outcome=_NEVER, own=self._saved(values)))
        return self._due(step, tuple(inputs), split)

    def _commit_parameters(self, artifacts: Mapping[str, object]) -> None:
        """Store parameters, at the values given or their defaults, and the other values, as a first task."""
        try:
            flow_class, scope = self._definition.flow_class, self._definition.scope
            parameters = resolve(flow_class, {}, scope, known=artifacts, user_name=self._info.user)
        except UsageError as error:
            error.message += " There is no earlier run that has it: give it in ARTIFACTS."
            raise
        commit_parameters(self._definition, {**artifacts, **parameters}, self._info, self._datastore, 0.0)


def _refs_in(parents: str) -> Iterator[TaskRef]:
    for step, first, last in parents_in(parents):
        if first == last:
            yield TaskRef(step, first)
        else:
            yield from (TaskRef(step, str(task)) for task in range(int(first), int(last) + 1))


def _ref_in(pathspec: str) -> TaskRef:
    parts = pathspec.split("/")
    if len(parts) < 2 or not all(parts):
        raise UsageError(
            f"ARTIFACTS has `{pathspec}`: of a join it has a dict for each input, by FLOW/RUN/STEP/TASK."
        )
    return TaskRef(parts[-2], parts[-1])


def _dict_of(name: str, values: object) -> Mapping[str, object]:
    if not isinstance(values, Mapping):
        raise UsageError(f"ARTIFACTS[{name!r}] must be a dict of artifacts of this input of the join.")
    return cast("Mapping[str, object]", values)
