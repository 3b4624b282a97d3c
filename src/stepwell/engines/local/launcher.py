"""The launcher: a small single-threaded process that starts one process per task and tells how each ended.

It is forked from the run process before that has threads or connections, or is an interpreter of its own.
It lives as long as its socket: when the run process closes it, or dies, every task and all their children are
killed.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import gc
import importlib
import os
import select
import signal
import socket
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable
from typing import NoReturn

from stepwell.engine.handle import CANCELLED
from stepwell.engines.local import child
from stepwell.engines.local.memory import OomCounter
from stepwell.engines.local.messages import (
    LAUNCHER_FDS,
    Began,
    Begin,
    Ended,
    FrameReader,
    Launch,
    Stop,
    frame,
)
from stepwell.engines.local.spawn import become_spawned

PATIENCE_S = 5.0
"""How long the end of what has been killed is waited for."""

_CHUNK = 1 << 18
_ANCILLARY = socket.CMSG_SPACE(64 * 4)


class _Child:
    """A task's process: when it is to be asked to end, and when to be killed; 0 is never."""

    __slots__ = ("kill_at", "number", "stop_at", "timed_out")

    def __init__(self, number: int, limit_s: float) -> None:
        self.number = number
        self.stop_at = time.monotonic() + limit_s if limit_s else 0.0
        self.kill_at = 0.0
        self.timed_out = False


class Launcher:
    """Serves one run process until that closes the control socket. Runs in a process of its own."""

    def __init__(
        self, run_task: child.TaskRunner | None, control: socket.socket, outcomes: socket.socket
    ) -> None:
        self._run_task = run_task
        self._control = control
        self._outcomes = outcomes
        self._reader = FrameReader()
        self._fds: deque[int] = deque()
        self._unsent = bytearray()
        self._queue: deque[tuple[Launch, int, int]] = deque()
        self._children: dict[int, _Child] = {}
        self._begin: Begin | None = None
        self._open = True
        self._prctl = child.load_prctl()
        self._oom = OomCounter()
        self._pid = os.getpid()
        self._stdin = os.open(os.devnull, os.O_RDONLY)
        self._wake_r, self._wake_w = os.pipe()

    def serve(self) -> None:
        """Work until the run process is gone, then end every process below this one."""
        self._take_over_process()
        poll = select.poll()
        poll.register(self._wake_r, select.POLLIN)
        sending = None
        while self._open:
            if bool(self._unsent) is not sending:
                sending = bool(self._unsent)
                poll.register(self._control, select.POLLIN | (select.POLLOUT if sending else 0))
            for fd, _ in poll.poll(self._patience_ms()):
                if fd == self._wake_r:
                    os.read(self._wake_r, 4096)
                else:
                    self._receive()
            self._reap()
            self._kill_overdue()
            self._start_queued()
            self._send()
        self._end_all()

    def _take_over_process(self) -> None:
        child.adopt_orphans(self._prctl)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        signal.signal(signal.SIGCHLD, _note_signal)  # it only has to interrupt the wait
        for fd in (self._wake_r, self._wake_w):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(self._wake_w, warn_on_full_buffer=False)
        child.prepare_streams()
        atexit._clear()  # pyright: ignore[reportPrivateUsage] - what was registered so far belongs to the run process
        gc.disable()
        gc.freeze()  # a collection in a task would otherwise copy every page it looks at

    # Messages

    def _receive(self) -> None:
        try:
            data, ancillary, _, _ = self._control.recvmsg(_CHUNK, _ANCILLARY, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except ConnectionError:
            data, ancillary = b"", []
        for _, _, payload in ancillary:
            fds = array.array("i")
            fds.frombytes(payload[: len(payload) - len(payload) % fds.itemsize])
            self._fds.extend(fds)
        if not data:
            self._open = False
            return
        for message in self._reader.feed(data):
            if isinstance(message, Launch):
                # Descriptors arrive with the first byte of their message, so they are here, and in order.
                self._queue.append((message, self._fds.popleft(), self._fds.popleft()))
            elif isinstance(message, Stop):
                self._stop(message)
            elif isinstance(message, Begin):
                self._take_begin(message)

    def _take_begin(self, begin: Begin) -> None:
        self._begin = begin
        if begin.info.seed is not None and not begin.spawn_command:
            # Only what is imported can be seeded; imported here, it is so once for all tasks.
            with contextlib.suppress(ImportError):
                importlib.import_module("numpy.random")

    def _tell(self, message: Began | Ended) -> None:
        self._unsent += frame(message)

    def _send(self) -> None:
        if not self._unsent:
            return
        try:
            sent = self._control.send(self._unsent, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except ConnectionError:
            self._open = False
            return
        del self._unsent[:sent]

    # Starting

    def _start_queued(self) -> None:
        while self._queue and self._begin and len(self._children) < self._begin.workers:
            launch, stdout, stderr = self._queue.popleft()
            self._start(self._begin, launch, stdout, stderr)
            os.close(stdout)
            os.close(stderr)

    def _start(self, begin: Begin, launch: Launch, stdout: int, stderr: int) -> None:
        try:
            pid = os.fork()
        except OSError as error:
            text = f"the system cannot start another process: {error.strerror}"
            self._tell(Ended(launch.number, time.time(), None, error=text))
            return
        if pid == 0:
            self._become_task(begin, launch, stdout, stderr)
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)  # parent and child both do it, so that neither has to wait for the other
        self._children[pid] = _Child(launch.number, launch.limit_s)
        self._tell(Began(launch.number, pid, time.time()))

    def _become_task(self, begin: Begin, launch: Launch, stdout: int, stderr: int) -> NoReturn:
        try:
            child.die_with_parent(self._prctl, self._pid)
            child.enter(self._stdin, stdout, stderr)
            for fd in (stdout, stderr, self._stdin, self._wake_r, self._wake_w):
                os.close(fd)
            for _, out, err in self._queue:
                os.close(out)
                os.close(err)
            self._control.close()
            if begin.spawn_command:
                become_spawned(begin, launch, self._outcomes)
            elif self._run_task is not None:
                child.run_and_exit(self._run_task, begin.info, launch.request, launch.number, self._outcomes)
        except BaseException:  # noqa: BLE001 - nothing may return into the launcher's loop from here
            traceback.print_exc()
        finally:
            os._exit(1)

    # Ending

    def _reap(self) -> None:
        while True:
            pid = _ended_child()
            if not pid:
                return
            task = self._children.pop(pid, None)
            if task is not None:
                # Before it is reaped its number cannot belong to anybody else.
                signal_group(pid, signal.SIGKILL)
            _, status, usage = os.wait4(pid, 0)
            if task is not None:
                code = os.waitstatus_to_exitcode(status)
                out_of_memory = code == -signal.SIGKILL and self._oom.has_grown()
                cpu = usage.ru_utime + usage.ru_stime
                rss = usage.ru_maxrss if sys.platform != "darwin" else usage.ru_maxrss // 1024
                self._tell(
                    Ended(task.number, time.time(), code, cpu, rss, out_of_memory, timed_out=task.timed_out)
                )

    def _stop(self, stop: Stop) -> None:
        for entry in self._queue:
            if entry[0].number == stop.number:
                self._queue.remove(entry)
                os.close(entry[1])
                os.close(entry[2])
                self._tell(Ended(stop.number, time.time(), None, error=CANCELLED))
                return
        for pid, task in self._children.items():
            if task.number == stop.number:
                self._ask_to_end(pid, task, signal.SIGKILL if stop.force else signal.SIGTERM)

    def _ask_to_end(self, pid: int, task: _Child, number: int) -> None:
        signal_group(pid, number)
        task.stop_at = 0.0
        if not task.kill_at:
            task.kill_at = time.monotonic() + (self._begin.grace_s if self._begin else 0.0)

    def _patience_ms(self) -> int | None:
        due = [at for task in self._children.values() for at in (task.stop_at, task.kill_at) if at]
        return max(0, int((min(due) - time.monotonic()) * 1000) + 1) if due else None

    def _kill_overdue(self) -> None:
        now = time.monotonic()
        for pid, task in self._children.items():
            if task.stop_at and task.stop_at <= now:
                task.timed_out = True
                self._ask_to_end(pid, task, signal.SIGTERM)
            elif task.kill_at and task.kill_at <= now:
                signal_group(pid, signal.SIGKILL)
                task.kill_at = now + PATIENCE_S

    def _end_all(self) -> None:
        for pid in self._children:
            signal_group(pid, signal.SIGKILL)
        # Orphans of tasks have become children of this process: killing those brings up the next.
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            for pid in _children_of(self._pid):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            try:
                os.waitpid(-1, 0)
            except ChildProcessError:
                return


def _note_signal(signum: int, stack: object) -> None:
    del signum, stack


def _ended_child() -> int:
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


def _children_of(pid: int) -> list[int]:
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []  # not Linux: the groups have been killed, what left them cannot be found


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
    pid = os.fork()
    if pid:
        return pid
    try:
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
