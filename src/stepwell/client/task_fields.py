"""The recorded fields of a task, under the names that tools know."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from stepwell.client.stored import StoredTask

if TYPE_CHECKING:
    from stepwell.model.pack import Pack
    from stepwell.model.run import RunRecord

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


def recorded_fields(task: StoredTask) -> list[Metadata]:
    """Return the fields of the attempt, with one of type ``attempt`` for each attempt so far."""
    record, run, pack = task.record(), task.run.known(), task.pack()
    began = datetime.fromtimestamp(record.started_at or record.created_at)
    found = [
        Metadata("attempt", str(attempt), began, "attempt", task.key.pathspec)
        for attempt in range(task.attempt + 1)
    ]

    def add(name: str, value: str, at: datetime = began) -> None:
        if value:
            found.append(Metadata(name, value, at, _TYPES.get(name, name), task.key.pathspec))

    for name in _OF_RUN:
        add(name, run.fields.get(name, ""))
    add("user", run.user)
    add("host", record.host)
    add("pid", str(record.pid) if record.pid else "")
    for name, value in record.fields.items():
        add(name, value)
    if pack is None:
        return found
    for name, value in _of_pack(pack):
        add(name, value)
    ended = datetime.fromtimestamp(pack.outcome.ended_at)
    add("attempt_ok", str(pack.outcome.ok), ended)
    add("attempt-done", str(pack.attempt), ended)
    return found


def _of_pack(pack: Pack) -> Iterator[tuple[str, str]]:
    for name, value in pack.fields.items():
        if name != "pid":
            yield name, value
    if pack.frames:
        yield (
            "foreach-stack",
            json.dumps([f"{frame.var or frame.step}={frame.label}" for frame in pack.frames]),
        )
        yield "foreach-execution-path", ",".join(f"{frame.step}:{frame.index}" for frame in pack.frames)


def runtime_of(run: RunRecord) -> str | None:
    """Return the name of the runtime that the run was started in."""
    return run.fields.get("runtime") or next(
        (tag.removeprefix("runtime:") for tag in run.system_tags if tag.startswith("runtime:")), None
    )


def environment_of(run: RunRecord) -> dict[str, str]:
    """Return what is recorded of the environment that the steps of a run ran in."""
    kept = {name: run.fields[name] for name in _ENVIRONMENT if name in run.fields}
    return {"type": "local", "user": run.user, **kept}
