"""The graph of a flow as an inline SVG, from left to right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from markupsafe import Markup
from msgspec import Struct

from stepwell.cards.page import StepNode

_HEIGHT, _GAP_X, _GAP_Y, _MARGIN = 34, 46, 16, 8
_PER_LETTER, _PADDING, _NARROWEST = 7.6, 26, 64
_LONGEST_NAME = 28


class Box(Struct, frozen=True):
    """Where a step stands."""

    x: float
    y: float
    width: float

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.x + self.width

    @property
    def middle(self) -> float:
        """Half its height."""
        return self.y + _HEIGHT / 2


def graph_picture(steps: Sequence[StepNode], marked: str) -> Markup:
    """Return the picture.

    Parameters
    ----------
    marked
        The step that stands out.
    """
    boxes = boxes_of(steps)
    width = max(box.right for box in boxes.values()) + _MARGIN
    loops = [edge for edge in _edges(steps) if boxes[edge[1]].x <= boxes[edge[0]].x]
    bottom = max(box.y for box in boxes.values()) + _HEIGHT
    height = bottom + _MARGIN + (26 if loops else 0)
    many = inside_foreach(steps)
    pieces = [_edge(boxes[source], boxes[target], bottom) for source, target in _edges(steps)]
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


def boxes_of(steps: Sequence[StepNode]) -> dict[str, Box]:
    """Return where each step stands: in the column behind all that lead to it, its loops not counted."""
    columns: dict[int, list[StepNode]] = {}
    depth = depths(steps)
    for node in steps:
        columns.setdefault(depth[node.name], []).append(node)
    tallest = max(map(len, columns.values()))
    whole = tallest * (_HEIGHT + _GAP_Y) - _GAP_Y
    boxes: dict[str, Box] = {}
    x = float(_MARGIN)
    for column in sorted(columns):
        nodes = columns[column]
        width = max(_width(node.name) for node in nodes)
        y = _MARGIN + (whole - (len(nodes) * (_HEIGHT + _GAP_Y) - _GAP_Y)) / 2
        for node in nodes:
            boxes[node.name] = Box(x, y, width)
            y += _HEIGHT + _GAP_Y
        x += width + _GAP_X
    return boxes


def depths(steps: Sequence[StepNode]) -> dict[str, int]:
    """Return the column of each step: one more than that of any step before it.

    Steps come in the order of the graph, so what leads to an earlier one is a loop.
    """
    order = {node.name: place for place, node in enumerate(steps)}
    found = dict.fromkeys(order, 0)
    for node in steps:
        for target in node.next:
            if order.get(target, -1) > order[node.name]:
                found[target] = max(found[target], found[node.name] + 1)
    return found


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


def _edges(steps: Sequence[StepNode]) -> Iterator[tuple[str, str]]:
    known = {node.name for node in steps}
    return ((node.name, target) for node in steps for target in node.next if target in known)


def _edge(source: Box, target: Box, bottom: float) -> Markup:
    if target.x <= source.x:
        low = bottom + 22
        x1, x2 = source.x + source.width / 2, target.x + target.width / 2
        line = (
            f"M{x1:.1f} {source.y + _HEIGHT}C{x1:.1f} {low} {x2:.1f} {low} {x2:.1f} {target.y + _HEIGHT + 3}"
        )
    else:
        bend = (target.x - source.right) / 2
        line = (
            f"M{source.right:.1f} {source.middle:.1f}C{source.right + bend:.1f} {source.middle:.1f} "
            f"{target.x - bend - 3:.1f} {target.middle:.1f} {target.x - 3:.1f} {target.middle:.1f}"
        )
    return Markup('<path class="edge" d="{}" marker-end="url(#arrow)"/>').format(line)


def _step(node: StepNode, box: Box, is_marked: bool, is_many: bool) -> Markup:
    classes = "step marked" if is_marked else "step"
    name = node.name if len(node.name) <= _LONGEST_NAME else f"{node.name[: _LONGEST_NAME - 1]}…"
    facts: Mapping[str, object] = {
        "classes": classes, "x": box.x, "y": box.y, "w": box.width, "h": _HEIGHT, "name": name,
        "full": node.name, "cx": box.x + box.width / 2, "cy": box.middle + 4.5,
        "x2": box.x + 4, "y2": box.y + 4,
    }  # fmt: skip
    behind = '<rect x="{x2:.1f}" y="{y2:.1f}" width="{w:.1f}" height="{h}" rx="9"/>' if is_many else ""
    return Markup(
        '<g class="{classes}"><title>{full}</title>' + behind + '<rect x="{x:.1f}" y="{y:.1f}" '
        'width="{w:.1f}" height="{h}" rx="9"/><text x="{cx:.1f}" y="{cy:.1f}">{name}</text></g>'
    ).format(**facts)


def _width(name: str) -> float:
    return max(_NARROWEST, min(len(name), _LONGEST_NAME) * _PER_LETTER + _PADDING)
