"""Batches what the index is told: one transaction a tick, heartbeats, and syncs to disk in the background."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

import msgspec

from stepwell.datastore.datastore import Datastore
from stepwell.metadata_store.liveness import effective_state
from stepwell.metadata_store.store import MetadataStore
from stepwell.model.run import STOP_ASKED, RunRecord, TaskRecord
from stepwell.runtime.clock import Clock
from stepwell.runtime.options import Fsync
from stepwell.runtime.pulse import Pulse
from stepwell.runtime.stop_wishes import interrupt_this_process, is_asked, is_forced

TICK_S = 0.25
_MOST_WAITING = 5_000


class Recorder:
    """Keeps the index of one run up to date.

    Parameters
    ----------
    fsync
        ``always``: before a task is reported as ended; ``batch``: at most a second behind; ``never``.
    stop
        Called, in a thread of its own, when another machine asks that the run be ended; and again at each
        beat if it is to leave the tasks no time.
    """

    def __init__(
        self,
        metadata: MetadataStore,
        datastore: Datastore,
        run: RunRecord,
        clock: Clock,
        fsync: Fsync,
        stop: Callable[[], object] = interrupt_this_process,
    ) -> None:
        self._metadata = metadata
        self._datastore = datastore
        self._clock = clock
        self._fsync = fsync
        self._waiting: dict[tuple[str, str], TaskRecord] = {}
        self._written_at = clock.now()
        self._lock = threading.Lock()  # the index serves one thread at a time
        self._pulse = Pulse(clock, self._beat, datastore.sync)
        self._stop = stop
        self._has_stopped = False
        self._more_signs: tuple[Callable[[], object], ...] = ()
        self.run = run

    @contextmanager
    def beating(self) -> Generator[None]:
        """Say while inside, whatever this thread waits for, that the run lives."""
        self._pulse.start()
        try:
            yield
        finally:
            self._pulse.stop()

    def save_run(self, **changes: object) -> None:
        """Change the run's record, and write it with all that waits."""
        self.run = msgspec.structs.replace(self.run, **changes)
        self.flush()
        with self._lock:
            self._metadata.save_run(self.run)
        if self.run.state.finished:
            self._datastore.run_records.end(self.run)

    def task(self, record: TaskRecord) -> None:
        """Take the newest state of a task; only the last one of a tick is written."""
        self._waiting[record.step, record.task] = record

    def alive(self, flow: str, run: str) -> RunRecord | None:
        """Return the record of another run, if that may still come to its end."""
        with self._lock:
            found = self._metadata.run(flow, run)
        if found is None or effective_state(found, self._clock.now(), socket.gethostname()).finished:
            return None
        return found

    def beat_for(self, sign: Callable[[], object]) -> None:
        """Give this sign of life too, at each beat from now on."""
        self._more_signs = (*self._more_signs, sign)

    def committed(self) -> None:
        """A task has sealed its pack."""
        if self._fsync == "always":
            self._datastore.sync()
        elif self._fsync == "batch":
            self._pulse.dirty()

    def tick(self) -> None:
        """Write what waits, if it is time."""
        self._pulse.check()
        late = self._clock.now() - self._written_at >= TICK_S
        if self._waiting and (late or len(self._waiting) >= _MOST_WAITING):
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        self._written_at = self._clock.now()
        if self._waiting:
            records = list(self._waiting.values())
            with self._lock:
                self._metadata.save_tasks(records)
            self._waiting.clear()

    @property
    def patience_s(self) -> float:
        """How long nothing needs to be done here."""
        return TICK_S if self._waiting else 1.0

    def close(self) -> None:
        """Write everything, and bring it to disk."""
        self.flush()
        self._pulse.stop()
        self._pulse.check()

    def _beat(self) -> None:
        for sign in self._more_signs:
            sign()
        flow, run = self.run.flow, self.run.run
        with self._lock:
            self._metadata.beat(flow, run, self._clock.now())
            found = self._metadata.run(flow, run)
        wish = "" if found is None else found.fields.get(STOP_ASKED, "")
        if is_asked(self.run, wish) and (is_forced(wish) or not self._has_stopped):
            self._has_stopped = True
            self._stop()
