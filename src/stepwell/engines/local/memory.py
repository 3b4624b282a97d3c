"""Whether the kernel killed a process for want of memory, as the counters of its control group tell."""

from __future__ import annotations

_ROOT = "/sys/fs/cgroup"


class OomCounter:
    """Notices that the kernel has killed a process for want of memory; on Linux only."""

    def __init__(self) -> None:
        self._path = next((path for path in _candidates() if _count(path) is not None), None)
        self._seen = self._now()

    def has_grown(self) -> bool:
        """Whether a process of our control group was killed for memory since the last call."""
        now = self._now()
        grown = now > self._seen
        self._seen = now
        return grown

    def _now(self) -> int:
        return (_count(self._path) or 0) if self._path else 0


def _candidates() -> list[str]:
    try:
        with open("/proc/self/cgroup") as file:
            lines = file.read().splitlines()
    except OSError:
        return []
    found: list[str] = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        path = path.rstrip("/")
        # Inside a container the path is often that of the host, and the group itself is mounted at the root.
        if not controllers:
            found += [f"{_ROOT}{path}/memory.events", f"{_ROOT}/memory.events"]
        elif "memory" in controllers.split(","):
            found += [f"{_ROOT}/memory{path}/memory.oom_control", f"{_ROOT}/memory/memory.oom_control"]
    return found


def _count(path: str) -> int | None:
    try:
        with open(path) as file:
            for line in file:
                name, _, value = line.partition(" ")
                if name == "oom_kill":
                    return int(value)
    except OSError:
        return None  # not this version of control groups, or not readable here
    return None
