"""How many cores of this machine may be used."""

from __future__ import annotations

import os
from pathlib import PurePath

from stepwell.engine.control_groups import ROOT, group_folders, own_membership, read_text


def usable_cores() -> int:
    """Return how many cores this process may use, affinity and control group respected; at least 1."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = core_quota(ROOT, own_membership())
    return max(1, min(cores, int(quota + 0.5)) if quota else cores)


def core_quota(root: PurePath, membership: str) -> float | None:
    """Return a control group's limit in cores, the tightest from its own level upward, or None.

    Parameters are those of `group_folders`.
    """
    limits = [limit for limit in map(_quota_at, group_folders(root, "cpu", membership)) if limit]
    return min(limits, default=None)


def _quota_at(folder: PurePath) -> float | None:
    words = read_text(f"{folder}/cpu.max").split() or [
        *read_text(f"{folder}/cpu.cfs_quota_us").split(),
        *read_text(f"{folder}/cpu.cfs_period_us").split(),
    ]
    if len(words) != 2 or words[0] in ("max", "-1"):
        return None
    return int(words[0]) / int(words[1])
