"""From the address that a user types to records.

An address is ``[FLOW/]RUN[/STEP[/TASK]]``. RUN may be ``latest`` or ``latest-successful``; ``STEP[i,j]`` is
the task of those foreach indexes.
"""

from __future__ import annotations

import re
import socket
import time

from msgspec import Struct

from stepwell.definition.nearest import listed
from stepwell.exceptions import StepwellInvalidPathspec, StepwellNotFound
from stepwell.metadata_store.liveness import settle
from stepwell.metadata_store.store import MetadataStore, RunQuery, TaskQuery
from stepwell.model.run import RunRecord, TaskRecord
from stepwell.model.states import RunState

ADDRESSES = "RUN may be latest or latest-successful; STEP[i] is the task of foreach index i."
"""What a command's help says of them."""

_INDEXED = re.compile(r"(\w+)\[(\d+(?:,\d+)*)\]")
_NAMED_RUNS = ("latest", "latest-successful")
_SHOWN = 10


class Address(Struct, frozen=True, kw_only=True):
    """What an address leads to. ``tasks`` is empty unless a step or a task is named."""

    run: RunRecord
    step: str | None = None
    task: TaskRecord | None = None
    tasks: tuple[TaskRecord, ...] = ()


def find(metadata: MetadataStore, text: str, flow: str | None = None) -> Address:
    """Return what ``text`` names.

    Parameters
    ----------
    flow
        The flow that is meant when the text names none; without it the run's id decides.

    Raises
    ------
    StepwellInvalidPathspec
        The text is no address.
    StepwellNotFound
        A part does not exist; the message says what exists there.
    """
    parts = text.strip("/").split("/")
    if _names_flow(metadata, parts[0], flow):
        flow = parts.pop(0)
    if not 1 <= len(parts) <= 3 or not all(parts):
        raise StepwellInvalidPathspec(f"`{text}` does not name a run: the form is [FLOW/]RUN[/STEP[/TASK]].")
    run = _run(metadata, parts[0], flow)
    if len(parts) == 1:
        return Address(run=run)
    indexed = _INDEXED.fullmatch(parts[1])
    step = indexed[1] if indexed else parts[1]
    steps = [count.step for count in metadata.steps(run.flow, run.run)]
    if step not in steps:
        raise StepwellNotFound(f"Run {run.run} has no step `{step}`. Its steps are: {listed(steps)}.")
    if indexed:
        found = metadata.tasks(
            TaskQuery(flow=run.flow, run=run.run, step=step, index_path=indexed[2], limit=1)
        )
        return _one(metadata, run, step, f"[{indexed[2]}]", found[0] if found else None)
    if len(parts) == 3:
        return _one(metadata, run, step, f"/{parts[2]}", metadata.task(run.flow, run.run, step, parts[2]))
    query = TaskQuery(flow=run.flow, run=run.run, step=step, ascending=True)
    return Address(run=run, step=step, tasks=tuple(metadata.tasks(query)))


def _names_flow(metadata: MetadataStore, first: str, flow: str | None) -> bool:
    """Whether the first part of an address is a flow; ids of runs need not be numbers."""
    if first.isdigit() or first in _NAMED_RUNS:
        return False
    flows = metadata.flows()
    if first == flow or first in flows:
        return True
    return not any(metadata.run(known, first) for known in (flows if flow is None else (flow,)))


def _one(metadata: MetadataStore, run: RunRecord, step: str, shown: str, task: TaskRecord | None) -> Address:
    if task is None:
        query = TaskQuery(flow=run.flow, run=run.run, step=step, ascending=True, limit=_SHOWN)
        known = [
            f"{found.task}{f' [{found.index_path}]' if found.index_path else ''}"
            for found in metadata.tasks(query)
        ]
        raise StepwellNotFound(
            f"There is no task {run.run}/{step}{shown}. Tasks of the step: {', '.join(known)}."
        )
    return Address(run=run, step=step, task=task, tasks=(task,))


def _run(metadata: MetadataStore, name: str, flow: str | None) -> RunRecord:
    flows = metadata.flows()
    if flow is not None and flow not in flows:
        known = f"Flows that have runs: {listed(flows)}." if flows else "No flow has run here yet."
        raise StepwellNotFound(f"There is no flow `{flow}` in {metadata.location}. {known}")
    if name in _NAMED_RUNS:
        states = (RunState.SUCCEEDED.value,) if name == "latest-successful" else ()
        newest = metadata.runs(RunQuery(flow=flow, states=states, limit=1))
        found = newest[0] if newest else None
    else:
        candidates = (metadata.run(known, name) for known in ((flow,) if flow else flows))
        found = next((run for run in candidates if run is not None), None)
    if found is None:
        newest = metadata.runs(RunQuery(flow=flow, limit=_SHOWN))
        known = ", ".join(f"{run.flow}/{run.run}" for run in newest)
        advice = f"The newest are: {known}." if known else "There are no runs yet."
        raise StepwellNotFound(f"There is no run `{name}`{f' of {flow}' if flow else ''}. {advice}")
    return settle(metadata, found, time.time(), socket.gethostname())
