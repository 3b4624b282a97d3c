"""``du [FLOW|RUN]``: how many bytes are whose."""

from __future__ import annotations

import click
import msgspec

from stepwell.cli.context import CliContext, current_context
from stepwell.cli.stores import find_in, stores_of
from stepwell.cli.terminal_text import visible
from stepwell.exceptions import UsageError
from stepwell.metadata_store.store import RunQuery
from stepwell.model.amounts import byte_size
from stepwell.upkeep.usage import Row, Usage, UsageCount
from stepwell.wiring.stores import Stores

_SHOWN = 20


def command(_flow_class: object) -> click.Command:
    """Build the command."""
    return click.Command(
        "du",
        params=[
            click.Argument(["what"], required=False, metavar="[FLOW|[FLOW/]RUN]"),
            click.Option(["--all", "show_all"], is_flag=True, help=f"All rows, not only the first {_SHOWN}."),
            click.Option(["--json", "as_json"], is_flag=True, help="Print all rows as JSON, in bytes."),
        ],
        callback=du,
        help="Show how many bytes are whose: LOGICAL as if nothing were shared, STORED as it lies on disk, "
        "RECLAIMABLE what deleting this alone would free. By flow; of a FLOW by run; of a RUN by step and "
        "artifact; and by kind: artifacts, packs (what is known of tasks), logs, code, checkpoints.",
    )


def du(what: str | None, show_all: bool, as_json: bool) -> None:
    """Print the tables."""
    context = current_context()
    stores = stores_of(context)
    flow, run = _meant(context, stores, what)
    metadata = stores.metadata
    runs = (run for name in metadata.flows() for run in metadata.runs(RunQuery(flow=name)))
    usage = UsageCount(stores.datastore, flow, run).count(runs)
    if as_json:
        context.console.data(msgspec.json.encode(usage).decode())
    else:
        for line in _lines(usage, None if show_all else _SHOWN):
            context.console.data(line)


def _meant(context: CliContext, stores: Stores, what: str | None) -> tuple[str, str]:
    """Return flow and run that are meant; empty is all."""
    if what is None:
        return (context.flow_class.__name__ if context.flow_class is not None else ""), ""
    if what in stores.metadata.flows():
        return what, ""
    found = find_in(context, stores, what)
    if found.step is not None:
        raise UsageError(
            f"du takes a flow or a run, and `{what}` is a part of a run; `du RUN` shows its parts."
        )
    return found.run.flow, found.run.run


def _lines(usage: Usage, most: int | None) -> list[str]:
    """Return the tables, one for each grouping."""
    lines: list[str] = []
    for name, rows in usage.by.items():
        lines += _table(name.upper(), rows[:most])
        if most is not None and len(rows) > most:
            lines.append(f"and {len(rows) - most} more (--all)")
        lines.append("")
    lines += _table("", [usage.total])
    if usage.unreferenced:
        lines.append(
            f"{byte_size(usage.unreferenced)} in the datastore that nothing refers to: `stepwell gc`."
        )
    return lines


def _table(title: str, rows: list[Row]) -> list[str]:
    cells = [(title, "LOGICAL", "STORED", "RECLAIMABLE")] if title else []
    cells += [
        (visible(row.name), byte_size(row.logical), byte_size(row.stored), byte_size(row.reclaimable))
        for row in rows
    ]
    width = max((len(row[0]) for row in cells), default=0)
    width = max(width, 24)
    return [
        f"{name:<{width}}  {logical:>11}  {stored:>11}  {free:>11}" for name, logical, stored, free in cells
    ]
