"""Spawned tasks: a fresh interpreter per task, for where a fork is unsafe."""

from __future__ import annotations

import os
import socket
from typing import NoReturn

from msgspec import Raw, Struct, msgpack

from stepwell.engines.local import child
from stepwell.engines.local.messages import TASK_FDS, Begin, Launch
from stepwell.model.run import RunInfo


class _Order(Struct, frozen=True, array_like=True):
    info: RunInfo
    number: int
    request: Raw


def become_spawned(
    begin: Begin, launch: Launch, words: tuple[socket.socket, socket.socket], logs: tuple[int, ...] = ()
) -> NoReturn:
    """Replace the present process, a child of the launcher, by the task's interpreter.

    ``words`` are where the task says what came of it: to the run process, and to the launcher; ``logs`` are
    where an attended task writes what it says on the terminal.
    """
    import tempfile  # costs start-up time, and only spawned tasks need it

    # A file and not a pipe: a request may be longer than what a pipe holds while nobody reads.
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the new program closes it
    file.write(msgpack.encode(_Order(begin.info, launch.number, launch.request)))
    file.flush()
    file.seek(0)
    passed = (file.fileno(), *(end.fileno() for end in words), *logs)
    for fd in passed:
        os.set_inheritable(fd, True)
    fds = {TASK_FDS: ",".join(map(str, passed)), "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}
    os.execvpe(begin.spawn_command[0], begin.spawn_command, {**os.environ, **dict(launch.variables), **fds})


def serve_spawned(run_task: child.TaskRunner) -> NoReturn:
    """Run the one task that this interpreter was started for, and exit. The flow is imported by now."""
    order_fd, outcomes, successes, *logs = (int(fd) for fd in os.environ.pop(TASK_FDS).split(","))
    with open(order_fd, "rb") as file:
        order = msgpack.decode(file.read(), type=_Order)
    for fd in (outcomes, successes, *logs):
        os.set_inheritable(fd, False)
    words = child.Words(order.number, socket.socket(fileno=outcomes), socket.socket(fileno=successes))
    child.prepare_streams()
    if logs:
        child.log_as_well(*logs)
    child.run_and_exit(run_task, order.info, order.request, words)
    raise AssertionError("a task's process never returns")
