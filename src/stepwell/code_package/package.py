"""The package of a flow: its files, and beside them what is known of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import blake3
import msgspec
from msgspec import Struct

from stepwell.code_package.archive import pack
from stepwell.code_package.selection import Source, imported, select

INFO = ".stepwell-code.json"
"""Name in the package of the file that describes it."""

_VERSION_DIGITS = 16


class Package(Struct, frozen=True, kw_only=True):
    """An archive and what is in it.

    Attributes
    ----------
    info
        ``script`` (name of the flow's file in the archive), ``files`` (how many), ``left_out`` (what is
        missing, and why), and what the caller added.
    """

    archive: bytes
    info: Mapping[str, object]


def build(script: str, suffixes: Sequence[str], **more: object) -> Package:
    """Read the code that belongs to a flow's file.

    Parameters
    ----------
    script
        Path of the flow's file.
    suffixes
        Endings of the files that belong to it, such as ``.py``.
    **more
        What else ``info`` should hold; text and numbers.
    """
    selection = select(script, suffixes)
    files: list[tuple[str, bytes]] = []
    left_out = [selection.note] if selection.note else []
    for source in selection.sources:
        try:
            files.append((source.name, _content(source)))
        except OSError as error:
            left_out.append(f"{source.name}: {error.strerror}")
    info = {**more, "script": selection.script, "files": len(files), "left_out": left_out}
    files.append((INFO, msgspec.json.encode(info, order="sorted")))
    return Package(archive=pack(files), info=info)


def read_info(content: bytes) -> dict[str, object]:
    """Return what the file `INFO` of a package says."""
    return cast("dict[str, object]", msgspec.json.decode(content))


def code_version(script: str) -> str:
    """Return 16 hexadecimal digits that stand for the flow's file and what it imported beside and below it.

    They are a BLAKE3 over names and contents. A file that is gone by now counts by its name.
    """
    hasher = blake3.blake3()
    for source in imported(script):
        try:
            content = _content(source)
        except OSError:
            content = b""
        hasher.update(source.name.encode("utf-8", "surrogateescape") + b"\0%d\0" % len(content))
        hasher.update(content)
    return hasher.hexdigest()[:_VERSION_DIGITS]


def _content(source: Source) -> bytes:
    with open(source.path, "rb") as file:
        return file.read()
