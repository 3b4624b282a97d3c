"""CARDS: what a step can put on its page, and the page itself.

The components that steps use have their place here, and so has what reads cards::

    from stepwell.cards import Markdown, Table, get_cards
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stepwell.cards.layouts import Columns, Tabs
    from stepwell.cards.live import EventsTimeline, ProgressBar, ValueBox
    from stepwell.cards.media import Audio, Download, Image, Video
    from stepwell.cards.table import Table
    from stepwell.cards.texts import Artifact, Error, Html, JSONViewer, Markdown, PythonCode, YAMLViewer
    from stepwell.client.cards import Card, CardContainer, get_cards

_WHERE = {
    **dict.fromkeys(("Columns", "Tabs"), "stepwell.cards.layouts"),
    **dict.fromkeys(("EventsTimeline", "ProgressBar", "ValueBox"), "stepwell.cards.live"),
    **dict.fromkeys(("Audio", "Download", "Image", "Video"), "stepwell.cards.media"),
    "Table": "stepwell.cards.table",
    **dict.fromkeys(
        ("Artifact", "Error", "Html", "JSONViewer", "Markdown", "PythonCode", "YAMLViewer"),
        "stepwell.cards.texts",
    ),
    # They read what is stored, and stand above; here is where they are looked for.
    **dict.fromkeys(("Card", "CardContainer", "get_cards"), "stepwell.client.cards"),
}

__all__ = [
    "Artifact",
    "Audio",
    "Card",
    "CardContainer",
    "Columns",
    "Download",
    "Error",
    "EventsTimeline",
    "Html",
    "Image",
    "JSONViewer",
    "Markdown",
    "ProgressBar",
    "PythonCode",
    "Table",
    "Tabs",
    "ValueBox",
    "Video",
    "YAMLViewer",
    "get_cards",
]


def __getattr__(name: str) -> object:
    module = _WHERE.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(module), name)
    return value
