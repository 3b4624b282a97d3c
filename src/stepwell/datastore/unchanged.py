"""Tells whether a value that was mapped from a blob still is what the blob says, without reading it."""

from __future__ import annotations

import mmap
import os
import sys
from collections.abc import Sequence
from weakref import ref

from stepwell.datastore.pickles import OUT_OF_BAND_FROM, buffer_places
from stepwell.datastore.storage import Buffer

_CHUNK_PAGES = 512 * 1024
_TIDY_FROM = 1024
# Bits 61 to 63 of a page's entry in /proc/self/pagemap, as they stand in its last byte.
_PRESENT_OR_SWAPPED = 0xC0
_OF_THE_FILE = 0x20
_WRITTEN = frozenset(byte for byte in range(256) if byte & _PRESENT_OR_SWAPPED and not byte & _OF_THE_FILE)


class Mappings:
    """The blobs that this process has mapped and still uses."""

    def __init__(self) -> None:
        self._of: dict[bytes, list[ref[mmap.mmap]]] = {}
        self._tidy_at = _TIDY_FROM

    def remember(self, digest: bytes, view: memoryview) -> None:
        """Note that ``view`` shows the blob; nothing is noted of one that is not mapped."""
        if isinstance(view.obj, mmap.mmap):
            alive = [known for known in self._of.get(digest, ()) if known() is not None]
            self._of[digest] = [*alive, ref(view.obj)]
            if len(self._of) >= self._tidy_at:
                self._forget_unused()

    def _forget_unused(self) -> None:
        self._of = {
            digest: kept for digest, kept in self._of.items() if any(one() is not None for one in kept)
        }
        self._tidy_at = max(_TIDY_FROM, 2 * len(self._of))

    def unwritten(self, digest: bytes, pieces: Sequence[Buffer]) -> bool:
        """Return True if every large buffer among ``pieces`` lies in a mapping of the blob, in its own place,
        on pages that nobody has written to. False says nothing.
        """
        buffers = [
            piece for piece in pieces if isinstance(piece, memoryview) and piece.nbytes >= OUT_OF_BAND_FROM
        ]
        for known in self._of.get(digest, ()):
            mapped = known()
            if mapped is not None and buffers and _same_places(mapped, buffers):
                return True
        return False


def head_of(pieces: Sequence[Buffer]) -> bytes:
    """All but the large buffers: the pickle itself."""
    return b"".join(
        piece
        for piece in pieces[1:]
        if not (isinstance(piece, memoryview) and piece.nbytes >= OUT_OF_BAND_FROM)
        and len(piece)
        and any(piece)
    )


def _same_places(mapped: mmap.mmap, buffers: Sequence[memoryview]) -> bool:
    places = buffer_places(memoryview(mapped))
    if [size for _, size in places] != [buffer.nbytes for buffer in buffers]:
        return False
    base = _address(memoryview(mapped))
    return base is not None and all(
        _address(buffer) == base + offset and _pages_unwritten(base + offset, size)
        for buffer, (offset, size) in zip(buffers, places, strict=True)
    )


def _address(view: memoryview) -> int | None:
    if view.readonly:
        return None
    import ctypes

    return ctypes.addressof(ctypes.c_char.from_buffer(view))


def _pages_unwritten(address: int, size: int) -> bool:
    """A private page that was written to no longer belongs to the file: the kernel says which."""
    if sys.platform != "linux" or not hasattr(os, "pread"):
        return False
    first, end = address // mmap.PAGESIZE, (address + size - 1) // mmap.PAGESIZE + 1
    try:
        fd = os.open("/proc/self/pagemap", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        for page in range(first, end, _CHUNK_PAGES):
            wanted = 8 * min(_CHUNK_PAGES, end - page)
            entries = os.pread(fd, wanted, 8 * page)
            if len(entries) != wanted or not _WRITTEN.isdisjoint(entries[7::8]):
                return False
    except OSError:
        return False
    finally:
        os.close(fd)
    return True
