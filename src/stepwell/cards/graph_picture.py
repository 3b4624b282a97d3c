"""The graph of a flow as an inline SVG in the colours of the page, with one step marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from stepwell.cards.page import StepNode
from stepwell.definition.graph_layout import BOX_HEIGHT, Box, boxes_of, line_between, shown, size_of


def graph_picture(steps: Sequence[StepNode], marked: str) -> Markup:
    """Return the picture.

    Parameters
    ----------
    marked
        The step that stands out.
    """
    known = {node.name for node in steps}
    arrows = {node.name: [(target, "") for target in node.next if target in known] for node in steps}
    boxes = boxes_of(arrows)
    width, height = size_of(boxes)
    many = inside_foreach(steps)
    pieces = [_edge(boxes[name], boxes[target]) for name, own in arrows.items() for target, _ in own]
    pieces += [_step(name, box, name == marked, name in many) for name, box in boxes.items()]
    words = "; ".join(f"{node.name} leads to {' and '.join(node.next)}" for node in steps if node.next)
    head = Markup(
        '<svg class="graph" role="img" viewBox="0 0 {w:.0f} {h:.0f}" width="{w:.0f}" height="{h:.0f}" '
        'aria-label="Graph of the flow. {words}. This card is of {marked}.">'
    )
    arrow = Markup(
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto-start-reverse"><path d="M0 0L8 4L0 8z"/></marker></defs>'
    )
    opened = head.format(w=width, h=height, words=words, marked=marked)
    return Markup("").join([opened, arrow, *pieces, Markup("</svg>")])


def inside_foreach(steps: Sequence[StepNode]) -> set[str]:
    """Return the steps of which there may be many tasks: those between a foreach, or a gang, and its join."""
    by_name = {node.name: node for node in steps}
    found: set[str] = set()
    for node in steps:
        waiting = list(node.next) if node.kind in ("split-foreach", "split-parallel") else []
        while waiting:
            name = waiting.pop()
            if name != node.join and name not in found and name in by_name:
                found.add(name)
                waiting += by_name[name].next
    return found


def _edge(source: Box, goal: Box) -> Markup:
    return Markup('<path class="edge" d="{}" marker-end="url(#arrow)"/>').format(line_between(source, goal))


def _step(name: str, box: Box, is_marked: bool, is_many: bool) -> Markup:
    facts: Mapping[str, object] = {
        "classes": "step marked" if is_marked else "step", "name": shown(name), "full": name,
        "x": box.x, "y": box.y, "w": box.width, "h": BOX_HEIGHT, "cx": box.center, "cy": box.middle + 4.5,
        "x2": box.x + 4, "y2": box.y + 4,
    }  # fmt: skip
    behind = '<rect x="{x2:.1f}" y="{y2:.1f}" width="{w:.1f}" height="{h}" rx="9"/>' if is_many else ""
    return Markup(
        '<g class="{classes}"><title>{full}</title>' + behind + '<rect x="{x:.1f}" y="{y:.1f}" '
        'width="{w:.1f}" height="{h}" rx="9"/><text x="{cx:.1f}" y="{cy:.1f}">{name}</text></g>'
    ).format(**facts)
