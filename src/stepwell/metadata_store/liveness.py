"""Is a run that is recorded as alive still alive? Whoever reads it finds out, and records what it found."""

from __future__ import annotations

import os
from pathlib import Path

from msgspec.structs import replace

from stepwell.exceptions import StoreUnavailable
from stepwell.metadata_store.store import MetadataStore, TaskQuery
from stepwell.model.run import RunRecord
from stepwell.model.states import RunState, TaskState

SILENCE_S = 60.0
SCHEDULER_SILENCE_S = 24 * 3600.0
"""For a run that a scheduler drives: only its running tasks beat, and one may wait long for its turn."""

_OPEN = tuple(state for state in TaskState if not state.finished)
_MOST_ASKED = 1000


def effective_state(run: RunRecord, now: float, host: str) -> RunState:
    """Return the run's state as it is, which may be worse than what is recorded.

    A run recorded as pending or running is lost if it ran on this host, ``host``, and its process is gone;
    or if its process cannot be looked at from here, and it has given no sign of life for more than
    `SILENCE_S` (`SCHEDULER_SILENCE_S` if a scheduler drives it).
    """
    return RunState.LOST if _why_lost(run, now, host) else run.state


def settle(store: MetadataStore, run: RunRecord, now: float, host: str) -> RunRecord:
    """Return the run as it is; if it is found lost, that is recorded, of its tasks too.

    A run that ended or gave a sign of life since ``run`` was read is returned as it is then. A store that
    cannot be written now keeps nobody from reading: the run is returned as lost all the same.
    """
    reason = _why_lost(run, now, host)
    if not reason:
        return run
    lost = replace(run, state=RunState.LOST, finished_at=_last_sign_in(store, run), reason=reason)
    try:
        return store.replace_run(run, lost)
    except StoreUnavailable:
        return lost  # the next reader who can write will record it


def process_started(pid: int) -> float:
    """Return when a living process started, as the system counts it, or 0 where that cannot be known.

    A process that has ended and waits only for its parent to take notice lives no more.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0.0
    # The program's name stands in parentheses and may hold anything, also spaces and parentheses.
    values = stat.rpartition(")")[2].split()
    return 0.0 if values[0] in "ZX" else float(values[19])


def _why_lost(run: RunRecord, now: float, host: str) -> str:
    if run.state not in (RunState.PENDING, RunState.RUNNING):
        return ""
    if run.host == host and run.pid_started:
        found = process_started(run.pid)
        if found == run.pid_started:
            return ""  # whatever keeps it silent: who waits for a lock or a reader of its output is not gone
        if found or not _may_live(run.pid):
            return f"its process {run.pid} is gone from {host}"
    silence = now - _last_sign(run)
    patience = SCHEDULER_SILENCE_S if run.by_scheduler else SILENCE_S
    return f"no sign of life for {silence:.0f} s" if silence > patience else ""


def _last_sign_in(store: MetadataStore, run: RunRecord) -> float:
    """Return when the run, or a task of it, last gave a sign of life."""
    open_ones = TaskQuery(flow=run.flow, run=run.run, states=_OPEN, limit=_MOST_ASKED)
    began = [task.started_at or task.created_at for task in store.tasks(open_ones)]
    ended = [count.finished_at for count in store.steps(run.flow, run.run) if count.finished_at is not None]
    return max([_last_sign(run), *began, *ended])


def _last_sign(run: RunRecord) -> float:
    return run.created_at if run.heartbeat_at is None else run.heartbeat_at


def _may_live(pid: int) -> bool:
    """Tell whether a process whose start is hidden may live: /proc can be closed to other users."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return False  # ours, so that /proc would have shown it alive: a zombie
