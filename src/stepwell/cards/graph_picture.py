"""The graph of a flow as an inline SVG, from left to right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from stepwell.cards.page import StepNode
from stepwell.definition.graph_picture import BOX_HEIGHT, MARGIN, Box, boxes_of, shown


def graph_picture(steps: Sequence[StepNode], marked: str) -> Markup:
    """Return the picture.

    Parameters
    ----------
    marked
        The step that stands out.
    """
    known = {node.name for node in steps}
    arrows = {node.name: [(target, "") for target in node.next if target in known] for node in steps}
    edges = [(source, target) for source, own in arrows.items() for target, _ in own]
    boxes = boxes_of(arrows)
    width = max(box.right for box in boxes.values()) + MARGIN
    loops = [edge for edge in edges if boxes[edge[1]].x <= boxes[edge[0]].x]
    bottom = max(box.y for box in boxes.values()) + BOX_HEIGHT
    height = bottom + MARGIN + (26 if loops else 0)
    many = inside_foreach(steps)
    pieces = [_edge(boxes[source], boxes[target], bottom) for source, target in edges]
    pieces += [_step(node, boxes[node.name], node.name == marked, node.name in many) for node in steps]
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


def _edge(source: Box, target: Box, bottom: float) -> Markup:
    if target.x <= source.x:
        low, under = bottom + 22, target.y + BOX_HEIGHT + 3
        x1, x2 = source.x + source.width * 3 / 4, target.x + target.width / 4  # also of a step to itself
        line = f"M{x1:.1f} {source.y + BOX_HEIGHT}C{x1:.1f} {low} {x2:.1f} {low} {x2:.1f} {under}"
    else:
        bend = (target.x - source.right) / 2
        line = (
            f"M{source.right:.1f} {source.middle:.1f}C{source.right + bend:.1f} {source.middle:.1f} "
            f"{target.x - bend - 3:.1f} {target.middle:.1f} {target.x - 3:.1f} {target.middle:.1f}"
        )
    return Markup('<path class="edge" d="{}" marker-end="url(#arrow)"/>').format(line)


def _step(node: StepNode, box: Box, is_marked: bool, is_many: bool) -> Markup:
    classes = "step marked" if is_marked else "step"
    facts: Mapping[str, object] = {
        "classes": classes, "x": box.x, "y": box.y, "w": box.width, "h": BOX_HEIGHT, "name": shown(node.name),
        "full": node.name, "cx": box.x + box.width / 2, "cy": box.middle + 4.5,
        "x2": box.x + 4, "y2": box.y + 4,
    }  # fmt: skip
    behind = '<rect x="{x2:.1f}" y="{y2:.1f}" width="{w:.1f}" height="{h}" rx="9"/>' if is_many else ""
    return Markup(
        '<g class="{classes}"><title>{full}</title>' + behind + '<rect x="{x:.1f}" y="{y:.1f}" '
        'width="{w:.1f}" height="{h}" rx="9"/><text x="{cx:.1f}" y="{cy:.1f}">{name}</text></g>'
    ).format(**facts)
