"""The recorded fields of a task, under the names that tools know."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from stepwell.client.stored import StoredTask
from stepwell.exceptions import BlobCorrupted
from stepwell.model.attempt_fields import exit_fields

if TYPE_CHECKING:
    from stepwell.model.pack import Pack
    from stepwell.model.run import RunRecord, TaskRecord

_ENVIRONMENT = ("python_version", "stepwell_version", "script-name", "runtime")

_OF_RUN = (
    *("origin-run-id", "ds-type", "ds-root", "runtime", "python_version", "stepwell_version", "code-package"),
    *("script-name", "git-info", "execution-triggers"),
)


# Types that differ from the field's name, as tools know them.
_TYPES = {"attempt_ok": "internal_attempt_status"}


class Metadata(NamedTuple):
    """One recorded field of a task.

    Attributes
    ----------
    task
        Pathspec of the task.
    """

    name: str
    value: str
    created_at: datetime
    type: str
    task: str


class MetricPoint(NamedTuple):
    """One point of a series that a step measured with ``current.metric``."""

    step: float
    value: float
    at: datetime


def facts_of(pack: Pack | None) -> dict[str, Any]:
    """Return what the step said with ``current.log``, by name."""
    return {} if pack is None else {name: json.loads(text) for name, text in pack.facts.items()}


def metrics_of(pack: Pack | None) -> dict[str, list[MetricPoint]]:
    """Return what the step measured with ``current.metric``, by name of the series."""
    series = {} if pack is None else pack.metrics
    return {
        name: [MetricPoint(point.step, point.value, datetime.fromtimestamp(point.at)) for point in points]
        for name, points in series.items()
    }


def _readable_pack(task: StoredTask) -> Pack | None:
    """Return the pack; of a task whose results are damaged, what the index knows still stands."""
    try:
        return task.pack()
    except BlobCorrupted:
        return None


def recorded_fields(task: StoredTask) -> list[Metadata]:
    """Return the fields of the attempt, with one of type ``attempt`` for each attempt so far."""
    record, run, pack = task.record(), task.run.known(), _readable_pack(task)
    began = record.started_at or record.created_at if pack is None else pack.outcome.started_at
    starts = {failed.attempt: failed.outcome.started_at for failed in _failures(task)}
    found = [
        _field(task, "attempt", str(attempt), starts.get(attempt, began))
        for attempt in range(task.attempt + 1)
    ]

    def add(name: str, value: str, at: float = began) -> None:
        if value:
            found.append(_field(task, name, value, at))

    for name in _OF_RUN:
        add(name, run.fields.get(name, ""))
    add("user", run.user)
    for name, value in {**_of_record(task, record), **record.fields, **_of_pack(pack)}.items():
        add(name, value)
    if pack is not None:
        add("attempt_ok", str(pack.outcome.ok), pack.outcome.ended_at)
        add("attempt-done", str(pack.attempt), pack.outcome.ended_at)
    return found


def _field(task: StoredTask, name: str, value: str, at: float) -> Metadata:
    return Metadata(name, value, datetime.fromtimestamp(at), _TYPES.get(name, name), task.key.pathspec)


def _failures(task: StoredTask) -> Sequence[Pack]:
    """Packs of the attempts that failed, unless the first is the one that is shown."""
    return task.run.connection.stores.datastore.failures(task.key) if task.attempt else ()


def _of_record(task: StoredTask, record: TaskRecord) -> dict[str, str]:
    """What the index knows of an attempt; of any but the latest, nothing."""
    if task.attempt != record.attempt:
        return {}
    pid = str(record.pid) if record.pid else ""
    return {"host": record.host, "pid": pid, **exit_fields(record.exit_code)}


def _of_pack(pack: Pack | None) -> dict[str, str]:
    if pack is None:
        return {}
    fields = dict(pack.fields)
    if pack.frames:
        values = [f"{frame.var or frame.step}={frame.label or frame.index}" for frame in pack.frames]
        fields["foreach-stack"] = json.dumps(values)
        fields["foreach-execution-path"] = ",".join(f"{frame.step}:{frame.index}" for frame in pack.frames)
    return fields


def runtime_of(run: RunRecord) -> str | None:
    """Return the name of the runtime that the run was started in."""
    return run.fields.get("runtime") or next(
        (tag.removeprefix("runtime:") for tag in run.system_tags if tag.startswith("runtime:")), None
    )


def environment_of(run: RunRecord) -> dict[str, str]:
    """Return what is recorded of the environment that the steps of a run ran in."""
    kept = {name: run.fields[name] for name in _ENVIRONMENT if name in run.fields}
    return {"type": "local", "user": run.user, **kept}
