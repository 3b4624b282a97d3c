"""``graph``: the graph, drawn."""

from __future__ import annotations

import shutil
from collections.abc import Iterable

import click
import msgspec

from stepwell.cli.context import current_context
from stepwell.cli.output_dot import dot_lines
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.definition.graph_info import graph_info
from stepwell.definition.graph_picture import svg
from stepwell.definition.graph_text import edges_of, mermaid_lines, outline_lines

_FORMATS = ("ascii", "mermaid", "dot", "svg", "json")


def command(_flow_class: object) -> click.Command:
    """Build the command."""
    option = click.Option(
        ["--format", "kind"], type=click.Choice(_FORMATS), default="ascii", show_default=True, help="How."
    )
    return click.Command("graph", params=[option], callback=graph, help="Draw the graph.")


def graph(kind: str) -> None:
    """Print the picture."""
    context = current_context()
    context.console.data(*_lines(context.define(look_into_steps=False), kind))


def _lines(definition: FlowDefinition, kind: str) -> Iterable[str]:
    if kind == "mermaid":
        return mermaid_lines(definition.graph)
    if kind == "dot":
        return dot_lines(definition)
    if kind == "svg":
        return svg({node.name: list(edges_of(node)) for node in definition.graph}).split("\n")
    info = graph_info(definition)
    if kind == "json":
        raw = {"graph": info["steps"], "graph_structure": info["graph_structure"]}
        return msgspec.json.format(msgspec.json.encode(raw), indent=2).decode().split("\n")
    width = shutil.get_terminal_size().columns
    return outline_lines(definition.graph, info["graph_structure"], width)
