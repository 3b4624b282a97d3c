"""Lines out of bytes that come cut anywhere."""

from __future__ import annotations

LONGEST_PIECE = 64 * 1024
"""A longer line is given in pieces, so that a program that never ends its line needs no memory."""


class LineCutter:
    """Cuts one stream. Of a line that ``\\r`` wrote over, as progress bars do, the last state stays."""

    __slots__ = ("_pending",)

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes; return the lines that they complete, and pieces of a very long one."""
        pending = self._pending
        scanned = len(pending)
        has_states = b"\r" in data or pending.endswith(b"\r")
        pending += data
        found: list[bytes] = []
        start = 0
        while (end := pending.find(b"\n", max(start, scanned))) >= 0:
            found.append(_last_state(bytes(pending[start : end + 1])))
            start = end + 1
        del pending[:start]
        if has_states:
            # Those at the end may belong to a newline that is still to come.
            shown = len(pending.rstrip(b"\r"))
            del pending[: pending.rfind(b"\r", 0, shown) + 1]
        while len(pending) > LONGEST_PIECE:
            found.append(bytes(pending[:LONGEST_PIECE]))
            del pending[:LONGEST_PIECE]
        return found

    @property
    def begun(self) -> bytes:
        """What there is of the line that goes on."""
        return bytes(self._pending)

    def finish(self) -> bytes:
        """Return the last line, which no newline ended."""
        rest = bytes(self._pending)
        self._pending.clear()
        return rest


def _last_state(line: bytes) -> bytes:
    if b"\r" not in line:
        return line
    shown = len(line.rstrip(b"\r\n"))
    return line[line.rfind(b"\r", 0, shown) + 1 :]
