"""From what a card shows to one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import itertools
import time
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from stepwell.cards.graph_picture import graph_picture
from stepwell.cards.page import CardPage
from stepwell.cards.rich_text import code_styles, highlighted, markdown
from stepwell.model.amounts import byte_size
from stepwell.model.card_parts import Part

_TEMPLATES = Path(__file__).with_name("templates")
_NO_LONGER_COUNTED = 1e15


def rendered(page: CardPage) -> str:
    """Return the file: HTML, or JSON for the type that is data."""
    if page.type == "default_json":
        return msgspec.json.format(msgspec.json.encode(page), indent=2).decode()
    name = page.type if page.type in ("blank", "taskspec_card", "error") else "default"
    return (
        _environment()
        .get_template(f"{name}.html")
        .render(
            page=page,
            new_id=itertools.count().__next__,
            graph=graph_picture(page.graph, page.step) if page.graph else "",
            made_at=time.time(),
        )
    )


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = made.filters
    filters |= {
        "kind": _kind,
        "markdown": markdown,
        "highlighted": highlighted,
        "data_uri": _data_uri,
        "size": byte_size,
        "moment": _moment,
        "is_number": _is_number,
        "quantity": _quantity,
    }
    names: dict[str, Any] = made.globals
    names["styles"] = Markup((_TEMPLATES / "style.css").read_text(encoding="utf-8"))
    names["code_styles"] = code_styles
    return made


def _kind(part: Part) -> str:
    return str(part.__struct_config__.tag)


def _data_uri(data: bytes, mime: str) -> Markup:
    # Both are ours: letters of base64, and a type out of a table.
    return Markup(f"data:{mime};base64,{base64.b64encode(data).decode()}")


def _moment(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(at)).strip()


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "").removesuffix("%").strip())
    except ValueError:
        return False
    return True


def _quantity(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) and abs(value) < _NO_LONGER_COUNTED else f"{value:,.4g}"
