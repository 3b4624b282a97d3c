"""What there is to say of a task and of an artifact from what is stored of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from stepwell.client import artifacts, task_log
from stepwell.client.addressed import PartOfRun, moment
from stepwell.client.artifacts import TaskData
from stepwell.client.scope import Scope
from stepwell.client.stored import StoredRun, StoredTask
from stepwell.client.task_fields import (
    Metadata,
    MetricPoint,
    environment_of,
    facts_of,
    metrics_of,
    recorded_fields,
    runtime_of,
)
from stepwell.exceptions import StepwellNotFound
from stepwell.model.states import RunState
from stepwell.model.task_record import origin_in

if TYPE_CHECKING:
    from stepwell.client.code import MetaflowCode


class PartOfTask(PartOfRun):
    """Something that belongs to an attempt of a task."""

    _task: StoredTask

    def __init__(self, pathspec: str, attempt: int | None = None, at: Scope | None = None) -> None:
        self._attempt_asked = attempt
        super().__init__(pathspec, at)

    def _key(self) -> tuple[object, ...]:
        return (*super()._key(), self._attempt_asked)

    def _open_task(self) -> None:
        self._open_run()
        self._task = _opened(self._run, self._path, self._attempt_asked)


class RecordedTask(PartOfTask):
    """The properties of a task that need no other object."""

    @property
    def created_at(self) -> datetime:
        """When its first attempt began."""
        return datetime.fromtimestamp(self._task.record().created_at)

    @property
    def finished_at(self) -> datetime | None:
        """When the attempt ended; None if it has not."""
        return moment(self._task.finished_at)

    @property
    def finished(self) -> bool:
        """Whether the attempt has ended, and no retry is due."""
        return self._task.finished

    @property
    def successful(self) -> bool:
        """Whether the attempt has succeeded."""
        return self._task.successful

    @property
    def status(self) -> str:
        """State of the task, such as ``succeeded``; a running task of a lost run is ``lost``."""
        state = self._task.record().state
        return "lost" if not state.finished and self._run.record().state is RunState.LOST else state.value

    @property
    def current_attempt(self) -> int:
        """Number of the attempt that is shown, from 0."""
        return self._task.attempt

    @property
    def origin_pathspec(self) -> str | None:
        """The task whose result this is, if it was reused or cached; None if it ran itself."""
        origin = origin_in(self._task.record())
        return None if origin is None else origin.pathspec

    @property
    def index(self) -> int | None:
        """Index of the innermost foreach item that the task works on; None outside of a foreach."""
        path = self._task.record().index_path
        return int(path.rpartition(",")[2]) if path else None

    @property
    def is_control(self) -> bool:
        """Whether the task is the first node of a gang."""
        return "parallel-world-size" in self._task.record().fields and "_node_" not in self.id

    @property
    def data(self) -> TaskData:
        """Artifacts as attributes, each loaded when it is read."""
        return TaskData(self._task)

    @property
    def exception(self) -> Any:
        """What the attempt raised, as a `StepwellExceptionWrapper`; None if it succeeded, or was caught."""
        return artifacts.exception_of(self._task)

    @property
    def metadata(self) -> list[Metadata]:
        """The recorded fields."""
        return recorded_fields(self._task)

    @property
    def metadata_dict(self) -> Mapping[str, str]:
        """Values of the recorded fields by name; of several with one name, the latest."""
        return {field.name: field.value for field in self.metadata}

    @property
    def facts(self) -> dict[str, Any]:
        """What the attempt said with ``current.log``, by name; there once the attempt has ended."""
        return facts_of(self._task.pack())

    @property
    def metrics(self) -> dict[str, list[MetricPoint]]:
        """What the attempt measured with ``current.metric``: points by series, in the order of the calls."""
        return metrics_of(self._task.pack())

    @property
    def runtime_name(self) -> str | None:
        """Name of the runtime, such as ``local``."""
        return runtime_of(self._run.known())

    @property
    def environment_info(self) -> dict[str, str]:
        """What the task ran in."""
        return environment_of(self._run.known())

    @property
    def code(self) -> MetaflowCode | None:
        """The files that it was run from; None if they were not kept."""
        from stepwell.client.code import MetaflowCode  # archives are seldom asked for

        return MetaflowCode.of(self._run)

    @property
    def stdout(self) -> str:
        """What the attempt printed to standard output."""
        return task_log.text(self._task, "stdout")

    @property
    def stderr(self) -> str:
        """What the attempt printed to standard error."""
        return task_log.text(self._task, "stderr")

    @property
    def stdout_size(self) -> int:
        """Size of standard output in bytes."""
        return len(task_log.printed(self._task, "stdout"))

    @property
    def stderr_size(self) -> int:
        """Size of standard error in bytes."""
        return len(task_log.printed(self._task, "stderr"))

    def loglines(
        self, stream: Literal["stdout", "stderr"], as_unicode: bool = True
    ) -> Iterator[tuple[datetime, str | bytes]]:
        """Yield the lines of a stream, each with the time when it was printed."""
        return task_log.lines(self._task, stream, as_unicode)


class RecordedArtifact(PartOfTask):
    """The properties of an artifact that need no other object."""

    @property
    def created_at(self) -> datetime | None:
        """When the task committed it."""
        return self.finished_at

    @property
    def finished_at(self) -> datetime | None:
        """When the task committed it."""
        return moment(self._task.finished_at)

    @property
    def data(self) -> Any:
        """The value, loaded anew each time.

        Raises
        ------
        BlobCorrupted, StepwellDataMissing
            It is not as it was written, or is gone.
        UntrustedData
            Somebody else wrote it, and loading it could run code of theirs; see `metadata`.
        DataException
            What it was written with is not here.
        """
        return artifacts.value_of(self._task, self.id)

    @property
    def preview(self) -> str:
        """A short text that shows the value, made when it was written; nothing is loaded."""
        return artifacts.preview_of(self._task, self.id)

    @property
    def type(self) -> str:
        """Dotted name of the value's class; nothing is loaded."""
        return artifacts.type_of(self._task, self.id)

    def bytes(self) -> bytes:
        """Return the value as it is stored; nothing is loaded.

        Raises
        ------
        BlobCorrupted, StepwellDataMissing
            It is not as it was written, or is gone.
        """
        return artifacts.bytes_of(self._task, self.id)

    @property
    def size(self) -> int:
        """Size of the stored value in bytes."""
        return artifacts.size_and_digest(self._task, self.id)[0]

    @property
    def sha(self) -> str:
        """Hash of the stored value: equal values of one type have equal ones."""
        return artifacts.size_and_digest(self._task, self.id)[1].hex()


def _opened(run: StoredRun, path: tuple[str, ...], attempt: int | None) -> StoredTask:
    """Return a task that exists, and has had the attempt if one is asked for.

    Raises
    ------
    StepwellNotFound
    """
    task = StoredTask(run, path[2], path[3], attempt)
    latest = task.record().attempt
    if attempt is not None and not 0 <= attempt <= latest:
        raise StepwellNotFound(
            f"Task {task.key.pathspec} has no attempt {attempt}; its attempts are 0 to {latest}."
        )
    return task
