"""``runs [FLOW]``: runs, newest first."""

from __future__ import annotations

import socket
import time

import click
import msgspec

from stepwell.cli.context import current_context
from stepwell.cli.stores import metadata_of
from stepwell.cli.terminal_text import visible
from stepwell.cli.wording import took
from stepwell.exceptions import StepwellNotFound
from stepwell.metadata_store.liveness import settle
from stepwell.metadata_store.store import RunQuery
from stepwell.model.run import RunRecord
from stepwell.model.states import RunState


def command(_flow_class: object) -> click.Command:
    """Build the command."""
    return click.Command(
        "runs",
        params=[
            click.Argument(["flow"], required=False, metavar="[FLOW]"),
            click.Option(
                ["--status"],
                multiple=True,
                type=click.Choice([state.value for state in RunState]),
                help="Only runs in this state; may be repeated.",
            ),
            click.Option(["--tag"], multiple=True, help="Only runs that have this tag; may be repeated."),
            click.Option(
                ["--limit"], type=click.IntRange(min=1), default=20, help="Most runs that are listed."
            ),
            click.Option(["--json", "as_json"], is_flag=True, help="Print JSON in place of the table."),
        ],
        callback=runs,
        help="List runs of FLOW or of all flows, newest first.",
    )


def runs(flow: str | None, status: tuple[str, ...], tag: tuple[str, ...], limit: int, as_json: bool) -> None:
    """Print one line for each run."""
    context = current_context()
    if flow is None and context.flow_class is not None:
        flow = context.flow_class.__name__
    try:
        metadata = metadata_of(context)
    except StepwellNotFound as error:
        context.console.talk(str(error))
        if as_json:
            context.console.data("[]")
        return
    read = metadata.runs(RunQuery(flow=flow, tags=tag, states=status, limit=limit))
    settled = [settle(metadata, run, time.time(), socket.gethostname()) for run in read]
    found = [run for run in settled if not status or run.state.value in status]
    if as_json:
        context.console.data(msgspec.json.encode(list(found)).decode())
        return
    if not found:
        context.console.talk(f"There are no such runs in {metadata.location}.")
        return
    rows = [("RUN", "STATE", "STARTED", "DURATION", "USER", "TAGS"), *map(_cells, found)]
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        context.console.data("  ".join(cells).rstrip())


def _cells(run: RunRecord) -> tuple[str, ...]:
    started = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(run.created_at))
    return (
        f"{run.flow}/{run.run}",
        run.state.value,
        started,
        took(run),
        visible(run.user),
        visible(",".join(run.tags)),
    )
