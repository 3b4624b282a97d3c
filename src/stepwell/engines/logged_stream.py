"""A text stream that writes to the terminal and to a log at once."""

from __future__ import annotations

import io
import os
from typing import Any


def logged_stream(fd: int, log: int, errors: str) -> io.TextIOWrapper:
    """Return a stream that writes each line to both descriptors at once, in UTF-8; it is that of ``fd``."""
    # No buffer between them: a debugger that answers Ctrl-C amid a write must be able to write as well.
    both = _Both(fd, log)
    return io.TextIOWrapper(both, encoding="utf-8", errors=errors, write_through=True)  # pyright: ignore[reportArgumentType] - it writes all that it gets


class _Both(io.FileIO):
    def __init__(self, fd: int, log: int) -> None:
        super().__init__(fd, "w", closefd=False)
        self._log = log

    def write(self, data: Any, /) -> int:
        view = memoryview(data).cast("B")
        for descriptor in (self.fileno(), self._log):
            left = view
            while left:
                left = left[os.write(descriptor, left) :]
        return len(view)
