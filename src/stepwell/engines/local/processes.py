"""Processes and groups of them, as the system lets one see and end them."""

from __future__ import annotations

import os
from collections.abc import Iterable


def lead_group(pid: int) -> None:
    """Make a child the leader of a group of its own."""
    try:
        os.setpgid(pid, pid)  # parent and child both do it, so that neither has to wait for the other
    except OSError:
        return  # it has ended


def open_ending(pid: int) -> int:
    """Return a descriptor that can be read when the child has ended; -1 where there is none."""
    pidfd_open = getattr(os, "pidfd_open", None)
    try:
        return -1 if pidfd_open is None else pidfd_open(pid)
    except OSError:
        return -1  # an old kernel, or no descriptor is left


def ended_child() -> int:
    """Return the pid of a child that has ended and is not reaped, or 0."""
    try:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return 0
    return found.si_pid if found is not None else 0


def signal_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return
    except PermissionError:
        return  # macOS says so of a group in which only zombies are left


def children_of(pid: int) -> list[int]:
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []  # not Linux: the groups have been killed, what left them cannot be found


def in_words(status: int | None) -> str:
    """Say what a wait status means."""
    if status is None:
        return "its status is unknown"
    code = os.waitstatus_to_exitcode(status)
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def close_all(descriptors: Iterable[int]) -> None:
    for fd in descriptors:
        os.close(fd)
