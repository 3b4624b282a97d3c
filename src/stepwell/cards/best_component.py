"""Which component shows a value that is none itself."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, cast

from stepwell.cards.component import Component

Maker = Callable[[Any], Component]


def component_for(value: object) -> Component:
    """Return the value itself if it is a component, else the best one for its type."""
    if isinstance(value, Component):
        return value
    try:
        return _best(value)
    except Exception as error:  # noqa: BLE001 - what a library cannot show must not fail the task
        # By name, here and below: those components hold others, which they find here.
        return _of("texts", "Error")(error)


def _best(value: object) -> Component:
    if isinstance(value, BaseException):
        return _of("texts", "Error")(value)
    if isinstance(value, str):
        return _of("texts", "Markdown")(value)
    kind = type(value)
    package = kind.__module__.partition(".")[0]
    if package == "matplotlib" or (package == "numpy" and _holds_plots(value)):
        return _of("media", "Image").from_matplotlib(value)
    if package == "PIL":
        return _of("media", "Image").from_pil_image(value)
    if package in ("pandas", "polars") and kind.__name__ == "DataFrame":
        return _of("table", "Table").from_dataframe(value)
    if package in ("pandas", "polars") and kind.__name__ == "Series":
        frame: Any = value
        return _of("table", "Table").from_dataframe(frame.to_frame())
    if isinstance(value, dict):
        return _of("texts", "JSONViewer")(value)
    if _is_table(value):
        return _of("table", "Table")(value)
    if callable(value) and hasattr(value, "__code__"):
        return _of("texts", "PythonCode")(value)
    return _of("texts", "Artifact")(value)


def _is_table(value: object) -> bool:
    """Whether a value is a list of rows that are equally long."""
    if not isinstance(value, list):
        return False
    rows = cast("list[object]", value)
    widths = {len(cast("list[object]", row)) if isinstance(row, list | tuple) else 0 for row in rows}
    return len(widths) == 1 and 0 not in widths


def _holds_plots(value: Any) -> bool:
    """Whether it is an array of plots, as ``subplots`` returns."""
    return bool(
        value.dtype == object and value.size and type(value.flat[0]).__module__.startswith("matplotlib")
    )


def _of(module: str, name: str) -> Any:
    return getattr(import_module(f"stepwell.cards.{module}"), name)
