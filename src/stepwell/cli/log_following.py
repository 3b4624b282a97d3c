"""``logs -f``: until the task, or the run, has ended."""

from __future__ import annotations

import select
import time
from typing import TYPE_CHECKING

from msgspec.structs import replace

from stepwell.cli.addresses import Address
from stepwell.cli.console import Console
from stepwell.cli.context import CliContext
from stepwell.cli.log_choice import LogOptions, chosen
from stepwell.cli.stores import find_in
from stepwell.client.graph import steps_in_order
from stepwell.client.run_log import RunFollower
from stepwell.client.scope import Connection
from stepwell.client.stored import StoredRun
from stepwell.exceptions import StepwellInvalidPathspec, StepwellNotFound

if TYPE_CHECKING:
    from stepwell.wiring.stores import Stores

_LOOK_EVERY_S = 0.25


def follow(context: CliContext, stores: Stores, text: str, options: LogOptions) -> None:
    """Print what tasks have printed, and what they print, until nothing more can come.

    Raises
    ------
    StepwellNotFound
        There is no such run, or it has ended without such a step or task.
    """
    found, has_waited = _found(context, stores, text)
    step = found.step
    run = StoredRun(Connection(stores.metadata.location, stores), found.run.flow, found.run.run)
    task = None if found.task is None else found.task.task
    follower = RunFollower(stores.datastore.logs, run, step, task, from_start=has_waited)
    while True:
        for data in chosen(follower.lines(), options, named=task is None):
            context.console.printed(data)
        context.console.flush()
        options = replace(options, tail=None)  # of what there was; what comes is all shown
        if follower.ended:
            break
        _wait(context.console)
    if step is not None and not follower.has_seen_tasks:
        find_in(context, stores, text)  # says what there is instead


def _found(context: CliContext, stores: Stores, text: str) -> tuple[Address, bool]:
    """Return what the address leads to, and whether it had to be waited for: a task may be still to come."""
    has_waited = False
    while True:
        try:
            return find_in(context, stores, text), has_waited
        except StepwellNotFound:
            run, parts = _run_of(context, stores, text)
            step = parts[0].partition("[")[0] if parts else ""
            if run is None or run.record().state.finished or step not in (steps_in_order(run) or (step,)):
                raise
            if parts == [step]:
                return Address(run=run.record(), step=step), True
        has_waited = True
        _wait(context.console)


def _run_of(context: CliContext, stores: Stores, text: str) -> tuple[StoredRun | None, list[str]]:
    """Return the run of an address that leads further than there is anything, if it exists, and the rest."""
    parts = text.strip().strip("/").split("/")
    for length in range(len(parts) - 1, 0, -1):
        try:
            found = find_in(context, stores, "/".join(parts[:length]))
        except (StepwellNotFound, StepwellInvalidPathspec):
            continue
        connection = Connection(stores.metadata.location, stores)
        return StoredRun(connection, found.run.flow, found.run.run), parts[length:]
    return None, []


def _wait(console: Console) -> None:
    """Wait a moment.

    Raises
    ------
    BrokenPipeError
        Nobody reads any more.
    """
    if not hasattr(select, "poll"):
        time.sleep(_LOOK_EVERY_S)  # who reads no more is noticed by the next line
        return
    poll = select.poll()
    poll.register(console.out.fileno(), 0)
    for _, event in poll.poll(_LOOK_EVERY_S * 1000):
        if event & select.POLLERR:
            raise BrokenPipeError
