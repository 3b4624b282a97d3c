"""``reindex``: make the index anew from the datastore."""

from __future__ import annotations

import click

from stepwell.cli.context import current_context
from stepwell.cli.exit_code import ExitCode


def command(_flow_class: object) -> click.Command:
    """Build the command."""
    text = (
        "Make the index of runs and tasks anew from the datastore. Runs may go on meanwhile. A damaged index "
        "is kept beside the new one."
    )
    return click.Command("reindex", callback=reindex, help=text)


def reindex() -> ExitCode:
    """Fill the index; say what could not be read, and end with 1 if there was any of it."""
    from stepwell.upkeep.reindex import reindex as fill
    from stepwell.wiring.stores import stores_to_reindex

    context = current_context()
    stores, mended = stores_to_reindex(context.settings)
    for line in mended:
        context.console.talk(line)
    done = fill(stores.datastore, stores.metadata)
    for line in done.damaged:
        context.console.talk(f"Damaged: {line}")
    context.console.data(f"{done.runs} runs and {done.tasks} tasks are in {stores.metadata.location}")
    if done.damaged:
        context.console.talk("`stepwell doctor --datastore` tells which tasks are concerned.")
    return ExitCode.FAILED if done.damaged else ExitCode.DONE
