"""``output-dot``: the graph for Graphviz."""

from __future__ import annotations

from collections.abc import Iterator

import click

from stepwell.cli.context import current_context
from stepwell.definition.flow_definition import FlowDefinition


def command(_flow_class: object) -> click.Command:
    """Build the command."""
    return click.Command(
        "output-dot", callback=output_dot, help="Print the graph in the language of Graphviz."
    )


def output_dot() -> None:
    """Print a ``digraph``."""
    context = current_context()
    context.console.data(*dot_lines(context.define()))


def dot_lines(definition: FlowDefinition) -> Iterator[str]:
    """Yield the lines of the digraph."""
    yield f"digraph {definition.name} {{"
    yield "  rankdir=LR;"
    for node in definition.graph:
        kind = "foreach" if node.is_foreach else "join" if node.is_join else ""
        shape = "box3d" if node.is_foreach else "box"
        label = f"{node.name}\\n{kind}" if kind else node.name
        yield f'  "{node.name}" [label="{label}", shape={shape}];'
    for node in definition.graph:
        for target in node.targets:
            yield f'  "{node.name}" -> "{target}";'
    yield "}"
