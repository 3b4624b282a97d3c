"""Where each step stands in a picture of the graph, and the way of each arrow. Pure, from names alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

_CHARACTER, _PADDING, _NARROWEST = 7.6, 13, 64
_BETWEEN_COLUMNS, _BETWEEN_ROWS = 46, 16
_MOST_CHARACTERS = 32

BOX_HEIGHT = 34
MARGIN = 10

Arrow = tuple[str, str]
"""The step it leads to, and what is written on it."""


class Box(Struct, frozen=True):
    """Where a step stands: the corner on the upper left, and how wide it is."""

    x: float
    y: float
    width: float

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.y + BOX_HEIGHT

    @property
    def center(self) -> float:
        """Half its width."""
        return self.x + self.width / 2

    @property
    def middle(self) -> float:
        """Half its height."""
        return self.y + BOX_HEIGHT / 2


def boxes_of(arrows: Mapping[str, Sequence[Arrow]]) -> dict[str, Box]:
    """Return where each step stands: in the column behind all that lead to it, loops not counted.

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
        width = max(_NARROWEST, max(len(shown(name)) for name in column) * _CHARACTER + 2 * _PADDING)
        y = MARGIN + (tallest - len(column) * (BOX_HEIGHT + _BETWEEN_ROWS)) / 2
        for number, name in enumerate(column):
            boxes[name] = Box(x, y + number * (BOX_HEIGHT + _BETWEEN_ROWS), width)
        labels = (len(shown(label)) for name in column for _, label in arrows[name])
        x += width + max(_BETWEEN_COLUMNS, max(labels, default=0) * _CHARACTER)
    return boxes


def is_back(source: Box, goal: Box) -> bool:
    """Whether the arrow leads back, as in a loop."""
    return goal.x <= source.x


def line_between(source: Box, goal: Box) -> str:
    """Return the path of an arrow, as SVG has it; one that leads back goes below the boxes."""
    if is_back(source, goal):
        x, y = source.x + source.width * 3 / 4, source.bottom  # also of a step to itself
        goal_x, goal_y = goal.x + goal.width / 4, goal.bottom
        low = max(y, goal_y) + 2.4 * MARGIN
        return f"M{x:g},{y:g} C{x:g},{low:g} {goal_x:g},{low:g} {goal_x:g},{goal_y:g}"
    x, y, goal_x, goal_y = source.right, source.middle, goal.x, goal.middle
    half = (x + goal_x) / 2
    return f"M{x:g},{y:g} C{half:g},{y:g} {half:g},{goal_y:g} {goal_x:g},{goal_y:g}"


def size_of(boxes: Mapping[str, Box]) -> tuple[float, float]:
    """Return width and height of the picture, with room for arrows that lead back."""
    right = max((box.right for box in boxes.values()), default=0.0)
    bottom = max((box.bottom for box in boxes.values()), default=0.0)
    return right + MARGIN, bottom + 2.4 * MARGIN


def shown(text: str) -> str:
    """Return a name or a label as the picture has it, cut if it is long."""
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1] + "…"
