"""How much memory of this machine may be used."""

from __future__ import annotations

import os
from pathlib import PurePath

from stepwell.engine.control_groups import ROOT, group_folders, own_membership, read_text

_MIB = 1 << 20
_UNKNOWN_MB = float(1 << 40)
"""More than there can be: where nothing is known, nobody waits for memory."""


def usable_memory_mb() -> float:
    """Return how much memory this process may use, its control group respected."""
    try:
        machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return _UNKNOWN_MB  # Windows does not say
    limit = memory_limit(ROOT, own_membership())
    return min(machine, limit or machine) // _MIB


def memory_limit(root: PurePath, membership: str) -> int | None:
    """Return a control group's limit in bytes, the tightest from its own level upward, or None.

    Parameters are those of `group_folders`.
    """
    limits = [limit for limit in map(_limit_at, group_folders(root, "memory", membership)) if limit]
    return min(limits, default=None)


def _limit_at(folder: PurePath) -> int | None:
    text = read_text(f"{folder}/memory.max") or read_text(f"{folder}/memory.limit_in_bytes")
    return int(text) if text.strip().isdigit() else None
