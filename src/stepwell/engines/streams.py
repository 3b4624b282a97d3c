"""Text streams over file descriptors."""

from __future__ import annotations

import io


class _Unbuffered(io.BufferedWriter):
    """Writes at once, and all of it: a plain file may take less than it is given, and say so to nobody."""

    def write(self, buffer: bytes | bytearray | memoryview, /) -> int:  # pyright: ignore[reportIncompatibleMethodOverride] - whatever holds bytes
        written = super().write(buffer)
        self.flush()
        return written


def unbuffered(fd: int, errors: str, stream: io.TextIOWrapper | None = None) -> io.TextIOWrapper:
    """Return a stream that writes to the descriptor at once, in UTF-8, and never closes it.

    Parameters
    ----------
    stream
        The object to make into such a stream: others may hold it. A new one unless given.
    """
    if stream is None:
        stream = io.TextIOWrapper.__new__(io.TextIOWrapper)
    else:
        stream.flush()
    plain = _Unbuffered(io.FileIO(fd, "w", closefd=False))
    stream.__init__(plain, encoding="utf-8", errors=errors, line_buffering=True, write_through=True)
    return stream
