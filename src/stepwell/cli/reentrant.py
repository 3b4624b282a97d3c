"""Several processes that are told to resume into one run: one leads, the others follow it to its end."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from functools import partial

from stepwell.cli.addresses import find
from stepwell.cli.context import CliContext
from stepwell.cli.exit_code import exit_code
from stepwell.exceptions import StepwellNotFound, UsageError
from stepwell.model.run import RunRecord
from stepwell.model.states import RunState
from stepwell.runtime.options import ContinueRun, ResumeRun, RunAsked

_LOOK_EVERY_S = 0.5


def lead_or_follow(
    context: CliContext,
    flow: str,
    asked: ResumeRun,
    run_id: str,
    carry_out: Callable[[RunAsked], int],
    appears_within_s: float = 10.0,
) -> int:
    """Carry out the run ``run_id``, or wait for whoever does; take over from a leader that was lost.

    Raises
    ------
    UsageError
        The run cannot be begun or gone on with, and nobody else has done it.
    StepwellNotFound
        The run that this process waited for is no longer on record.
    """
    look = partial(_look, context, flow, run_id)
    if look() is None:
        try:
            return carry_out(asked)
        except UsageError:
            found = _appears(look, appears_within_s)
            if found is None or _is_ours(found):
                raise
    context.console.talk(f"Run {flow}/{run_id} is led by another process; this one waits for its end.")
    while True:
        leader = _appears(look, appears_within_s)
        if leader is None:
            raise StepwellNotFound(
                f"Run {flow}/{run_id} is no longer on record, so that its end cannot be waited for. "
                "`stepwell reindex` finds it again, if its results are kept."
            )
        if leader.state is RunState.LOST:
            try:
                return carry_out(ContinueRun(run_id))
            except UsageError:
                leader = look()
                if leader is None or leader.state is RunState.LOST or _is_ours(leader):
                    raise  # else another follower was quicker
        if leader.state.finished:
            return exit_code(leader.state)
        time.sleep(_LOOK_EVERY_S)


def _look(context: CliContext, flow: str, run_id: str) -> RunRecord | None:
    """Return the run as it is now; None if nobody has begun it."""
    from stepwell.wiring.stores import open_stores

    stores = open_stores(settings=context.settings)
    try:
        return find(stores, f"{flow}/{run_id}").run
    except StepwellNotFound:
        return None
    finally:
        stores.metadata.close()


def _appears(look: Callable[[], RunRecord | None], within_s: float) -> RunRecord | None:
    """Wait for a run whose id has been claimed to be on record; None if it is not in time."""
    until = time.monotonic() + within_s
    while (found := look()) is None:
        if time.monotonic() > until:
            return None
        time.sleep(0.05)
    return found


def _is_ours(run: RunRecord) -> bool:
    """Tell whether it was this process that took the run up, so that its error is no other's success."""
    return (run.host, run.pid) == (socket.gethostname(), os.getpid())
