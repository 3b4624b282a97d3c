"""Records as rows of the tables, and back."""

from __future__ import annotations

from typing import Any

import msgspec

from stepwell.metadata_store.run_order import place_of, run_number
from stepwell.model.run import RunRecord, TaskRecord
from stepwell.model.states import RunState, TaskState

Row = tuple[Any, ...]
UNREADABLE = (ValueError, msgspec.MsgspecError)
"""What a row raises that no version of Stepwell wrote."""

_json = msgspec.json.Encoder()
_names = msgspec.json.Decoder(tuple[str, ...])
_fields = msgspec.json.Decoder(dict[str, str])


def text_of(value: object) -> str:
    """Return what a cell holds of a collection."""
    return _json.encode(value).decode() if value else ""


def run_row(r: RunRecord) -> Row:
    """Return the row of a run."""
    return (
        r.flow, r.run, r.state.value, r.user, r.created_at, r.finished_at, r.heartbeat_at, r.host, r.pid,
        r.pid_started, r.reason, text_of(r.tags), text_of(r.system_tags), text_of(r.fields), place_of(r),
    )  # fmt: skip


def task_row(t: TaskRecord) -> Row:
    """Return the row of a task."""
    return (
        t.flow, t.run, t.step, t.task, t.number, t.state.value, t.attempt, t.created_at, t.started_at,
        t.finished_at, t.index_path, t.label, t.pid, t.host, t.exit_code, t.error, t.parents,
        text_of(t.fields),
    )  # fmt: skip


def run_of(row: Row) -> RunRecord:
    """Return the run of a row, or raise what `UNREADABLE` lists."""
    (
        flow, run, state, user, created_at, finished_at, heartbeat_at, host, pid, pid_started, reason,
        user_tags, system_tags, fields, number,
    ) = row  # fmt: skip
    return RunRecord(
        flow=flow,
        run=run,
        state=RunState(state),
        user=user,
        created_at=created_at,
        finished_at=finished_at,
        heartbeat_at=heartbeat_at,
        host=host,
        pid=pid,
        pid_started=pid_started,
        reason=reason,
        tags=_names.decode(user_tags) if user_tags else (),
        system_tags=_names.decode(system_tags) if system_tags else (),
        fields=_fields.decode(fields) if fields else {},
        number=0 if number == run_number(run) else number,
    )


def task_of(row: Row) -> TaskRecord:
    """Return the task of a row, or raise what `UNREADABLE` lists."""
    (
        flow, run, step, task, number, state, attempt, created_at, started_at, finished_at, index_path,
        label, pid, host, exit_code, error, parents, fields,
    ) = row  # fmt: skip
    return TaskRecord(
        flow=flow,
        run=run,
        step=step,
        task=task,
        number=number,
        state=TaskState(state),
        attempt=attempt,
        created_at=created_at,
        started_at=started_at,
        finished_at=finished_at,
        index_path=index_path,
        label=label,
        pid=pid,
        host=host,
        exit_code=exit_code,
        error=error,
        parents=parents,
        fields=_fields.decode(fields) if fields else {},
    )
