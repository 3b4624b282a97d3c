"""What a launcher knows of one task."""

from __future__ import annotations

import time

from stepwell.engines.local.foreground import Foreground
from stepwell.engines.local.messages import Launch


class LaunchedTask:
    """A task's process: when it is to be asked to end, and when to be killed; 0 is never.

    ``ending`` is a descriptor that tells its end; -1 where the system has none.
    """

    __slots__ = (
        "allowed_kib", "ending", "foreground", "kill_at", "number", "stop_at", "timed_out", "used_more",
    )  # fmt: skip

    def __init__(self, launch: Launch, ending: int) -> None:
        self.number = launch.number
        self.ending = ending
        self.stop_at = time.monotonic() + launch.limit_s if launch.limit_s else 0.0
        self.kill_at = 0.0
        self.timed_out = False
        self.allowed_kib = launch.allowed_kib
        self.used_more = False
        self.foreground: Foreground | None = None
