"""Trace context as W3C writes it: ``00-TRACE-SPAN-FLAGS``, in lower-case hexadecimal digits."""

from __future__ import annotations

import os
import re

from blake3 import blake3
from msgspec import Struct

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


class TraceContext(Struct, frozen=True):
    """A span, and the trace that it belongs to; ``flags`` 01 says that it is collected."""

    trace: str
    span: str
    flags: str = "01"

    @classmethod
    def new(cls) -> TraceContext:
        return cls(os.urandom(16).hex(), os.urandom(8).hex())

    @classmethod
    def parse(cls, text: str) -> TraceContext | None:
        """Return what a ``traceparent`` says; None if it is not valid."""
        found = _TRACEPARENT.fullmatch(text.strip())
        if found is None or not int(found[1], 16) or not int(found[2], 16):
            return None
        return cls(*found.groups())

    def inside(self) -> TraceContext:
        """Return a new span in this one."""
        return TraceContext(self.trace, os.urandom(8).hex(), self.flags)

    @property
    def sampled(self) -> bool:
        return bool(int(self.flags, 16) & 1)

    def child(self, *place: str) -> TraceContext:
        """Return the span of a step, a task or an attempt: whoever knows the run's can name it."""
        digest = blake3("/".join((self.trace, self.span, *place)).encode()).hexdigest(8)
        return TraceContext(self.trace, digest, self.flags)

    def __str__(self) -> str:
        return f"00-{self.trace}-{self.span}-{self.flags}"
