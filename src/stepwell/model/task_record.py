"""How the index describes a task, from what is known of it."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from stepwell.model.attempt_fields import exit_code_in
from stepwell.model.ids import PARAMETERS_STEP, TaskKey, number_of
from stepwell.model.pack import Pack
from stepwell.model.run import CAUGHT, WORLD_SIZE, TaskRecord
from stepwell.model.states import TaskState
from stepwell.model.task import ErrorInfo, GangPlace, TaskOutcome

_BRIEF = 300
_RANGE = re.compile(r"([0-9]+)-([0-9]+)")


def record_of(pack: Pack, host: str = "", by_scheduler: bool = False) -> TaskRecord:
    """Return the record of a task that has ended, as far as its pack has it.

    Parameters
    ----------
    by_scheduler
        Whether a scheduler drives the run, so that ids say nothing of the order of tasks.
    """
    key, outcome = pack.key, pack.outcome
    pid = pack.fields.get("pid", "")
    return TaskRecord(
        flow=key.flow,
        run=key.run,
        step=key.step,
        task=key.task,
        number=_number(pack, by_scheduler),
        state=_state(pack),
        attempt=pack.attempt,
        created_at=outcome.started_at,
        started_at=outcome.started_at,
        finished_at=outcome.ended_at,
        index_path=",".join(str(frame.index) for frame in pack.frames),
        label=outcome.label,
        pid=int(pid) if pid.isdecimal() else 0,
        host=host,
        exit_code=0 if outcome.ok else exit_code_in(pack.fields),
        error="" if outcome.error is None else brief(outcome.error),
        parents=parents_text([(parent.step, parent.task) for parent in pack.parents]),
        fields={**remarks(outcome), **_origin_fields(pack), **world_fields(pack.gang)},
    )


def as_reused(record: TaskRecord, run: str) -> TaskRecord:
    """Return the record of a task of a run that stands for the given one, of another run."""
    fields = {**record.fields, "origin-run-id": record.run, "origin-task-id": record.task}
    fields.pop("origin-step", None)
    return replace(record, run=run, state=TaskState.REUSED, fields=fields)


def remarks(outcome: TaskOutcome) -> dict[str, str]:
    """Return the recorded fields that an outcome gives a task."""
    return {CAUGHT: outcome.caught} if outcome.caught else {}


def world_fields(place: GangPlace | None) -> dict[str, str]:
    """Return the recorded fields of a task in this place of a gang; none if it is of no gang."""
    return {} if place is None else {WORLD_SIZE: str(place.size)}


def origin_in(record: TaskRecord) -> TaskKey | None:
    """Return the task that a reused or cached task stands for; None if it stands for itself."""
    run, task = record.fields.get("origin-run-id"), record.fields.get("origin-task-id")
    if not run or not task:
        return None
    flow, _, step = record.fields.get("origin-step", f"{record.flow}/{record.step}").partition("/")
    return TaskKey(flow, run, step, task)


def _state(pack: Pack) -> TaskState:
    if pack.origin is not None:
        return TaskState.CACHED
    return TaskState.SUCCEEDED if pack.outcome.ok else TaskState.FAILED


def _origin_fields(pack: Pack) -> dict[str, str]:
    if pack.origin is None:
        return {}
    task = pack.origin.task
    fields = {"origin-run-id": task.run, "origin-task-id": task.task}
    if (task.flow, task.step) != (pack.key.flow, pack.key.step):
        fields["origin-step"] = f"{task.flow}/{task.step}"
    return fields


def _number(pack: Pack, by_scheduler: bool) -> int:
    if by_scheduler:
        return number_at(pack.key.step, pack.key.task, pack.outcome.started_at)
    return number_of(pack.key.task)


def number_at(step: str, task: str, at: float) -> int:
    """Return the place in its run of a task that began at the time ``at``, where ids do not say it.

    Microseconds, and three digits that tell apart what began in the same one.
    """
    if step == PARAMETERS_STEP:
        return 0
    return int(at * 1e6) * 1000 + zlib.crc32(f"{step}/{task}".encode()) % 1000


def brief(error: ErrorInfo) -> str:
    """Return an error in one line, which tells the beginning of a long one.

    >>> brief(ErrorInfo("ValueError", "no number:\\n  'x'"))
    "ValueError: no number: 'x'"
    """
    message = " ".join(error.message[: 10 * _BRIEF].split())
    if len(message) > _BRIEF:
        message = f"{message[:_BRIEF].rstrip()}..."
    return f"{error.type}: {message}" if message else error.type


def parents_text(parents: Sequence[tuple[str, int | str]]) -> str:
    """Return parents as `TaskRecord` keeps them: consecutive ids of one step as a range.

    >>> parents_text([("a", 3), ("a", 4), ("a", 5), ("b", 9)])
    'a/3-5,b/9'
    """
    parts: list[str] = []
    first = 0
    while first < len(parents):
        step, start = parents[first]
        last = first
        while last + 1 < len(parents) and _follows(parents[last], parents[last + 1]):
            last += 1
        parts.append(f"{step}/{start}" if last == first else f"{step}/{start}-{parents[last][1]}")
        first = last + 1
    return ",".join(parts)


def parents_in(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield step, first and last id of each part of what `parents_text` made.

    >>> list(parents_in("a/3-5,b/t-x1"))
    [('a', '3', '5'), ('b', 't-x1', 't-x1')]
    """
    for part in text.split(",") if text else ():
        step, _, ids = part.partition("/")
        found = _RANGE.fullmatch(ids)
        yield (step, found[1], found[2]) if found else (step, ids, ids)


def _follows(parent: tuple[str, int | str], following: tuple[str, int | str]) -> bool:
    number = str(parent[1])
    return number.isdecimal() and (parent[0], str(int(number) + 1)) == (following[0], str(following[1]))
