"""Text streams over file descriptors."""

from __future__ import annotations

import io


def line_stream(fd: int, errors: str) -> io.TextIOWrapper:
    """Return a stream that writes each line to the descriptor at once, in UTF-8, and never closes it."""
    plain = io.BufferedWriter(io.FileIO(fd, "w", closefd=False))
    return io.TextIOWrapper(plain, encoding="utf-8", errors=errors, line_buffering=True)
