"""What stands against forking the present process."""

from __future__ import annotations

import os
import sys
import threading

_NO_FORK = "This system cannot fork processes."


def why_not_fork() -> str | None:
    """Say in one sentence what makes it unsafe to fork this process, or return None.

    Looks only at what is already imported.
    """
    if not hasattr(os, "fork"):
        return _NO_FORK
    if sys.platform == "darwin":
        return "Frameworks of macOS do not survive a fork."
    return _loop_hazard() or _cuda_hazard() or _thread_hazard()


def why_not_detach() -> str | None:
    """Say in one sentence why a run cannot go on in a fork of this process, or return None.

    The run process itself uses no framework, so that macOS lets it; tasks are spawned there as always.
    """
    if not hasattr(os, "fork"):
        return _NO_FORK
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
