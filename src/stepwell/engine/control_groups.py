"""Where Linux keeps the limits that a container, or a service, has on this machine."""

from __future__ import annotations

from pathlib import PurePath

ROOT = PurePath("/sys/fs/cgroup")


def group_folders(root: PurePath, controller: str, membership: str) -> list[PurePath]:
    """Return the folders of a controller that apply to a process.

    Parameters
    ----------
    root
        Where control groups are mounted.
    membership
        The groups of a process, as ``/proc/PID/cgroup`` has them.
    """
    folders = [root, root / controller]
    for line in membership.splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        base = root / controller if controllers else root
        own = base / path.lstrip("/")
        folders += [own, *(parent for parent in own.parents if base in parent.parents)]
    return folders


def read_text(path: str) -> str:
    """Return the text of one of the kernel's files; empty if there is none."""
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""  # not this version of control groups, or not Linux


def own_membership() -> str:
    """Return the groups of this process."""
    return read_text("/proc/self/cgroup")
