"""What an attempt has used of the machine, as the kernel counts it."""

from __future__ import annotations

import sys
import time

from stepwell.model.attempt_fields import usage_fields


class Usage:
    """Counts from the moment it is made: an engine may run several tasks in one process."""

    def __init__(self) -> None:
        self._cpu_s = _measured()[0]

    def fields(self) -> dict[str, str]:
        """Return CPU time since then, and the most memory that the process has ever had."""
        cpu_s, peak_rss_kib = _measured()
        return usage_fields(cpu_s - self._cpu_s, peak_rss_kib)


def _measured() -> tuple[float, int]:
    """CPU seconds of the process and of children that it has waited for; its largest memory in KiB."""
    if sys.platform == "win32":
        return time.process_time(), 0
    import resource  # not on Windows

    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    peak = max(own.ru_maxrss, children.ru_maxrss)
    cpu_s = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
    return cpu_s, peak if sys.platform != "darwin" else peak // 1024
