"""Flows, runs, steps, tasks and artifacts, as users hold them."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from stepwell.client import artifacts, missing
from stepwell.client.addressed import Container, PartOfRun, mismatch, moment
from stepwell.client.artifacts import TaskData
from stepwell.client.family import children_of, parents_of
from stepwell.client.graph import neighbours
from stepwell.client.recorded_run import RecordedRun
from stepwell.client.recorded_task import RecordedArtifact, RecordedTask
from stepwell.client.scope import Scope
from stepwell.client.session import current_scope
from stepwell.client.stored import StoredRun, StoredTask, newest_runs
from stepwell.client.task_fields import environment_of
from stepwell.metadata_store.store import RunQuery, StepCount
from stepwell.model.run import TaskRecord
from stepwell.model.states import RunState, TaskState


class Stepwell:
    """All flows that have runs in the namespace, by name."""

    def __init__(self, at: Scope | None = None) -> None:
        self._scope = current_scope() if at is None else at

    @property
    def flows(self) -> list[Flow]:
        """The flows, sorted by name."""
        return list(self)

    def __iter__(self) -> Iterator[Flow]:
        for name in self._scope.flows:
            if _newest(self._scope, name) is not None:
                yield Flow.known(self._scope, name)

    def __getitem__(self, name: str) -> Flow:
        if name not in self._scope.flows:
            raise KeyError(name)
        return Flow(name, self._scope)

    def __contains__(self, name: object) -> bool:
        return name in self._scope.flows and _newest(self._scope, str(name)) is not None

    def __repr__(self) -> str:
        return "Stepwell()"


class Flow(Container["Run"]):
    """A flow that has runs; its children are those in the namespace."""

    form = "FLOW"

    def _open(self) -> None:
        if _newest(self._scope, self.id) is None:
            metadata = self._scope.connection.stores.metadata
            if self._scope.namespace is None or not metadata.runs(RunQuery(flow=self.id, limit=1)):
                raise missing.no_flow(metadata, self.id)
            raise mismatch(self.id, self._scope.namespace)

    @classmethod
    def known(cls, scope: Scope, name: str) -> Flow:
        """Return the flow without asking whether it exists."""
        made = cls.__new__(cls)
        made._scope, made._path = scope, (name,)
        return made

    def __reduce__(self) -> tuple[object, ...]:
        return (Flow.known, (self._scope, self.id))

    @property
    def parent(self) -> None:
        """Flows have none."""

    @property
    def tags(self) -> frozenset[str]:
        """Empty: tags belong to runs."""
        return frozenset()

    @property
    def user_tags(self) -> frozenset[str]:
        return self.tags

    @property
    def system_tags(self) -> frozenset[str]:
        return self.tags

    def is_in_namespace(self) -> bool:
        """Whether the namespace as it is now shows a run of this flow."""
        now = Scope(self._scope.connection, current_scope().namespace)
        return _newest(now, self.id) is not None

    @property
    def created_at(self) -> datetime | None:
        """When the first of its runs in the namespace began."""
        return min((run.created_at for run in self), default=None)

    @property
    def finished_at(self) -> datetime | None:
        """When the newest run ended; None if it has not."""
        newest = self.latest_run
        return None if newest is None else newest.finished_at

    @property
    def latest_run(self) -> Run | None:
        """The newest run, or None."""
        return next(iter(self), None)

    @property
    def latest_successful_run(self) -> Run | None:
        """The newest run that has succeeded, or None."""
        return _newest(self._scope, self.id, (RunState.SUCCEEDED.value,))

    def runs(self, *tags: str) -> Iterator[Run]:
        """Yield runs, newest first, that have all of the tags; read as far as they are taken."""
        query = RunQuery(flow=self.id, tags=(*tags, *self._scope.tags))
        for stored in newest_runs(self._scope.connection, query):
            yield Run.known(self._scope, stored)

    def __iter__(self) -> Iterator[Run]:
        return self.runs()

    def _child(self, id: str) -> Run | None:
        found = self._scope.connection.stores.metadata.run(self.id, id)
        return None if found is None else Run(f"{self.id}/{id}", self._scope)

    def __contains__(self, id: object) -> bool:
        found = self._scope.connection.stores.metadata.run(self.id, id) if isinstance(id, str) else None
        return found is not None and {*found.tags, *found.system_tags}.issuperset(self._scope.tags)


class Run(RecordedRun, Container["Step"]):
    """One execution of a flow; its children are the steps that have begun, without the hidden ones."""

    form = "FLOW/RUN"

    def _open(self) -> None:
        self._open_run()

    @classmethod
    def known(cls, scope: Scope, stored: StoredRun) -> Run:
        """Return the run without asking whether it exists."""
        made = cls.__new__(cls)
        made._scope, made._path, made._run = scope, (stored.flow, stored.run), stored
        return made

    def __reduce__(self) -> tuple[object, ...]:
        return (Run.known, (self._scope, self._run))

    @property
    def parent(self) -> Flow:
        """The flow."""
        return Flow.known(self._scope, self._path[0])

    @property
    def end_task(self) -> Task | None:
        """The newest task of the exit step; None if it has not begun."""
        end = self._run.known().fields.get("end_step", "end")
        found = self._child(end)
        return None if found is None else found.task

    @property
    def data(self) -> TaskData | None:
        """Artifacts of the exit step; None if it has not begun."""
        task = self.end_task
        return None if task is None else task.data

    def steps(self, *tags: str) -> Iterator[Step]:
        """Yield steps that have begun, newest first, that have all of the tags, which are the run's."""
        if self.tags.issuperset(tags):
            names = dict.fromkeys(count.step for count in self._run.steps())
            for name in reversed(names):
                if not name.startswith("_"):
                    yield Step.known(self._scope, self._run, name)

    def __iter__(self) -> Iterator[Step]:
        return self.steps()

    def _child(self, id: str) -> Step | None:
        newest = next(self._run.newest_tasks(id), None)
        return None if newest is None else Step.known(self._scope, self._run, id)


class Step(PartOfRun, Container["Task"]):
    """One step of a run; its children are its tasks."""

    form = "FLOW/RUN/STEP"

    def _open(self) -> None:
        self._open_run()
        if next(self._run.newest_tasks(self.id), None) is None:
            raise missing.no_step(
                self._scope.connection.stores.metadata, self._run.flow, self._run.run, self.id
            )

    @classmethod
    def known(cls, scope: Scope, run: StoredRun, name: str) -> Step:
        """Return the step without asking whether it exists."""
        made = cls.__new__(cls)
        made._scope, made._path, made._run = scope, (run.flow, run.run, name), run
        return made

    def __reduce__(self) -> tuple[object, ...]:
        return (Step.known, (self._scope, self._run, self.id))

    @property
    def parent(self) -> Run:
        """The run."""
        return Run.known(self._scope, self._run)

    @property
    def created_at(self) -> datetime | None:
        """When the first of its tasks began."""
        return moment(min((count.created_at for count in self._counts()), default=None))

    @property
    def finished_at(self) -> datetime | None:
        """When the last of its tasks ended; None if one has not."""
        counts = self._counts()
        if not all(TaskState(count.state).finished for count in counts):
            return None
        return moment(max((count.finished_at or count.created_at for count in counts), default=None))

    def _counts(self) -> list[StepCount]:
        return [count for count in self._run.steps() if count.step == self.id]

    @property
    def task(self) -> Task | None:
        """One of its tasks: the newest."""
        return next(iter(self), None)

    def tasks(self, *tags: str) -> Iterator[Task]:
        """Yield tasks, newest first, that have all of the tags; tasks have those of the run."""
        if self.tags.issuperset(tags):
            for record in self._run.newest_tasks(self.id):
                yield Task.known(self._scope, self._run, record)

    @property
    def control_task(self) -> Task | None:
        """The first node of a gang; None if the step is none."""
        return next(self.control_tasks(), None)

    def control_tasks(self, *tags: str) -> Iterator[Task]:
        """Yield the first node of each gang that has all of the tags."""
        return (task for task in self.tasks(*tags) if task.is_control)

    @property
    def environment_info(self) -> dict[str, str]:
        """What the step ran in."""
        return environment_of(self._run.known())

    @property
    def parent_steps(self) -> Iterator[Step]:
        """Yield the steps that lead here and have begun."""
        return self._begun(neighbours(self._run, self.id).parents)

    @property
    def child_steps(self) -> Iterator[Step]:
        """Yield the steps that this one leads to and that have begun."""
        return self._begun(neighbours(self._run, self.id).children)

    def _begun(self, names: Iterable[str]) -> Iterator[Step]:
        for name in names:
            if name in self.parent:
                yield Step.known(self._scope, self._run, name)

    def __iter__(self) -> Iterator[Task]:
        return self.tasks()

    def _child(self, id: str) -> Task | None:
        found = StoredTask(self._run, self.id, id)
        return None if found.find() is None else Task.of(self._scope, found)


class Task(RecordedTask, Container["DataArtifact"]):
    """One execution of a step; its children are its artifacts, without private ones.

    Parameters
    ----------
    attempt
        Which attempt to show, from 0; None is the latest.
    """

    form = "FLOW/RUN/STEP/TASK"

    def _open(self) -> None:
        self._open_task()

    @classmethod
    def known(cls, scope: Scope, run: StoredRun, record: TaskRecord, attempt: int | None = None) -> Task:
        """Return the task of a record."""
        return cls.of(scope, StoredTask(run, record.step, record.task, attempt, record))

    @classmethod
    def of(cls, scope: Scope, task: StoredTask) -> Task:
        """Return the task without asking whether it exists."""
        made = cls.__new__(cls)
        made._scope, made._path, made._run = scope, tuple(task.key.pathspec.split("/")), task.run
        made._task, made._attempt_asked = task, task.attempt_asked
        return made

    def __reduce__(self) -> tuple[object, ...]:
        return (Task.of, (self._scope, self._task))

    @property
    def parent(self) -> Step:
        """The step."""
        return Step.known(self._scope, self._run, self._path[2])

    @property
    def artifacts(self) -> Any:
        """The public artifacts as a named tuple, sorted by name; nothing is loaded."""
        names = artifacts.public_names(self._task)
        return namedtuple("Artifacts", names, rename=True)(*map(self._artifact, names))  # pyright: ignore[reportUntypedNamedTuple]  # its names are data

    def __iter__(self) -> Iterator[DataArtifact]:
        return map(self._artifact, artifacts.public_names(self._task))

    def _child(self, id: str) -> DataArtifact | None:
        return self._artifact(id) if artifacts.has(self._task, id) else None

    def _artifact(self, name: str) -> DataArtifact:
        return DataArtifact.of(self._scope, self._task, name)

    @property
    def parent_tasks(self) -> Iterator[Task]:
        """Yield the tasks that this one inherits from; for a join its inputs, in their order."""
        for ref in parents_of(self._task):
            yield Task.of(self._scope, StoredTask(self._run, ref.step, ref.task))

    @property
    def parent_task_pathspecs(self) -> Iterator[str]:
        """Yield the pathspecs of the parents."""
        return (self._task.key.sibling(ref.step, ref.task).pathspec for ref in parents_of(self._task))

    @property
    def child_tasks(self) -> Iterator[Task]:
        """Yield the tasks that inherit from this one, newest first."""
        return (Task.known(self._scope, self._run, record) for record in children_of(self._task))

    @property
    def child_task_pathspecs(self) -> Iterator[str]:
        """Yield the pathspecs of the children."""
        for record in children_of(self._task):
            yield self._task.key.sibling(record.step, record.task).pathspec


class DataArtifact(RecordedArtifact):
    """One artifact of a task. Nothing is loaded before `data` is read.

    Parameters
    ----------
    attempt
        Which attempt's, from 0; None is the latest.
    """

    form = "FLOW/RUN/STEP/TASK/ARTIFACT"

    def _open(self) -> None:
        self._open_task()
        if not artifacts.has(self._task, self.id):
            raise missing.no_artifact(self._task.key.pathspec, self.id, artifacts.all_names(self._task))

    @classmethod
    def of(cls, scope: Scope, task: StoredTask, name: str) -> DataArtifact:
        """Return the artifact without asking whether it exists."""
        made = cls.__new__(cls)
        made._scope, made._path, made._run = scope, (*task.key.pathspec.split("/"), name), task.run
        made._task, made._attempt_asked = task, task.attempt_asked
        return made

    def __reduce__(self) -> tuple[object, ...]:
        return (DataArtifact.of, (self._scope, self._task, self.id))

    @property
    def parent(self) -> Task:
        """The task."""
        return Task.of(self._scope, self._task)


def _newest(scope: Scope, flow: str, states: tuple[str, ...] = ()) -> Run | None:
    query = RunQuery(flow=flow, tags=scope.tags, states=states, limit=1)
    found = scope.connection.stores.metadata.runs(query)
    if not found:
        return None
    return Run.known(scope, StoredRun(scope.connection, flow, found[0].run, found[0]))
