"""What a step left behind in its process: a step ends by returning, and nothing of this holds up its task."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

EXIT_LIMIT_S = 30.0
"""How long exit functions may take: they may have something to send that they measured."""

# Finalizers of these wait for processes that are gone: a pool's workers, the reader of a queue.
_WAITING = ("multiprocessing.pool", "multiprocessing.queues")


def clear_up(code: int, limit_s: float = EXIT_LIMIT_S) -> None:
    """Run the exit functions that the step registered, then end the helper processes that it left.

    If this takes longer than ``limit_s``, the process exits with ``code`` from inside.
    """
    util: Any = sys.modules.get("multiprocessing.util")
    if util is not None:
        atexit.unregister(util._exit_function)  # it waits for helper processes, and may do so for ever
    has_helpers = util is not None and bool(util._finalizer_registry or _helpers())
    if not has_helpers and not atexit._ncallbacks():  # pyright: ignore[reportPrivateUsage]
        return
    watchdog = threading.Timer(limit_s, _give_up, (code, limit_s))
    watchdog.daemon = True
    watchdog.start()
    # The launcher has cleared what was registered before the fork.
    atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage]
    if has_helpers:
        _end_helpers(util)
    watchdog.cancel()


def _give_up(code: int, limit_s: float) -> None:
    # The main thread may hold the locks of Python's streams.
    os.write(2, f"Exit functions did not return in {limit_s:g} s; the task ends without them.\n".encode())
    os._exit(code)


def _end_helpers(util: Any) -> None:
    threading.excepthook = _say_nothing
    for process in _helpers():
        process.kill()
    # The others free what would outlive the process: folders, sockets, named semaphores.
    for finalizer in list(util._finalizer_registry.values()):
        if getattr(finalizer._callback, "__module__", None) in _WAITING:
            finalizer.cancel()
    util._run_finalizers()


def _helpers() -> list[BaseProcess]:
    """Return the live processes that this process itself started by `multiprocessing`."""
    from multiprocessing import active_children  # imported already, if there are any

    pid = os.getpid()
    return [process for process in active_children() if getattr(process, "_parent_pid", pid) == pid]


def _say_nothing(args: threading.ExceptHookArgs) -> None:
    """Threads that wait for helper processes complain when these are gone."""
    del args
