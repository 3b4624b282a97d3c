"""The first and last moments of a task's process, from the fork to the exit."""

from __future__ import annotations

import gc
import io
import math
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TextIO

import msgspec

from stepwell.engines.debugging import allow_breakpoints, examine, has_failed, prepare_breakpoints
from stepwell.engines.local.foreground import await_foreground
from stepwell.engines.local.leftovers import clear_up
from stepwell.engines.local.messages import said
from stepwell.engines.local.processes import close_all
from stepwell.engines.local.successes import say_success
from stepwell.engines.randomness import seed_task
from stepwell.engines.streams import unbuffered
from stepwell.model.run import RunInfo
from stepwell.model.task import TaskOutcome, TaskRequest

TaskRunner = Callable[[RunInfo, TaskRequest, Callable[[TaskOutcome], None]], int]
"""Runs one task in the present process, reports its outcome, returns the exit code."""

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

decode_request = msgspec.msgpack.Decoder(TaskRequest).decode


def load_prctl() -> Callable[[int, int], object]:
    """Return Linux's ``prctl``, or a function that does nothing where there is none. Call before forking."""
    if sys.platform != "linux":
        return _no_prctl
    import ctypes  # only a launcher needs it, and it costs start-up time

    prctl: Any = ctypes.CDLL(None).prctl
    return lambda option, value: prctl(option, value, 0, 0, 0)


def _no_prctl(option: int, value: int) -> None:
    del option, value


def die_with_parent(prctl: Callable[[int, int], object], parent: int) -> None:
    """Have the kernel kill this process when its parent ends, however that ends."""
    if sys.platform == "linux":
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)  # it ended before the kernel knew


def adopt_orphans(prctl: Callable[[int, int], object]) -> None:
    """Become the parent of every descendant whose own parent ends, so that all of them can be found."""
    prctl(_PR_SET_CHILD_SUBREAPER, 1)


def enter(stdin: int, streams: tuple[int, ...]) -> None:
    """Give a just forked process the group, the streams and the signals of a task."""
    os.setpgid(0, 0)
    os.dup2(stdin, 0)
    os.dup2(streams[0], 1)
    os.dup2(streams[1], 2)
    close_all((*streams, stdin))
    # The other signals have their defaults in the launcher already: each call here is paid by every task.
    # Terminals do not reach a task, which leads a group of its own.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def attend(streams: tuple[int, ...]) -> None:
    """Give a just forked process the group of a task, and the command's own streams, which are logged."""
    os.setpgid(0, 0)
    for fd, stream in enumerate(streams[2:]):
        os.dup2(stream, fd)
    close_all(streams[2:])
    log_as_well(*streams[:2])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTSTP, signal.SIG_IGN)  # nobody would wake it
    await_foreground(0)


def log_as_well(stdout: int, stderr: int) -> None:
    """Have Python's streams write to these descriptors too: the log of what the terminal shows."""
    from stepwell.engines.logged_stream import logged_stream

    sys.stdout = logged_stream(1, stdout, "surrogateescape")
    sys.stderr = logged_stream(2, stderr, "backslashreplace")


def prepare_streams() -> None:
    """Make Python's streams write at once, in UTF-8. Done before the fork: children inherit it."""
    prepare_breakpoints()
    sys.stdout = _unbuffered(sys.stdout, 1, "surrogateescape")
    sys.stderr = _unbuffered(sys.stderr, 2, "backslashreplace")
    if sys.stdin is not None and not isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), encoding="utf-8")


def _unbuffered(stream: TextIO | None, fd: int, errors: str) -> io.TextIOWrapper:
    if type(stream) is io.TextIOWrapper and _descriptor(stream) == fd:
        # The very object is kept: loggers and consoles made at import hold it.
        return unbuffered(fd, errors, stream)
    return unbuffered(fd, errors)


def _descriptor(stream: io.TextIOWrapper) -> int:
    try:
        return stream.fileno()
    except (OSError, ValueError):
        return -1  # an in-memory stream has none


class Hearer(Protocol):
    """Takes what a task says of itself: one end of a socket, or a file."""

    def send(self, data: bytes, /) -> int:
        """Take the bytes."""
        ...


class Words(NamedTuple):
    """Where a task says what came of it: to the run process, and to its launcher, if it has one."""

    number: int
    outcomes: Hearer
    successes: socket.socket | None


def run_and_exit(run_task: TaskRunner, info: RunInfo, request: bytes | msgspec.Raw, words: Words) -> None:
    """Run the task and leave the process; never returns.

    Whatever escapes from the runner becomes a traceback on stderr and exit code 1.
    """
    code = 1
    try:
        task = decode_request(request)
        if task.devices:
            from stepwell.engine.gpus import device_variables  # few tasks have any

            os.environ.update(device_variables(task.devices))  # before anything of the step can use a device
        if task.gang is not None:
            from stepwell.engine.gang_variables import gang_variables  # as few are of a gang

            os.environ.update(gang_variables(task.gang))
        gc.enable()
        seed_task(info, task)
        if task.attended:
            allow_breakpoints()
        code = run_task(info, task, lambda outcome: _tell(words, outcome))
        if code and info.terminal and has_failed():
            if not task.attended:
                _take_terminal(info.terminal, words)
            examine()
        clear_up(code)
        if code == 0 and words.successes is not None:
            say_success(words.successes, words.number)
    except BaseException:  # noqa: BLE001 - the last frame of the process: nothing above could say what happened
        traceback.print_exc()
        code = code or 1
    finally:
        leave(code)


def leave(code: int) -> None:
    """Flush and exit at once, leaving threads behind."""
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            code = code or 120  # as the interpreter itself does when the last output is lost
    os._exit(code)


def _take_terminal(terminal: str, words: Words) -> None:
    """Ask for the terminal, wait for it, and make the standard streams those of it."""
    fd = os.open(terminal, os.O_RDWR | os.O_NOCTTY)
    sys.stdout.flush()
    sys.stderr.flush()
    _tell(words, None)
    await_foreground(fd, math.inf)
    for standard in (0, 1, 2):
        os.dup2(fd, standard)
    signal.signal(signal.SIGTSTP, signal.SIG_IGN)


def _tell(words: Words, outcome: TaskOutcome | None) -> None:
    data = said(words.number, outcome)
    if data is None:
        return
    try:
        words.outcomes.send(data)
    except OSError:
        return  # the run process is going; the pack says the same
