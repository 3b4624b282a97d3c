"""One run and one task as they are stored: records from the index, and packs when they are asked for."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

from msgspec.structs import replace

from stepwell.client import missing
from stepwell.client.scope import Connection
from stepwell.metadata_store.liveness import settle
from stepwell.metadata_store.run_order import place_of
from stepwell.metadata_store.store import RunQuery, StepCount, TaskQuery
from stepwell.model.artifact import ArtifactEntry
from stepwell.model.ids import TaskKey
from stepwell.model.pack import Pack
from stepwell.model.run import RunRecord, TaskRecord
from stepwell.model.states import RunState, TaskState
from stepwell.model.task_record import record_of

_FIRST_PAGE = 16
_LARGEST_PAGE = 1024
_GOOD_ENDS = (TaskState.SUCCEEDED, TaskState.REUSED, TaskState.CACHED, TaskState.SKIPPED)


class StoredRun:
    """A run in the index. Its record is read again as long as the run can change.

    Parameters
    ----------
    record
        What was read of it already.
    """

    __slots__ = ("_read", "connection", "flow", "run")

    def __init__(self, connection: Connection, flow: str, run: str, record: RunRecord | None = None) -> None:
        self.connection: Connection = connection
        self.flow: str = flow
        self.run: str = run
        self._read = record

    def __reduce__(self) -> tuple[object, ...]:
        return (StoredRun, (self.connection, self.flow, self.run))

    def known(self) -> RunRecord:
        """Return the record as it was first read: for what never changes.

        Raises
        ------
        StepwellNotFound
            There is no such run.
        """
        return self._read or self.record()

    def record(self) -> RunRecord:
        """Return the record as it is now; a run that has died without a word is lost.

        Raises
        ------
        StepwellNotFound
            There is no such run.
        """
        read = self._read
        if read is not None and read.state is RunState.SUCCEEDED:
            return read
        metadata = self.connection.stores.metadata
        found = metadata.run(self.flow, self.run)
        if found is None:
            raise missing.no_run(metadata, self.flow, self.run)
        self._read = settle(metadata, found, time.time(), socket.gethostname())
        return self._read

    def steps(self) -> list[StepCount]:
        """Return counts of the tasks by step and state, in the order in which steps began."""
        return list(self.connection.stores.metadata.steps(self.flow, self.run))

    def newest_tasks(
        self, step: str | None = None, index_path: str | None = None, above: int = -1
    ) -> Iterator[TaskRecord]:
        """Yield tasks, newest first, down to those with a number above ``above``; read page by page."""
        limit, before = _FIRST_PAGE, None
        while True:
            # The stores are asked for anew: each page may be taken by another thread.
            page = self.connection.stores.metadata.tasks(
                TaskQuery(
                    flow=self.flow, run=self.run, step=step, index_path=index_path, before=before, limit=limit
                )
            )
            for record in page:
                if record.number <= above:
                    return
                yield record
            if len(page) < limit:
                return
            before, limit = page[-1].number, min(2 * limit, _LARGEST_PAGE)

    def change_tags(self, add: list[str], remove: list[str]) -> None:
        """Remove, then add user tags, atomically; the datastore gets them too, for when the index is lost."""
        stores = self.connection.stores
        changed = stores.metadata.change_tags(self.flow, self.run, add, remove)
        while True:
            stores.datastore.run_records.tag(self.run, changed.tags)
            self._read = changed
            changed = stores.metadata.run(self.flow, self.run) or changed
            if changed.tags == self._read.tags:
                return  # else somebody changed them meanwhile, and may have written before us


def newest_runs(connection: Connection, query: RunQuery) -> Iterator[StoredRun]:
    """Yield the runs that the query asks for, newest first; read page by page."""
    limit = _FIRST_PAGE
    while True:
        page = connection.stores.metadata.runs(replace(query, limit=limit))
        for record in page:
            yield StoredRun(connection, record.flow, record.run, record)
        if len(page) < limit:
            return
        query, limit = replace(query, before=place_of(page[-1])), min(2 * limit, _LARGEST_PAGE)


class StoredTask:
    """A task in the index, and the pack of one of its attempts.

    Parameters
    ----------
    attempt
        Which attempt to show; None is the latest.
    record
        What was read of the task already.
    """

    __slots__ = ("_entries", "_pack", "_read", "attempt_asked", "key", "run")

    def __init__(
        self,
        run: StoredRun,
        step: str,
        task: str,
        attempt: int | None = None,
        record: TaskRecord | None = None,
    ) -> None:
        self.run: StoredRun = run
        self.key: TaskKey = TaskKey(run.flow, run.run, step, task)
        self.attempt_asked: int | None = attempt
        self._read = record
        self._pack: Pack | None = None
        self._entries: dict[str, ArtifactEntry] | None = None

    def __reduce__(self) -> tuple[object, ...]:
        return (StoredTask, (self.run, self.key.step, self.key.task, self.attempt_asked))

    def record(self) -> TaskRecord:
        """Return the record as it is now.

        Raises
        ------
        StepwellNotFound
            There is no such task.
        """
        found = self.find()
        if found is None:
            key = self.key
            metadata = self.run.connection.stores.metadata
            raise missing.no_task(metadata, key.flow, key.run, key.step, key.task)
        return found

    def find(self) -> TaskRecord | None:
        """Return the record as it is now, or None if there is no such task."""
        read = self._read
        if read is not None and read.state in _GOOD_ENDS:
            return read
        stores, key = self.run.connection.stores, self.key
        found = stores.metadata.task(key.flow, key.run, key.step, key.task)
        if found is None:
            # The index lags behind a live run by a tick: a task that has succeeded is one, indexed or not.
            pack = stores.datastore.pack(key)
            by_scheduler = pack is not None and self.run.known().by_scheduler
            found = None if pack is None else record_of(pack, by_scheduler=by_scheduler)
        self._read = found
        return found

    @property
    def attempt(self) -> int:
        """The attempt that is shown, from 0."""
        return self.record().attempt if self.attempt_asked is None else self.attempt_asked

    def pack(self) -> Pack | None:
        """Return what the attempt left: what it committed, what was kept of its failure, or None."""
        if self._pack is not None and (self._pack.outcome.ok or self.attempt_asked is not None):
            return self._pack
        datastore = self.run.connection.stores.datastore
        if self.attempt_asked is not None:
            found = datastore.pack(self.key, self.attempt_asked)
        else:
            found = datastore.pack(self.key) or datastore.pack(self.key, self.record().attempt)
        if found is not self._pack:
            self._pack, self._entries = found, None
        return found

    def entries(self) -> dict[str, ArtifactEntry]:
        """Return every stored artifact that the attempt can see, by name; own ones with their previews."""
        pack = self.pack()
        if pack is None:
            return {}
        if self._entries is None:
            visible = self.run.connection.stores.datastore.visible(pack)
            own = {entry.name: entry for entry in pack.own}
            self._entries = {**self._taken_over(pack), **visible, **own}
        return self._entries

    def _taken_over(self, pack: Pack) -> dict[str, ArtifactEntry]:
        """What a failed attempt had from its parent: the pack of a failure has only what it set itself."""
        if pack.outcome.ok or len(pack.parents) != 1 or pack.split is not None:
            return {}
        datastore = self.run.connection.stores.datastore
        parent = datastore.pack(self.key.sibling(pack.parents[0].step, pack.parents[0].task))
        return {} if parent is None else datastore.visible(parent)

    @property
    def successful(self) -> bool:
        """Whether the attempt has succeeded: it has when its pack is sealed, whatever the index says."""
        if self.attempt_asked is None and self.record().state in _GOOD_ENDS:
            return True
        pack = self.pack()
        return pack is not None and pack.outcome.ok

    @property
    def finished(self) -> bool:
        """Whether the attempt has ended, and no other is due unless this one was asked for."""
        record = self.record()
        if self.attempt_asked is not None and self.attempt_asked < record.attempt:
            return True
        return record.state.finished or self.run.record().state.finished or self.successful

    @property
    def finished_at(self) -> float | None:
        """When the attempt ended, as Unix time, or None."""
        record = self.record()
        is_latest = self.attempt_asked is None or self.attempt_asked == record.attempt
        if is_latest and (record.finished_at is not None or not self.finished):
            return record.finished_at
        pack = self.pack()
        return None if pack is None else pack.outcome.ended_at
