"""The graph as an SVG that stands by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from stepwell.definition.graph_layout import (
    BOX_HEIGHT,
    Arrow,
    Box,
    boxes_of,
    is_back,
    line_between,
    shown,
    size_of,
)

_STYLE = (
    "text{font:13px ui-monospace,monospace;fill:#1c2733}"
    ".label{font-size:11px;fill:#5b6875}"
    "rect{fill:#f4f7fa;stroke:#7b8b9a}"
    "path{fill:none;stroke:#7b8b9a}.back{stroke-dasharray:4 3}"
)


def svg(arrows: Mapping[str, Sequence[Arrow]]) -> str:
    """Return the picture. ``arrows`` as `boxes_of` takes them."""
    boxes = boxes_of(arrows)
    right, bottom = size_of(boxes)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{right:g}" height="{bottom:g}" '
        f'viewBox="0 0 {right:g} {bottom:g}">',
        f"<style>{_STYLE}</style>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" '
        'orient="auto"><path d="M0,0 L8,4 L0,8"/></marker></defs>',
        *(line for name, own in arrows.items() for arrow in own for line in _arrow(boxes, name, arrow)),
        *(line for name, box in boxes.items() for line in _box(name, box)),
        "</svg>",
    ]
    return "\n".join(lines)


def _box(name: str, box: Box) -> Iterator[str]:
    yield (
        f'<rect x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{BOX_HEIGHT}" rx="6">'
        f"<title>{escape(name)}</title></rect>"
    )
    place = f'x="{box.center:g}" y="{box.middle + 4.5:g}"'
    yield f'<text {place} text-anchor="middle">{escape(shown(name))}</text>'


def _arrow(boxes: Mapping[str, Box], name: str, arrow: Arrow) -> Iterator[str]:
    source, (target, label) = boxes[name], arrow
    goal = boxes[target]
    back = is_back(source, goal)
    kind = ' class="back"' if back else ""
    yield f'<path{kind} d="{line_between(source, goal)}" marker-end="url(#tip)"/>'
    if label:
        x, y = (source.right + goal.x) / 2, (source.middle + goal.middle) / 2 - 5
        if back:
            x, y = (source.center + goal.center) / 2, max(source.bottom, goal.bottom) + 16
        text = f'<text class="label" x="{x:g}" y="{y:g}" text-anchor="middle">'
        yield f"{text}{escape(shown(label))}</text>"
