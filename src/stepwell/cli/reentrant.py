"""Several processes that are told to resume into one run: one leads, the others follow it to its end."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from stepwell.cli.addresses import find
from stepwell.cli.context import CliContext
from stepwell.cli.exit_code import ExitCode, exit_code
from stepwell.exceptions import StepwellNotFound, UsageError
from stepwell.model.run import RunRecord
from stepwell.model.states import RunState
from stepwell.runtime.options import ContinueRun, ResumeRun, RunAsked

_LOOK_EVERY_S = 0.5
_APPEARS_WITHIN_S = 10.0


def lead_or_follow(
    context: CliContext, flow: str, asked: ResumeRun, run_id: str, carry_out: Callable[[RunAsked], ExitCode]
) -> ExitCode:
    """Carry out the run ``run_id``, or wait for whoever does; take over from a leader that was lost.

    Raises
    ------
    UsageError
        The run cannot be begun, and nobody else has begun it.
    """
    look = partial(_look, context, flow, run_id)
    if look() is None:
        try:
            return carry_out(asked)
        except UsageError:
            if not _appears(look):
                raise
    context.console.talk(f"Run {flow}/{run_id} is led by another process; this one waits for its end.")
    while True:
        leader = look()
        if leader is not None and leader.state is RunState.LOST:
            try:
                return carry_out(ContinueRun(run_id))
            except UsageError:
                continue  # another follower was quicker
        if leader is not None and leader.state.finished:
            return exit_code(leader.state)
        time.sleep(_LOOK_EVERY_S)


def _look(context: CliContext, flow: str, run_id: str) -> RunRecord | None:
    """Return the run as it is now; None if nobody has begun it."""
    from stepwell.wiring import open_stores

    stores = open_stores(settings=context.settings)
    try:
        return find(stores, f"{flow}/{run_id}").run
    except StepwellNotFound:
        return None
    finally:
        stores.metadata.close()


def _appears(look: Callable[[], RunRecord | None]) -> bool:
    """Wait for a run whose id has just been claimed to be on record."""
    until = time.monotonic() + _APPEARS_WITHIN_S
    while look() is None:
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True
