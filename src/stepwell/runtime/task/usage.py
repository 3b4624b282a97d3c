"""What an attempt has used of the machine, as the kernel counts it."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from stepwell.model.attempt_fields import usage_fields


class Usage:
    """Counts from the moment it is made: an engine may run several tasks in one process.

    Parameters
    ----------
    devices
        The GPUs that the task has for itself.
    """

    def __init__(self, devices: Sequence[str] = ()) -> None:
        self._cpu_s = _measured()[0]
        self._gpus = None
        if devices:
            from stepwell.runtime.task.gpu_use import GpuUse  # few tasks have any

            self._gpus = GpuUse(devices)

    def fields(self) -> dict[str, str]:
        """Return CPU time since then, the most memory that the process has ever had, and the use of GPUs."""
        cpu_s, peak_rss_kib = _measured()
        gpus = {} if self._gpus is None else self._gpus.fields()
        return {**usage_fields(cpu_s - self._cpu_s, peak_rss_kib), **gpus}


def _measured() -> tuple[float, int]:
    """CPU seconds of the process and of children that it has waited for; its largest memory in KiB."""
    try:
        import resource
    except ImportError:  # Windows has none
        return time.process_time(), 0
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    peak = max(own.ru_maxrss, children.ru_maxrss)
    cpu_s = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
    return cpu_s, peak if sys.platform != "darwin" else peak // 1024
