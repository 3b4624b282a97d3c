"""How many cores of this machine may be used."""

from __future__ import annotations

import os
from pathlib import PurePath


def usable_cores() -> int:
    """Return how many cores this process may use, affinity and control group respected; at least 1."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = core_quota(PurePath("/sys/fs/cgroup"), _read("/proc/self/cgroup"))
    return max(1, min(cores, int(quota + 0.5)) if quota else cores)


def core_quota(root: PurePath, membership: str) -> float | None:
    """Return a control group's limit in cores, the tightest from its own level upward, or None.

    Parameters
    ----------
    root
        Where control groups are mounted.
    membership
        The groups of a process, as ``/proc/PID/cgroup`` has them.
    """
    limits = [limit for limit in map(_quota_at, _group_folders(root, membership)) if limit]
    return min(limits, default=None)


def _group_folders(root: PurePath, membership: str) -> list[PurePath]:
    folders = [root, root / "cpu"]
    for line in membership.splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        base = root / "cpu" if controllers else root
        own = base / path.lstrip("/")
        folders += [own, *(parent for parent in own.parents if base in parent.parents)]
    return folders


def _quota_at(folder: PurePath) -> float | None:
    words = _read(f"{folder}/cpu.max").split() or [
        *_read(f"{folder}/cpu.cfs_quota_us").split(),
        *_read(f"{folder}/cpu.cfs_period_us").split(),
    ]
    if len(words) != 2 or words[0] in ("max", "-1"):
        return None
    return int(words[0]) / int(words[1])


def _read(path: str) -> str:
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""  # not this version of control groups, or not Linux
