"""The fixed words of a run's progress, shared by all views."""

from __future__ import annotations

import time
from collections.abc import Mapping

import msgspec

from stepwell.model.amounts import duration
from stepwell.model.policy import Resources
from stepwell.model.run import RunRecord
from stepwell.model.states import RunState, TaskState
from stepwell.model.task import ErrorInfo
from stepwell.runtime.events import RunFinished, StepPlanned, StepReused, TaskBegan, TaskCached, TaskEnded


def item_of(index_path: tuple[int, ...], label: str) -> str:
    """Return which foreach item a task works on: ``[3] 'x'``, or nothing."""
    index = f"[{','.join(map(str, index_path))}]" if index_path else ""
    return f"{index} {label}".strip()


def began(event: TaskBegan) -> str:
    """Return the line for a task that has started."""
    again = f" (attempt {event.attempt})" if event.attempt else ""
    item = item_of(event.index_path, event.label)
    return f"task started{again}{f' for item {item}' if item else ''}"


def ended(event: TaskEnded) -> str:
    """Return the line for a task that has ended."""
    if event.state in (TaskState.FAILED, TaskState.RETRYING):
        item = item_of(event.index_path, event.label)
        failed = f"task failed after {duration(event.seconds)}{f' for item {item}' if item else ''}"
        return f"{failed}; {again(event)}" if event.state is TaskState.RETRYING else failed
    caught = f"; caught {event.caught}" if event.caught else ""
    return f"task {event.state.value} ({duration(event.seconds)}){caught}"


def cached(event: TaskCached) -> str:
    """Return the line for a task that has the result of another."""
    item = item_of(event.index_path, event.label)
    origin = event.origin.short if event.origin.flow == event.key.flow else event.origin.pathspec
    return f"task cached{f' for item {item}' if item else ''}: its result is that of {origin}"


def again(event: TaskEnded) -> str:
    """Say when a failed task is launched again, and why."""
    wait_s = (event.retry_at or event.at) - event.at
    if wait_s <= 0:
        return f"{event.why}, at once"
    clock = time.strftime("%H:%M:%S", time.localtime(event.retry_at))
    return f"{event.why}, at {clock} (in {duration(wait_s)})"


def error_lines(error: ErrorInfo, full: bool) -> list[str]:
    """Return the frames (the user's only, unless ``full``), the exception and the hint."""
    frames = error.full_frames if full else error.frames
    lines = frames.rstrip().splitlines()
    message = f"{error.type}: {error.message}".rstrip(": ")
    short = message.split(".")[-1] if not error.message else error.message
    if not lines or short.splitlines()[-1] not in frames:
        lines.extend(message.splitlines())
    lines.extend(error.hint.splitlines())
    return lines


def asked_for(resources: Resources) -> str:
    """Return what a step states with `@resources`; empty if nothing."""
    asked = msgspec.structs.asdict(resources)
    tokens, enforced = asked.pop("custom"), asked.pop("enforce")
    stated = [f"{name}={value:.12g}" for name, value in {**asked, **tokens}.items() if value is not None]
    return ", ".join([*stated, "enforced"] if enforced else stated)


def used(fields: Mapping[str, str]) -> str:
    """Return what an attempt has used, as its recorded fields tell; empty if nothing was measured."""
    words: list[str] = []
    if cpu_s := fields.get("cpu-s"):
        words.append(f"{duration(float(cpu_s))} of CPU")
    if peak := fields.get("peak-rss-kib"):
        words.append(f"{int(peak) / 1024:.0f} MiB of memory at most")
    if memory := fields.get("peak-gpu-memory-mib"):
        words.append(f"{memory} MiB and {fields.get('peak-gpu-percent', '0')} % of its GPUs at most")
    return ", ".join(words)


def reused(event: StepReused, run: str) -> str:
    """Return the line for tasks that are not executed, because they have been already."""
    tasks = counted(event.tasks, "task")
    return f"{tasks} had succeeded" if event.origin == run else f"{tasks} reused from run {event.origin}"


def planned(event: StepPlanned) -> str:
    """Return the line for a step that is to be executed, although there is an earlier execution."""
    if not event.executed:
        return f"to be executed ({event.why})"
    return f"{event.executed} task{'' if event.executed == 1 else 's'} to be executed again ({event.why})"


def finished(event: RunFinished) -> str:
    """Return the last line: state, duration and counts."""
    counts = ", ".join(f"{number} {state}" for state, number in sorted(event.counts.items()) if number)
    reason = f": {event.reason}" if event.reason else ""
    tasks = f"; tasks: {counts}" if counts else ""
    return f"run {event.state.value}{reason} ({duration(event.seconds)}{tasks})"


def counted(number: int, what: str) -> str:
    """Return how many there are of something: ``1 task``, ``2 tasks``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def took(run: RunRecord) -> str:
    """Return how long a run took; empty while it runs. Of a lost run only its last sign of life is known."""
    if run.finished_at is None:
        return ""
    seconds = run.finished_at - run.created_at
    if run.state is not RunState.LOST:
        return duration(seconds)
    return f"at least {duration(seconds)}" if seconds > 0 else "unknown"
