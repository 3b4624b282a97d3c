"""How much memory a task and its children use together, as Linux counts it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

LOOK_S = 0.05
"""How often tasks are looked at that may use no more than they asked for."""


def uses_more_than(pid: int, allowed_kib: int) -> bool:
    """Whether a process and its descendants use more than this; False where the system does not say.

    Counted is what cannot be had back from a file: mapped results of earlier tasks are not.
    """
    pids = list(_family(pid))
    # Pages that a fork shares stand in each process. To count them once takes longer, so that comes second.
    return _sum(pids, "status", "RssAnon", "RssShmem") > allowed_kib and (
        _sum(pids, "smaps_rollup", "Pss_Anon", "Pss_Shmem") > allowed_kib
    )


def _family(pid: int) -> Iterator[int]:
    yield pid
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                yield from _family(int(child))
    except OSError:
        return  # it has ended meanwhile, or this is not Linux


def _sum(pids: list[int], name: str, *fields: str) -> int:
    """Return the sum in KiB of these fields of a file that the kernel has for each process."""
    found = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/{name}") as file:
                for line in file:
                    field, _, amount = line.partition(":")
                    if field in fields:
                        found += int(amount.split()[0])
        except OSError:
            continue  # it has ended meanwhile
    return found
