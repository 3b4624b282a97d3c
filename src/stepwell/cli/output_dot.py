"""``output-dot``: the graph for Graphviz."""

from __future__ import annotations

from collections.abc import Iterator

import click

from stepwell.cli.context import current_context
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.definition.graph import Node
from stepwell.definition.transition import Foreach, Gang, Switch


def command(_flow_class: object) -> click.Command:
    """Build the command."""
    return click.Command(
        "output-dot", callback=output_dot, help="Print the graph in the language of Graphviz."
    )


def output_dot() -> None:
    """Print a ``digraph``."""
    context = current_context()
    context.console.data(*dot_lines(context.define(look_into_steps=False)))


def dot_lines(definition: FlowDefinition) -> Iterator[str]:
    """Yield the lines of the digraph."""
    yield f"digraph {definition.name} {{"
    yield "  rankdir=LR;"
    for node in definition.graph:
        kind = "foreach" if node.is_foreach else "gang" if node.opens_gang else "join" if node.is_join else ""
        shape = "box3d" if node.is_foreach or node.opens_gang else "box"
        if isinstance(node.transition, Switch):
            kind = f"switch {_escaped(node.transition.condition or '')}".rstrip()
            shape = "diamond"
        label = f"{node.name}\\n{kind}" if kind else node.name
        yield f'  "{node.name}" [label="{label}", shape={shape}];'
    for node in definition.graph:
        yield from (f'  "{node.name}" -> {edge};' for edge in _edges(node))
    yield "}"


def _edges(node: Node) -> Iterator[str]:
    if not isinstance(node.transition, Switch):
        yield from (f'"{target}"' for target in node.targets)
        return
    for case in node.transition.cases:
        kind = f" ({case.way.kind})" if isinstance(case.way, Foreach | Gang) else ""
        label = _escaped(case.label + kind)
        yield from (f'"{target}" [label="{label}"]' for target in case.way.targets)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
