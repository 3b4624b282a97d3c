"""``kill RUN``: end a run from another terminal."""

from __future__ import annotations

import socket

import click

from stepwell.cli.context import current_context
from stepwell.cli.stores import find_in, stores_of
from stepwell.exceptions import UsageError


def command(_flow_class: object) -> click.Command:
    """Build the command."""
    force = click.Option(["--force"], is_flag=True, help="Leave its tasks no time to end by themselves.")
    return click.Command(
        "kill",
        params=[click.Argument(["run"], metavar="[FLOW/]RUN"), force],
        callback=kill,
        help="End a run that goes on, as Ctrl-C in its terminal would, and wait for its end. A run on "
        "another machine is asked through the index, which takes some seconds. If its process has died, what "
        "its tasks have left running on this machine is ended. RUN may be latest.",
    )


def kill(run: str, force: bool) -> None:
    """End the run, and say how it ended."""
    from stepwell.runtime.killing import kill_run

    context = current_context()
    stores = stores_of(context)
    found = find_in(context, stores, run)
    if found.step is not None:
        raise UsageError(f"kill takes a run, and `{run}` is a part of one. A task cannot be ended alone.")
    killed = kill_run(stores.metadata, found.run, socket.gethostname(), force, context.console.talk)
    name, state = f"{killed.run.flow}/{killed.run.run}", killed.run.state.value
    over = "had ended before" if killed.was_over else "has ended"
    context.console.talk(f"Run {name} {over}: {state}.")
    if killed.leftovers:
        context.console.talk(f"Its tasks had left processes running ({killed.leftovers}); they are killed.")
