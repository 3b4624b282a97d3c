"""The graph as a picture: where each step stands, and the SVG of it. Pure, from names and arrows alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from msgspec import Struct

BOX_HEIGHT, _CHARACTER, _PADDING = 32, 7.5, 14
_BETWEEN_COLUMNS, _BETWEEN_ROWS, MARGIN = 56, 18, 16
_MOST_CHARACTERS = 40
_STYLE = (
    "text{font:13px ui-monospace,monospace;fill:#1c2733}"
    ".label{font-size:11px;fill:#5b6875}"
    "rect{fill:#f4f7fa;stroke:#7b8b9a}"
    "path{fill:none;stroke:#7b8b9a}.back{stroke-dasharray:4 3}"
)

Arrow = tuple[str, str]
"""The step it leads to, and what is written on it."""


class Box(Struct, frozen=True):
    """Where a step stands: the corner on the upper left, and how wide it is."""

    name: str
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
        return self.y + BOX_HEIGHT / 2


def boxes_of(arrows: Mapping[str, Sequence[Arrow]]) -> dict[str, Box]:
    """Return where each step stands, in columns from left to right.

    Parameters
    ----------
    arrows
        By step, in the order of the graph: what leads back in a loop leads to a step that came before.
    """
    place = {name: number for number, name in enumerate(arrows)}
    columns: dict[str, int] = dict.fromkeys(arrows, 0)
    for name, own in arrows.items():
        for target, _ in own:
            if place[target] > place[name]:
                columns[target] = max(columns[target], columns[name] + 1)
    rows: list[list[str]] = [[] for _ in range(max(columns.values(), default=-1) + 1)]
    for name in arrows:
        rows[columns[name]].append(name)
    tallest = max(map(len, rows), default=0) * (BOX_HEIGHT + _BETWEEN_ROWS)
    boxes: dict[str, Box] = {}
    x = float(MARGIN)
    for column in rows:
        width = max(len(shown(name)) for name in column) * _CHARACTER + 2 * _PADDING
        y = MARGIN + (tallest - len(column) * (BOX_HEIGHT + _BETWEEN_ROWS)) / 2
        for number, name in enumerate(column):
            boxes[name] = Box(name, x, y + number * (BOX_HEIGHT + _BETWEEN_ROWS), width)
        labels = (len(shown(label)) for name in column for _, label in arrows[name])
        x += width + max(_BETWEEN_COLUMNS, max(labels, default=0) * _CHARACTER)
    return boxes


def svg(arrows: Mapping[str, Sequence[Arrow]]) -> str:
    """Return the picture. ``arrows`` as `boxes_of` takes them."""
    boxes = boxes_of(arrows)
    right = max((box.right for box in boxes.values()), default=0) + MARGIN
    bottom = max((box.y for box in boxes.values()), default=0) + BOX_HEIGHT + 3 * MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{right:g}" height="{bottom:g}" '
        f'viewBox="0 0 {right:g} {bottom:g}">',
        f"<style>{_STYLE}</style>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" '
        'orient="auto"><path d="M0,0 L8,4 L0,8"/></marker></defs>',
        *(line for name, own in arrows.items() for arrow in own for line in _arrow(boxes, name, arrow)),
        *(line for box in boxes.values() for line in _box(box)),
        "</svg>",
    ]
    return "\n".join(lines)


def _box(box: Box) -> Iterator[str]:
    yield (
        f'<rect x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{BOX_HEIGHT}" rx="6">'
        f"<title>{escape(box.name)}</title></rect>"
    )
    middle, baseline = box.x + box.width / 2, box.middle + 4.5
    yield f'<text x="{middle:g}" y="{baseline:g}" text-anchor="middle">{escape(shown(box.name))}</text>'


def _arrow(boxes: Mapping[str, Box], name: str, arrow: Arrow) -> Iterator[str]:
    source, (target, label) = boxes[name], arrow
    goal = boxes[target]
    x, y = source.right, source.middle
    goal_x, goal_y = goal.x, goal.middle
    if goal_x > source.x:
        half = (x + goal_x) / 2
        kind, path = "", f"M{x:g},{y:g} C{half:g},{y:g} {half:g},{goal_y:g} {goal_x:g},{goal_y:g}"
        label_x, label_y = half, (y + goal_y) / 2 - 5
    else:  # back, below the boxes
        x, y = source.x + source.width / 2, source.y + BOX_HEIGHT
        goal_x, goal_y = goal.x + goal.width / 4, goal.y + BOX_HEIGHT
        low = max(y, goal_y) + 2 * MARGIN
        kind, path = ' class="back"', f"M{x:g},{y:g} C{x:g},{low:g} {goal_x:g},{low:g} {goal_x:g},{goal_y:g}"
        label_x, label_y = (x + goal_x) / 2, low
    yield f'<path{kind} d="{path}" marker-end="url(#tip)"/>'
    if label:
        text = f'<text class="label" x="{label_x:g}" y="{label_y:g}" text-anchor="middle">'
        yield f"{text}{escape(shown(label))}</text>"


def shown(text: str) -> str:
    """Return a name or a label as it is written in the picture: cut if it is long."""
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1] + "…"
