"""Words of ours in the log of a task, and the end of what the step printed."""

from __future__ import annotations

import os
import sys


def flush() -> None:
    """Flush what the step printed. A step may have closed a stream or put another in its place."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            continue  # it is gone, and with it what was in it; the artifacts of the step count


def say(text: str) -> bool:
    """Write to the task's log, also after the step has closed ``sys.stderr``; return whether it could be."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (AttributeError, OSError, ValueError):
        try:
            os.write(2, text.encode(errors="backslashreplace"))
        except OSError:
            return False
    return True
