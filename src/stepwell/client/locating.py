"""Addresses as people type them: ``[FLOW/]RUN[/STEP[/TASK]]``.

RUN may be ``latest`` or ``latest-successful``. ``STEP[i]`` is the task of the foreach item ``i``, and
``STEP[i,j]`` that of nested ones.
"""

from __future__ import annotations

import re

from msgspec import Struct

from stepwell.client import missing
from stepwell.client.not_taken import why_not_taken
from stepwell.client.scope import Scope
from stepwell.client.stored import StoredRun, StoredTask
from stepwell.definition.nearest import did_you_mean
from stepwell.exceptions import StepwellInvalidPathspec
from stepwell.metadata_store.store import MetadataStore, RunQuery
from stepwell.model.states import RunState

_INDEXED = re.compile(r"(\w+)\[\s*(\d+(?:\s*,\s*\d+)*)\s*\]")
_NAMED = {"latest": (), "latest-successful": (RunState.SUCCEEDED.value,)}
_FORM = "[FLOW/]RUN[/STEP[/TASK]]"


class Located(Struct, frozen=True, kw_only=True):
    """What an address leads to, as far as it goes."""

    flow: str
    run: StoredRun | None = None
    step: str = ""
    task: StoredTask | None = None


def locate(text: str, flow: str | None, scope: Scope) -> Located:
    """Return what an address names.

    Parameters
    ----------
    flow
        The flow that is meant when the address names none; without it the run's id decides.

    Raises
    ------
    StepwellInvalidPathspec
        The text is no address, or names runs of several flows.
    StepwellNotFound
        A part does not exist; the message says what exists there. Whether a flow exists is not looked up.
    """
    parts = [part.strip() for part in text.strip().strip("/").split("/")]
    if not all(parts):
        raise _wrong(text)
    if _names_flow(scope.connection.stores.metadata, parts[0], flow):
        flow = parts.pop(0)
        if not parts:
            return Located(flow=flow)
    if len(parts) > 3:
        raise _wrong(text)
    run = _run(scope, parts[0], flow)
    if len(parts) == 1:
        return Located(flow=run.flow, run=run)
    indexed = _INDEXED.fullmatch(parts[1])
    step = indexed[1] if indexed else parts[1]
    if not step.isidentifier() or (indexed and len(parts) == 3):
        raise _wrong(text)
    task = _indexed(run, step, indexed[2]) if indexed else _task(run, step, parts[2:])
    return Located(flow=run.flow, run=run, step=step, task=task)


def _wrong(text: str) -> StepwellInvalidPathspec:
    return StepwellInvalidPathspec(
        f"`{text}` is no address; its form is {_FORM}. RUN may be `latest` or `latest-successful`, and "
        "STEP[3] is the task of foreach item 3."
    )


def _names_flow(metadata: MetadataStore, first: str, flow: str | None) -> bool:
    """Whether the first part of an address is a flow; ids of runs need not be numbers."""
    if first.isdigit() or first in _NAMED:
        return False
    if first == flow or first in metadata.flows():
        return True
    if first.islower() and did_you_mean(first, _NAMED):
        return False
    return not any(metadata.run(known, first) for known in (metadata.flows() if flow is None else (flow,)))


def _run(scope: Scope, name: str, flow: str | None) -> StoredRun:
    metadata = scope.connection.stores.metadata
    if name in _NAMED:
        query = RunQuery(flow=flow, tags=scope.tags, states=_NAMED[name], limit=1)
        found = list(metadata.runs(query))
    else:
        flows = metadata.flows() if flow is None else (flow,)
        found = [run for run in (metadata.run(known, name) for known in flows) if run is not None]
    if not found:
        raise missing.no_run(metadata, flow, name, _NAMED)
    if len(found) > 1:
        known = ", ".join(f"`{run.flow}/{run.run}`" for run in found)
        raise StepwellInvalidPathspec(f"Several flows have a run `{name}`: {known}. Name the flow too.")
    return StoredRun(scope.connection, found[0].flow, found[0].run)


def _indexed(run: StoredRun, step: str, indexes: str) -> StoredTask:
    index_path = ",".join(index.strip() for index in indexes.split(","))
    record = next(run.newest_tasks(step, index_path), None)
    if record is None:
        metadata = run.connection.stores.metadata
        raise missing.no_task(metadata, run.flow, run.run, step, f"[{index_path}]")
    return StoredTask(run, record.step, record.task, record=record)


def _task(run: StoredRun, step: str, named: list[str]) -> StoredTask | None:
    """Return the task that is named, or None if none is and the step has tasks."""
    if named:
        task = StoredTask(run, step, named[0])
        task.record()
        return task
    if next(run.newest_tasks(step), None) is None:
        metadata = run.connection.stores.metadata
        raise missing.no_step(metadata, run.flow, run.run, step, why_not_taken(run, step))
    return None
