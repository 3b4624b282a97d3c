"""The metadata port: an index over the datastore. Records in, records out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

from msgspec import Struct

from stepwell.model.run import RunRecord, TaskRecord


class RunQuery(Struct, frozen=True, kw_only=True):
    """Which runs to list. Newest first; ``before`` and ``limit`` page through them.

    Attributes
    ----------
    tags
        All of them must be among the run's tags or system tags.
    before
        Only runs whose number is lower.
    """

    flow: str | None = None
    tags: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    before: int | None = None
    limit: int | None = None


class TaskQuery(Struct, frozen=True, kw_only=True):
    """Which tasks of one run to list: newest first, or oldest first with ``ascending``."""

    flow: str
    run: str
    step: str | None = None
    states: tuple[str, ...] = ()
    index_path: str | None = None
    before: int | None = None
    limit: int | None = None
    ascending: bool = False


class StepCount(Struct, frozen=True, array_like=True):
    """How many tasks of a step are in a state; when the first of them was made and the last ended."""

    step: str
    state: str
    tasks: int
    first_number: int
    created_at: float
    finished_at: float | None


class MetadataStore(ABC):
    """Runs, tasks, tags, heartbeats. Safe for many processes at once; used by one thread at a time.

    No record is refused for its texts: they are kept as `metadata.text.storable` makes them.
    """

    @abstractmethod
    def next_run_id(self) -> int:
        """Return a number above every run id handed out before, by any process. Never goes back."""

    @abstractmethod
    def save_run(self, run: RunRecord) -> None:
        """Create the run or replace what is kept of it.

        Not its tags, which only creation sets; and its heartbeat never goes back.
        """

    @abstractmethod
    def replace_run(self, seen: RunRecord, run: RunRecord) -> RunRecord:
        """Save the run like `save_run`, unless its state or heartbeat are no longer those ``seen``.

        Atomic: who saw an old state cannot overwrite a newer one. Returns the run as it is then.
        Tasks of a run that is found lost are lost with it, at the same time, if they have not ended.

        Raises
        ------
        StepwellNotFound
            There is no such run.
        """

    @abstractmethod
    def delete_run(self, seen: RunRecord) -> bool:
        """Remove the run with its tasks and tags, unless its state or heartbeat are no longer those ``seen``.

        Atomic, like `replace_run`: whoever takes the run up at the same time either finds it gone, or keeps
        it. Its id is never handed out again. Returns whether it is gone; what was not there is.
        """

    @abstractmethod
    def beat(self, flow: str, run: str, at: float) -> None:
        """Record that the run process is alive; a run recorded as lost is running again, with its tasks.

        Nothing happens if there is no such run.
        """

    @abstractmethod
    def save_tasks(self, tasks: Sequence[TaskRecord]) -> None:
        """Create or replace the tasks, in one transaction."""

    @abstractmethod
    def change_tags(self, flow: str, run: str, add: Iterable[str], remove: Iterable[str]) -> RunRecord:
        """Atomically remove, then add user tags; return the run as it is then.

        Raises
        ------
        StepwellNotFound
            There is no such run.
        StepwellTaggingError
            The change breaks the rules of tags; nothing is changed.
        """

    @abstractmethod
    def run(self, flow: str, run: str) -> RunRecord | None:
        """Return the run, or None."""

    @abstractmethod
    def runs(self, query: RunQuery) -> Sequence[RunRecord]:
        """Return the runs asked for, newest first."""

    @abstractmethod
    def flows(self) -> Sequence[str]:
        """Return the names of all flows that have a run, sorted."""

    @abstractmethod
    def task(self, flow: str, run: str, step: str, task: str) -> TaskRecord | None:
        """Return the task, or None."""

    @abstractmethod
    def tasks(self, query: TaskQuery) -> Sequence[TaskRecord]:
        """Return the tasks asked for."""

    @abstractmethod
    def steps(self, flow: str, run: str) -> Sequence[StepCount]:
        """Return counts of the run's tasks by step and state, in the order in which steps began."""

    @property
    @abstractmethod
    def location(self) -> str:
        """Where it is, as the client's ``metadata()`` takes it."""

    @abstractmethod
    def close(self) -> None:
        """Free connections. Doing it twice is doing it once."""
