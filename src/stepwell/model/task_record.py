"""How the index describes a task, from what is known of it."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.model.attempt_fields import exit_code_in
from stepwell.model.pack import Pack
from stepwell.model.run import TaskRecord
from stepwell.model.states import TaskState
from stepwell.model.task import ErrorInfo


def record_of(pack: Pack, host: str = "") -> TaskRecord:
    """Return the record of a task that has ended, as far as its pack has it."""
    key, outcome = pack.key, pack.outcome
    pid = pack.fields.get("pid", "")
    return TaskRecord(
        flow=key.flow,
        run=key.run,
        step=key.step,
        task=key.task,
        number=int(key.task) if key.task.isdecimal() else 0,
        state=TaskState.SUCCEEDED if outcome.ok else TaskState.FAILED,
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
    )


def brief(error: ErrorInfo) -> str:
    """Return an error in one line."""
    first = error.message.strip().partition("\n")[0]
    return f"{error.type}: {first}" if first else error.type


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


def _follows(parent: tuple[str, int | str], following: tuple[str, int | str]) -> bool:
    number = str(parent[1])
    return number.isdecimal() and (parent[0], str(int(number) + 1)) == (following[0], str(following[1]))
