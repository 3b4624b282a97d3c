"""What is done with a file's descriptor, where systems differ in how."""

from __future__ import annotations

import mmap
import os
import sys
from collections.abc import Sequence

from stepwell.datastore.storage import Buffer

PLAIN = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
"""To be added to every file that is opened: no child inherits it, and Windows changes no byte."""

_NORESERVE = getattr(mmap, "MAP_NORESERVE", 0)

# One call to write(2) takes at most 2 GiB - 4 KiB on Linux; smaller pieces let the kernel answer signals.
_WRITE_AT_MOST = 64 * 1024 * 1024


def write_all(fd: int, data: Sequence[Buffer]) -> None:
    for piece in data:
        view = memoryview(piece).cast("B") if not isinstance(piece, bytes) else memoryview(piece)
        offset, end = 0, len(view)
        while offset < end:
            offset += os.write(fd, view[offset : offset + _WRITE_AT_MOST])


def read_all(fd: int, start: int, length: int) -> bytes:
    """Return so many bytes from a place on, or those that there are. The descriptor is nobody else's."""
    found = _read_at(fd, length, start)
    if len(found) == length or not found:
        return found
    pieces = [found]
    done = len(found)
    while done < length and (more := _read_at(fd, length - done, start + done)):
        pieces.append(more)
        done += len(more)
    return b"".join(pieces)


def _seek_and_read(fd: int, length: int, start: int) -> bytes:
    os.lseek(fd, start, os.SEEK_SET)
    return os.read(fd, length)


_read_at = getattr(os, "pread", _seek_and_read)


def map_private(fd: int, size: int) -> mmap.mmap:
    """Map a file so that what is written to the memory never reaches it."""
    if not hasattr(mmap, "MAP_PRIVATE"):
        return mmap.mmap(fd, size, access=mmap.ACCESS_COPY)
    flags, prot = mmap.MAP_PRIVATE | _NORESERVE, mmap.PROT_READ | mmap.PROT_WRITE
    if sys.version_info >= (3, 13):
        return mmap.mmap(fd, size, flags, prot, trackfd=False)
    return mmap.mmap(fd, size, flags, prot)


def sync_file_system(folder: str) -> None:
    """Have all that was written below an existing folder survive a loss of power.

    Raises
    ------
    OSError
        It is not there, or the disk refuses.
    """
    if not hasattr(os, "sync"):
        return  # Windows lets ordinary users ask that of single files only
    fd = os.open(folder, os.O_RDONLY | PLAIN)
    try:
        _sync(fd)
    finally:
        os.close(fd)


def _sync(fd: int) -> None:
    if sys.platform == "linux":
        import ctypes

        libc = ctypes.CDLL(None, use_errno=True)
        if libc.syncfs(fd) == 0:
            return
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    os.sync()
