"""What stands against forking the present process, and how many tasks this machine should run at once."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import PurePath


def why_not_fork() -> str | None:
    """Say in one sentence what makes it unsafe to fork this process, or return None.

    Looks only at what is already imported.
    """
    if sys.platform == "win32":
        return "Windows cannot fork processes."
    if sys.platform == "darwin":
        return "Frameworks of macOS do not survive a fork."
    return _loop_hazard() or _cuda_hazard() or _thread_hazard()


def why_not_detach() -> str | None:
    """Say in one sentence why a run cannot go on in a fork of this process, or return None.

    The run process itself uses no framework, so that macOS lets it; tasks are spawned there as always.
    """
    if sys.platform == "win32":
        return "Windows cannot fork processes."
    return _loop_hazard() or _cuda_hazard() or _thread_hazard()


def _thread_hazard() -> str | None:
    others = [thread for thread in threading.enumerate() if thread is not threading.current_thread()]
    if others:
        names = ", ".join(sorted({f"`{thread.name}` ({_origin(thread)})" for thread in others}))
        return f"Importing the flow started {len(others)} thread(s): {names}."
    return None


def _origin(thread: threading.Thread) -> str:
    target = getattr(thread, "_target", None)
    module = getattr(target, "__module__", None) or type(thread).__module__
    return str(module).partition(".")[0]


def _loop_hazard() -> str | None:
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None and asyncio._get_running_loop() is not None:
        return "An event loop of asyncio runs in this thread."
    return None


def _cuda_hazard() -> str | None:
    torch = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    if cuda is not None and cuda.is_initialized():
        return "Importing the flow initialised CUDA through torch."
    cupy = sys.modules.get("cupy_backends.cuda.api.driver")
    if cupy is not None and _cupy_has_context(cupy):
        return "Importing the flow initialised CUDA through cupy."
    jax = sys.modules.get("jax._src.xla_bridge")
    if jax is not None and any(name != "cpu" for name in getattr(jax, "_backends", ())):
        return "Importing the flow initialised a device through jax."
    return None


def _cupy_has_context(driver: object) -> bool:
    return bool(getattr(driver, "ctxGetCurrent", lambda: 0)())


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
