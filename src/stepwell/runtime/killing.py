"""Ends a run from another process: asks its run process, and ends what a dead one has left."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from stepwell.exceptions import StepwellNotFound, UsageError
from stepwell.metadata_store.liveness import SILENCE_S, effective_state, process_started, settle
from stepwell.metadata_store.store import MetadataStore, TaskQuery
from stepwell.model.run import STOP_ASKED, RunRecord
from stepwell.model.states import RunState, TaskState
from stepwell.runtime.pulse import BEAT_S
from stepwell.runtime.stop_wishes import stop_wish

_LOOK_EVERY_S = 0.1
_LOOK_ELSEWHERE_EVERY_S = 1.0
_ASK_AGAIN_S = 0.5
_FORCE_AFTER_S = 10.0
_TELL_AFTER_S = 15.0
_INEXACT_S = 2.0
"""How far the start of a process, counted from the start of the system, may be from what a clock said."""

_UNFINISHED = (TaskState.RUNNING.value, TaskState.RETRYING.value, TaskState.LOST.value)


class Killed(Struct, frozen=True, kw_only=True):
    """What came of it.

    Attributes
    ----------
    was_over
        The run had ended before.
    leftovers
        How many processes of its tasks had outlived it, and were ended.
    """

    run: RunRecord
    was_over: bool
    leftovers: int


def kill_run(
    metadata: MetadataStore, run: RunRecord, here: str, force: bool, tell: Callable[[str], None]
) -> Killed:
    """End the run; return once it has ended.

    Parameters
    ----------
    here
        Name of this host.
    force
        Leave its tasks no time to end by themselves.
    tell
        Called with words if it takes long.

    Raises
    ------
    UsageError
        It cannot be ended from here.
    """
    run = settle(metadata, run, time.time(), here)
    was_over = run.state.finished
    if not was_over:
        _refuse_unknown(run)
        # Without signals to processes, as on Windows, the run's own process reads the wish from the index.
        if run.host == here and hasattr(signal, "SIGKILL"):
            _end(run, here, force, tell)
        else:
            _end_elsewhere(metadata, run, here, force, tell)
        run = _reread(metadata, run, here)
    leftovers = (
        sum(1 for _ in _end_leftovers(metadata, run, here)) if run.state is not RunState.SUCCEEDED else 0
    )
    return Killed(run=run, was_over=was_over, leftovers=leftovers)


def _refuse_unknown(run: RunRecord) -> None:
    name = f"{run.flow}/{run.run}"
    if run.by_scheduler:
        raise UsageError(f"A scheduler starts the tasks of run {name}: end it there.")
    if not run.host:
        raise UsageError(f"Nobody knows on which host run {name} runs. Use `stepwell kill {name}` there.")


def _end_elsewhere(
    metadata: MetadataStore, run: RunRecord, here: str, force: bool, tell: Callable[[str], None]
) -> None:
    """Ask the process on another machine by the index, until it has ended the run or is silent for long."""
    tell(
        f"Run {run.flow}/{run.run} runs on {run.host} as process {run.pid}, which is asked to end it; it "
        f"listens every {BEAT_S:.0f} s."
    )
    wish = stop_wish(run, force)
    while (found := _reread(metadata, run, here)).state is run.state and found.pid == run.pid:
        if found.fields.get(STOP_ASKED) != wish:
            metadata.replace_run(found, replace(found, fields={**found.fields, STOP_ASKED: wish}))
        time.sleep(_LOOK_ELSEWHERE_EVERY_S)


def _end(run: RunRecord, here: str, force: bool, tell: Callable[[str], None]) -> None:
    began = asked = time.monotonic()
    told = False
    _send(run, signal.SIGTERM)
    _send(run, signal.SIGCONT)  # who was stopped cannot end
    while effective_state(run, time.time(), here) is not RunState.LOST:
        time.sleep(_LOOK_EVERY_S)
        now = time.monotonic()
        if force and now - began > _FORCE_AFTER_S:
            _send(run, signal.SIGKILL)
        elif force and now - asked > _ASK_AGAIN_S:
            asked = now
            _send(run, signal.SIGTERM)  # the second time it kills its tasks
        elif not force and not told and now - began > _TELL_AFTER_S:
            told = True
            tell("It is still ending its tasks. With `--force` they get no time for that.")


def _send(run: RunRecord, number: signal.Signals) -> None:
    """Signal the run process, and nobody who has got its pid since."""
    try:
        if not hasattr(os, "pidfd_open"):
            if process_started(run.pid) in (0.0, run.pid_started):
                os.kill(run.pid, number)
            return
        process = os.pidfd_open(run.pid)
        try:
            if process_started(run.pid) == run.pid_started:
                signal.pidfd_send_signal(process, number)
        finally:
            os.close(process)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise UsageError(
            f"Run {run.flow}/{run.run} is a process of {run.user}; you are not allowed to end it."
        ) from error


def _reread(metadata: MetadataStore, run: RunRecord, here: str) -> RunRecord:
    found = metadata.run(run.flow, run.run)
    if found is None:
        raise StepwellNotFound(f"The run {run.flow}/{run.run} is gone from the index.")
    return settle(metadata, found, time.time(), here)


def _end_leftovers(metadata: MetadataStore, run: RunRecord, here: str) -> Iterator[int]:
    """Kill what is left in the process groups of tasks that had not ended; yield the processes."""
    over = run.finished_at or time.time()
    query = TaskQuery(flow=run.flow, run=run.run, states=_UNFINISHED)
    groups = {task.pid: task.started_at for task in metadata.tasks(query) if task.pid and task.host == here}
    for pid, group, started in _processes() if groups else ():
        began = groups.get(group)
        # A group of the same number that others made is younger than the last sign of the run, or older than
        # the task.
        if began is not None and began - _INEXACT_S <= started <= over + SILENCE_S:
            try:
                os.kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
            yield pid


def _processes() -> Iterator[tuple[int, int, float]]:
    """Yield pid, group and start, in Unix time, of every living process; none where the system hides them."""
    try:
        booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
        folders = list(Path("/proc").iterdir())
    except (AttributeError, OSError):
        return
    for folder in folders:
        if not folder.name.isdigit():
            continue
        pid = int(folder.name)
        started = process_started(pid)
        try:
            group = os.getpgid(pid)
        except (ProcessLookupError, PermissionError):
            continue
        if started:
            yield pid, group, booted + started / os.sysconf("SC_CLK_TCK")
