"""Components that hold bytes: pictures, sounds, films, and files to save."""

from __future__ import annotations

import io
import mimetypes
import os
import warnings
from pathlib import Path
from typing import Any, ClassVar

from stepwell.cards.component import Component
from stepwell.model.card_parts import LARGE_IMAGE, AnyPart, ErrorPart, MediaPart

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"OggS", "application/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"\x1aE\xdf\xa3", "video/webm"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}

Source = bytes | bytearray | memoryview | str | os.PathLike[str]


class _Media(Component):
    """Bytes that a browser shows."""

    kind: ClassVar[str]

    def __init__(self, src: Source, label: str | None = None) -> None:
        self._part = self._made(src, label or "")
        self._revision = 0

    @property
    def revision(self) -> int:
        return self._revision

    def update(self, src: Source, label: str | None = None) -> None:
        """Show something else from the next `refresh` on."""
        kept = self._part.label if isinstance(self._part, MediaPart) else ""
        self._part = self._made(src, kept if label is None else label)
        self._revision += 1

    def part(self) -> AnyPart:
        return self._part

    def _made(self, src: Source, label: str) -> MediaPart | ErrorPart:
        try:
            data = bytes(src) if isinstance(src, bytes | bytearray | memoryview) else Path(src).read_bytes()
        except OSError as error:
            return ErrorPart(f"This {self.kind} cannot be read", type(error).__name__, str(error))
        mime = mime_of(data)
        if mime == "application/ogg":
            mime = f"{self.kind}/ogg"
        if not mime.startswith(f"{self.kind}/"):
            text = f"{len(data):,} bytes that are no {self.kind} of a known format"
            return ErrorPart(f"This {self.kind} cannot be shown", "", text)
        return MediaPart(self.kind, mime, data, label)


class Image(_Media):
    """A picture.

    Parameters
    ----------
    src
        The bytes of a file in PNG, JPEG, GIF, WebP, BMP or SVG, or its path. Above 10 MB a warning is given:
        the page holds it.
    label
        What stands below it, and what is read to those who do not see it.
    """

    kind: ClassVar[str] = "image"

    def _made(self, src: Source, label: str) -> MediaPart | ErrorPart:
        made = super()._made(src, label)
        if isinstance(made, MediaPart) and len(made.data) > LARGE_IMAGE:
            size = len(made.data) / 1e6
            text = f"An image on a card has {size:.1f} MB, and its page will be that large. Make it smaller."
            warnings.warn(text, UserWarning, stacklevel=4)
        return made

    @classmethod
    def from_matplotlib(cls, plot: Any, label: str | None = None) -> Image:
        """Return the picture of a figure, of axes, or of an array of axes."""
        data = io.BytesIO()
        figure_of(plot).savefig(data, format="png", bbox_inches="tight", dpi=144)
        return cls(data.getvalue(), label)

    @classmethod
    def from_pil_image(cls, pilimage: Any, label: str | None = None) -> Image:
        """Return a picture of Pillow's."""
        data = io.BytesIO()
        is_plain = pilimage.mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I")
        (pilimage if is_plain else pilimage.convert("RGB")).save(data, format="PNG")
        return cls(data.getvalue(), label)


def figure_of(plot: Any) -> Any:
    """Return the figure that a plot of matplotlib is drawn in."""
    one: Any = plot.flat[0] if hasattr(plot, "flat") else plot
    return one if hasattr(one, "savefig") else one.get_figure()


class Audio(_Media):
    """A sound: the bytes of a file in WAV, MP3, FLAC or Ogg, or its path."""

    kind: ClassVar[str] = "audio"


class Video(_Media):
    """A film: the bytes of a file in MP4, WebM or Ogg, or its path."""

    kind: ClassVar[str] = "video"


class Download(Component):
    """A file to save.

    Parameters
    ----------
    data
        Its bytes; text is written in UTF-8.
    name
        The name it is saved under.
    """

    def __init__(self, data: bytes | str, name: str) -> None:
        raw = data.encode() if isinstance(data, str) else bytes(data)
        mime = mimetypes.guess_type(name)[0] or "application/octet-stream"
        self._part = MediaPart("file", mime, raw, name)

    def part(self) -> AnyPart:
        return self._part


def mime_of(data: bytes) -> str:
    """Return what a browser calls the format of these bytes; empty if it is not known."""
    if data[:4] == b"RIFF":
        return _RIFF.get(data[8:12], "")
    if data[4:8] == b"ftyp":
        return "audio/mp4" if data[8:11] == b"M4A" else "video/mp4"
    for magic, mime in _MAGIC:
        if data.startswith(magic):
            return mime
    return "image/svg+xml" if b"<svg" in data[:1000].lower() else ""
