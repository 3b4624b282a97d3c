"""Addresses as people type them: ``[FLOW/]RUN[/STEP[/TASK]]``.

RUN may be ``latest`` or ``latest-successful``. ``STEP[i]`` is the task of the foreach item ``i``, and
``STEP[i,j]`` that of nested ones.
"""

from __future__ import annotations

import re

from stepwell.client import missing
from stepwell.client.objects import Flow, Run, Step, Task
from stepwell.client.scope import Scope
from stepwell.client.session import current_scope
from stepwell.client.stored import StoredRun
from stepwell.exceptions import StepwellInvalidPathspec
from stepwell.metadata_store.store import MetadataStore, RunQuery
from stepwell.model.states import RunState

_INDEXED = re.compile(r"(\w+)\[\s*(\d+(?:\s*,\s*\d+)*)\s*\]")
_NAMED = {"latest": (), "latest-successful": (RunState.SUCCEEDED.value,)}
_FORM = "[FLOW/]RUN[/STEP[/TASK]]"


def resolve(text: str, flow: str | None = None, at: Scope | None = None) -> Flow | Run | Step | Task:
    """Return what an address names.

    Parameters
    ----------
    flow
        The flow that is meant when the address names none; without it the run's id decides.
    at
        Where to look; unless given, in all namespaces of the place that `get_metadata` returns.

    Raises
    ------
    StepwellInvalidPathspec
        The text is no address, or names runs of several flows.
    StepwellNotFound
        A part does not exist; the message says what exists there.
    StepwellNamespaceMismatch
        The run exists, but not in the namespace of ``at``.
    """
    scope = Scope(current_scope().connection) if at is None else at
    parts = [part.strip() for part in text.strip().strip("/").split("/")]
    if not all(parts):
        raise _wrong(text)
    metadata = scope.connection.stores.metadata
    if _names_flow(metadata, parts[0], flow):
        flow = parts.pop(0)
        if not parts:
            return Flow(flow, scope)
    if len(parts) > 3:
        raise _wrong(text)
    run = _run(scope, parts[0], flow)
    return run if len(parts) == 1 else _inside(scope, run, text, parts[1:])


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
    return not any(metadata.run(known, first) for known in (metadata.flows() if flow is None else (flow,)))


def _run(scope: Scope, name: str, flow: str | None) -> Run:
    metadata = scope.connection.stores.metadata
    if name in _NAMED:
        query = RunQuery(flow=flow, tags=scope.tags, states=_NAMED[name], limit=1)
        found = list(metadata.runs(query))
    else:
        flows = metadata.flows() if flow is None else (flow,)
        found = [run for run in (metadata.run(known, name) for known in flows) if run is not None]
    if not found:
        raise missing.no_run(metadata, flow, name)
    if len(found) > 1:
        known = ", ".join(f"`{run.flow}/{run.run}`" for run in found)
        raise StepwellInvalidPathspec(f"Several flows have a run `{name}`: {known}. Name the flow too.")
    record = found[0]
    return Run(f"{record.flow}/{record.run}", scope)


def _inside(scope: Scope, run: Run, text: str, parts: list[str]) -> Step | Task:
    indexed = _INDEXED.fullmatch(parts[0])
    if indexed is None:
        if not parts[0].isidentifier():
            raise _wrong(text)
        path = "/".join((run.pathspec, *parts))
        return Step(path, scope) if len(parts) == 1 else Task(path, at=scope)
    if len(parts) > 1:
        raise _wrong(text)
    flow, run_id = run.path_components
    stored = StoredRun(scope.connection, flow, run_id)
    index_path = ",".join(index.strip() for index in indexed[2].split(","))
    record = next(stored.newest_tasks(indexed[1], index_path), None)
    if record is None:
        metadata = scope.connection.stores.metadata
        raise missing.no_task(metadata, stored.flow, stored.run, indexed[1], f"[{index_path}]")
    return Task.known(scope, stored, record)
