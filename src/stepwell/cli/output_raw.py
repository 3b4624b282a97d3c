"""``output-raw``: the graph as data."""

from __future__ import annotations

import click
import msgspec

from stepwell.cli.context import current_context
from stepwell.definition.graph_info import graph_info


def command(_flow_class: object) -> click.Command:
    """Build the command."""
    option = click.Option(["--json", "as_json"], is_flag=True, help="Print JSON in place of text.")
    return click.Command("output-raw", params=[option], callback=output_raw, help="Print the graph as data.")


def output_raw(as_json: bool) -> None:
    """Print ``graph`` (the steps) and ``graph_structure`` (their nesting)."""
    context = current_context()
    info = graph_info(context.define(look_into_steps=False))
    raw = {"graph": info["steps"], "graph_structure": info["graph_structure"]}
    encoded = msgspec.json.encode(raw)
    if as_json:
        context.console.data(encoded.decode())
        return
    context.console.data(*msgspec.json.format(encoded, indent=2).decode().split("\n"))
