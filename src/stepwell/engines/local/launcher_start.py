"""How a launcher comes to be: forked off the run process, or as an interpreter of its own."""

from __future__ import annotations

import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

from stepwell.engines.local import child
from stepwell.engines.local.launcher import Launcher
from stepwell.engines.local.messages import LAUNCHER_FDS


def fork_launcher(
    run_task: child.TaskRunner | None,
    control: socket.socket,
    outcomes: socket.socket,
    foreign_fds: tuple[int, ...],
    preload: Callable[[], object] | None,
) -> int:
    """Fork a launcher off the present process and return its pid.

    ``foreign_fds`` are descriptors of the run process that it must not keep open.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()  # else each side would write what is buffered
    # Ctrl-C reaches the new process until that has a group of its own; it is for the run process to hear.
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    pid = -1
    try:
        pid = os.fork()
    finally:
        if pid:
            signal.pthread_sigmask(signal.SIG_SETMASK, former)
    if pid:
        return pid
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, former)
        os.setpgid(0, 0)  # signals to the run's group are for the run process to decide on
        for fd in foreign_fds:
            os.close(fd)
        _serve(run_task, control, outcomes, preload)
    except BaseException:  # noqa: BLE001 - nothing may return into the run process's code from here
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _serve(
    run_task: child.TaskRunner | None,
    control: socket.socket,
    outcomes: socket.socket,
    preload: Callable[[], object] | None,
) -> None:
    if preload is not None:
        try:
            preload()
        except Exception:  # noqa: BLE001 - it only saves time: a task that needs what failed says so itself
            traceback.print_exc()
    Launcher(run_task, control, outcomes).serve()


def serve_launcher(
    run_task: child.TaskRunner | None, preload: Callable[[], object] | None = None
) -> NoReturn:
    """Be the launcher in an interpreter that was started as one; the flow is imported by now.

    Without ``run_task`` it only serves runs whose tasks are spawned.
    """
    control, outcomes = (socket.socket(fileno=int(fd)) for fd in os.environ.pop(LAUNCHER_FDS).split(","))
    for own in (control, outcomes):
        os.set_inheritable(own.fileno(), False)
    _serve(run_task, control, outcomes, preload)
    os._exit(0)
