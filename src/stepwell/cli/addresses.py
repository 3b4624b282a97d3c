"""From the address that a user types to records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from stepwell.client import missing
from stepwell.client.locating import locate
from stepwell.client.scope import Connection, Scope
from stepwell.exceptions import StepwellInvalidPathspec
from stepwell.metadata_store.store import TaskQuery
from stepwell.model.run import RunRecord, TaskRecord

if TYPE_CHECKING:
    from stepwell.wiring.stores import Stores

ADDRESSES = "RUN may be latest or latest-successful; STEP[i] is the task of foreach index i."
"""What a command's help says of them."""


class Address(Struct, frozen=True, kw_only=True):
    """What an address leads to. ``tasks`` is empty unless a step or a task is named."""

    run: RunRecord
    step: str | None = None
    task: TaskRecord | None = None
    tasks: tuple[TaskRecord, ...] = ()


def find(stores: Stores, text: str, flow: str | None = None) -> Address:
    """Return what ``text`` names.

    Parameters
    ----------
    flow
        The flow that is meant when the text names none; without it the run's id decides.

    Raises
    ------
    StepwellInvalidPathspec
        The text names no run.
    StepwellNotFound
        A part does not exist; the message says what exists there.
    """
    metadata = stores.metadata
    found = locate(text, flow, Scope(Connection(metadata.location, stores)))
    if found.run is None:
        if found.flow not in metadata.flows():
            raise missing.no_flow(metadata, found.flow)
        raise StepwellInvalidPathspec(
            f"`{text}` names a flow, and no run of it. `{found.flow}/latest` is its newest run."
        )
    run = found.run.record()
    if found.task is not None:
        task = found.task.record()
        return Address(run=run, step=found.step, task=task, tasks=(task,))
    if not found.step:
        return Address(run=run)
    tasks = metadata.tasks(TaskQuery(flow=run.flow, run=run.run, step=found.step, ascending=True))
    return Address(run=run, step=found.step, tasks=tuple(tasks))
