"""The parts that a step has put on a card: values, not markup. A page is made of them when somebody looks."""

from __future__ import annotations

from msgspec import Struct

LARGE_IMAGE = 10 * 1024 * 1024
"""Size in bytes from which an image is too large for a page."""


class Part(Struct, frozen=True, tag_field="part"):
    """Something that is shown on a card."""


class TextPart(Part, frozen=True, tag="text"):
    """Text as it is."""

    text: str


class MarkdownPart(Part, frozen=True, tag="markdown"):
    """Text in Markdown."""

    text: str


class CodePart(Part, frozen=True, tag="code"):
    """Source text of a language, or other text whose lines must stay."""

    text: str
    language: str = "text"
    title: str = ""


class ArtifactPart(Part, frozen=True, tag="artifact"):
    """A value in words: its name, the name of its class, and a text."""

    name: str
    type: str
    text: str


class ErrorPart(Part, frozen=True, tag="error"):
    """An exception."""

    title: str
    type: str
    message: str
    trace: str = ""


class TablePart(Part, frozen=True, tag="table"):
    """Rows of parts; ``note`` says what is left out."""

    headers: tuple[str, ...]
    rows: tuple[tuple[AnyPart, ...], ...]
    note: str = ""


class MediaPart(Part, frozen=True, tag="media"):
    """A picture, a sound or a film (``image``, ``audio``, ``video``), or a file to save (``file``)."""

    kind: str
    mime: str
    data: bytes
    label: str = ""


class ProgressPart(Part, frozen=True, tag="progress"):
    """How far something has come."""

    value: float
    max: float
    label: str = ""
    unit: str = ""
    metadata: str = ""


class ValuePart(Part, frozen=True, tag="value"):
    """One number or word that matters."""

    title: str
    value: str
    subtitle: str = ""
    change: str = ""
    theme: str = "default"


class Event(Struct, frozen=True):
    """What happened, at a Unix time: fields by name, and further parts by name."""

    at: float
    fields: dict[str, str]
    theme: str = "default"
    parts: dict[str, AnyPart] = {}


class TimelinePart(Part, frozen=True, tag="timeline"):
    """Events, the latest first; ``total`` counts those that are left out too."""

    title: str
    events: tuple[Event, ...]
    total: int = 0
    finished: bool = False


class HtmlPart(Part, frozen=True, tag="html"):
    """Markup of the user's, for a frame in which nothing runs."""

    text: str


class ColumnsPart(Part, frozen=True, tag="columns"):
    """Parts beside each other, in columns from left to right."""

    columns: tuple[tuple[AnyPart, ...], ...]


class TabsPart(Part, frozen=True, tag="tabs"):
    """Parts of which one tab is seen at a time, by the title of the tab."""

    tabs: tuple[tuple[str, tuple[AnyPart, ...]], ...]


AnyPart = (
    TextPart
    | MarkdownPart
    | CodePart
    | ArtifactPart
    | ErrorPart
    | TablePart
    | MediaPart
    | ProgressPart
    | ValuePart
    | TimelinePart
    | HtmlPart
    | ColumnsPart
    | TabsPart
)
"""All that can stand on a card."""
