"""What became of a task, from what its engine reports and what its pack says."""

from __future__ import annotations

import signal

from msgspec import Struct

from stepwell.datastore.datastore import Datastore
from stepwell.engine.handle import TaskExited
from stepwell.model.attempt_fields import signal_name
from stepwell.model.failure_kinds import kinds_of_death
from stepwell.model.policy import StepPolicy
from stepwell.model.task import ErrorInfo, TaskOutcome
from stepwell.model.task_record import brief
from stepwell.scheduling.facts import TaskFailed

NEVER_AGAIN = 202
"""A task's process that exits with this asks not to be tried again."""

NO_RESULT = ErrorInfo("Lost", "The task has no result.")

_ENDING = (signal.SIGTERM, 9)  # Windows has no name for the second
_LIKELY = {
    "SIGSEGV": "Segmentation fault: native code (an extension module, ctypes) touched memory it may not.",
    "SIGBUS": "Bus error: native code touched memory that is not there, or a mapped file shrank.",
    "SIGABRT": "Aborted: native code gave up, often after a failed assertion.",
    "SIGILL": "Illegal instruction: native code was built for another processor.",
    "SIGFPE": "Arithmetic fault in native code, often a division by zero.",
}


class Verdict(Struct, frozen=True):
    """What became of an attempt; ``own_word`` is False if its process died without saying so itself."""

    outcome: TaskOutcome
    own_word: bool = True


def verdict_of(exited: TaskExited, datastore: Datastore, started_at: float, why_ended: str = "") -> Verdict:
    """Return what the task says of itself; for one that died without a word, what can be said of its end.

    A task has succeeded when, and only when, its pack says so: a clean outcome travels ahead of the exit, in
    every other case the pack is looked up.

    Parameters
    ----------
    why_ended
        Why we ended it, if we did.
    """
    if exited.outcome is not None and (exited.exit_code == 0 or not exited.outcome.ok):
        return Verdict(exited.outcome)
    pack = datastore.pack(exited.handle.key)
    if pack is not None:
        return Verdict(pack.outcome)
    failed = datastore.pack(exited.handle.key, exited.handle.attempt)
    if failed is not None:
        return Verdict(failed.prepared or failed.outcome)
    is_ours = why_ended and exited.signal in _ENDING and not exited.out_of_memory
    error = ErrorInfo("Killed", f"The task was ended: {why_ended}.") if is_ours else death_of(exited)
    return Verdict(TaskOutcome(ok=False, started_at=started_at, ended_at=exited.at, error=error), False)


def failure_of(
    exited: TaskExited, task: int, error: ErrorInfo, own_word: bool, policy: StepPolicy
) -> TaskFailed:
    """Return what scheduling is told of a failed attempt."""
    final = ""
    if exited.exit_code == NEVER_AGAIN:
        final = f"it exited with {NEVER_AGAIN}, which asks for no retry"
    elif not (error.retriable if own_word else policy.retry.applies_to(kinds_of_death(error.type))):
        final = f"@retry is not for {error.type}"
    reason = f"task {exited.handle.key.short} failed: {brief(error)}"
    return TaskFailed(task, reason, exited.at, final, catchable=not own_word or policy.gang)


def death_of(exited: TaskExited) -> ErrorInfo:
    """Say how a process ended that left no word."""
    if exited.error:
        return ErrorInfo("Lost", f"The task's process could not run on: {exited.error}.")
    if exited.timed_out:
        return ErrorInfo(
            "Timeout",
            "The task did not end at its time limit, nor in the grace that follows it, and was killed.",
            hint="It may be blocked in native code. State more time with @timeout, or more `grace`.",
        )
    if exited.signal:
        return _killed(exited)
    return ErrorInfo(
        "Exit",
        f"The task's process ended with exit code {exited.exit_code} before the step had returned.",
        hint="Look for os._exit in the step or in a library that it calls; a step ends by returning.",
    )


def _killed(exited: TaskExited) -> ErrorInfo:
    name = signal_name(exited.signal)
    if exited.allowed_kib:
        return ErrorInfo(
            "OutOfMemory",
            "The task was ended because it used more memory than the "
            f"{exited.allowed_kib / 1024:.10g} MB that its step states.",
            hint="Process the data in parts, or state more with @resources(memory=..., enforce=True).",
        )
    if exited.out_of_memory:
        return ErrorInfo(
            "OutOfMemory",
            f"The task was killed because memory ran out (it had used {exited.max_rss_kib // 1024} MiB).",
            hint="Process the data in parts, or state the need with @resources(memory=...).",
        )
    if name == "SIGKILL":
        return ErrorInfo(
            "Signal",
            f"The task was killed by signal 9 (SIGKILL); it had used {exited.max_rss_kib // 1024} MiB.",
            hint="Someone killed it, or the system did for want of memory.",
        )
    likely = _LIKELY.get(name, "The task was ended from outside.")
    return ErrorInfo("Signal", f"The task died by signal {exited.signal} ({name}). {likely}")
