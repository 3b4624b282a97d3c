"""Batches what the index is told: one transaction a tick, heartbeats, and syncs to disk in the background."""

from __future__ import annotations

import threading

import msgspec

from stepwell.datastore.datastore import Datastore
from stepwell.exceptions import StoreError
from stepwell.metadata_store.store import MetadataStore
from stepwell.model.run import RunRecord, TaskRecord
from stepwell.runtime.clock import Clock
from stepwell.runtime.options import Fsync

TICK_S = 0.25
BEAT_S = 10.0
SYNC_S = 1.0
_MOST_WAITING = 5_000


class Recorder:
    """Keeps the index of one run up to date.

    Parameters
    ----------
    fsync
        ``always``: before a task is reported as ended; ``batch``: at most a second behind; ``never``.
    """

    def __init__(
        self, metadata: MetadataStore, datastore: Datastore, run: RunRecord, clock: Clock, fsync: Fsync
    ) -> None:
        self._metadata = metadata
        self._datastore = datastore
        self._clock = clock
        self._fsync = fsync
        self._waiting: dict[tuple[str, str], TaskRecord] = {}
        self._written_at = self._beat_at = clock.now()
        self._syncer = _Syncer(datastore) if fsync == "batch" else None
        self.run = run

    def save_run(self, **changes: object) -> None:
        """Change the run's record, and write it with all that waits."""
        self.run = msgspec.structs.replace(self.run, **changes)
        self.flush()
        self._metadata.save_run(self.run)
        if self.run.state.finished:
            self._datastore.run_records.end(self.run)

    def task(self, record: TaskRecord) -> None:
        """Take the newest state of a task; only the last one of a tick is written."""
        self._waiting[record.step, record.task] = record

    def committed(self) -> None:
        """A task has sealed its pack."""
        if self._fsync == "always":
            self._datastore.sync()
        elif self._syncer is not None:
            self._syncer.dirty()

    def tick(self) -> None:
        """Write what waits, if it is time; say that we live, if it is time."""
        now = self._clock.now()
        if self._waiting and (now - self._written_at >= TICK_S or len(self._waiting) >= _MOST_WAITING):
            self.flush()
        if now - self._beat_at >= BEAT_S:
            self._beat_at = now
            self._metadata.beat(self.run.flow, self.run.run, now)

    def flush(self) -> None:
        """Write what waits."""
        self._written_at = self._clock.now()
        if self._waiting:
            records = list(self._waiting.values())
            self._metadata.save_tasks(records)
            self._waiting.clear()

    @property
    def patience_s(self) -> float:
        """How long nothing needs to be done here."""
        return TICK_S if self._waiting else 1.0

    def close(self) -> None:
        """Write everything, and bring it to disk."""
        self.flush()
        if self._syncer is not None:
            self._syncer.close()


class _Syncer:
    """A thread that brings sealed packs to disk, started by the first of them."""

    def __init__(self, datastore: Datastore) -> None:
        self._datastore = datastore
        self._dirty = threading.Event()
        self._closing = threading.Event()
        self._failure: StoreError | None = None
        self._thread: threading.Thread | None = None

    def dirty(self) -> None:
        self._raise_failure()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="stepwell-sync", daemon=True)
            self._thread.start()
        self._dirty.set()

    def close(self) -> None:
        self._closing.set()
        if self._thread is not None:
            self._dirty.set()
            self._thread.join()
        self._raise_failure()

    def _work(self) -> None:
        while not self._closing.wait(SYNC_S) or self._dirty.is_set():
            if self._dirty.is_set():
                self._dirty.clear()
                try:
                    self._datastore.sync()
                except StoreError as error:
                    self._failure = error
                    return

    def _raise_failure(self) -> None:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
