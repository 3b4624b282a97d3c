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
from typing import NoReturn

from stepwell.engine.handle import CANCELLED
from stepwell.engines.local import child, memory_watch
from stepwell.engines.local.foreground import Foreground
from stepwell.engines.local.launch_queue import LaunchQueue
from stepwell.engines.local.launched_task import LaunchedTask
from stepwell.engines.local.memory import OomCounter
from stepwell.engines.local.messages import (
    Attend,
    Began,
    Begin,
    Ended,
    FrameReader,
    GoOn,
    Launch,
    Message,
    Stop,
    frame,
)
from stepwell.engines.local.processes import (
    children_of,
    close_all,
    ended_child,
    lead_group,
    open_ending,
    signal_group,
)
from stepwell.engines.local.spawn import become_spawned
from stepwell.engines.local.successes import Successes

PATIENCE_S = 5.0
"""How long the end of what has been killed is waited for."""

_ORPHANS_S = 1.0
"""How long a process that tasks left behind may stay a zombie."""

_LOOK_S = 0.01
"""How often children without a descriptor of their own are looked at."""

_CHUNK = 1 << 16  # larger buffers cost a mapping of their own each time
_ANCILLARY = socket.CMSG_SPACE(64 * 4)


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
        self._queue = LaunchQueue()
        self._successes = Successes()
        self._children: dict[int, LaunchedTask] = {}
        self._poll = select.poll()
        self._begin: Begin | None = None
        self._open = True
        self._prctl = child.load_prctl()
        self._oom = OomCounter()
        self._pid, self._run_process = os.getpid(), os.getppid()
        self._stdin = os.open(os.devnull, os.O_RDONLY)

    def serve(self) -> None:
        """Work until the run process is gone, then end every process below this one."""
        self._take_over_process()
        control = self._control.fileno()
        sending = None
        while self._open:
            if bool(self._unsent) is not sending:
                sending = bool(self._unsent)
                self._poll.register(control, select.POLLIN | (select.POLLOUT if sending else 0))
            for fd, _ in self._poll.poll(self._patience_ms()):
                if fd == control:
                    self._receive()
            self._reap()
            self._kill_overdue()
            self._start_queued()
            self._send()
        self._successes.close()
        self._end_all()

    def _take_over_process(self) -> None:
        child.adopt_orphans(self._prctl)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interpreter of its own has it from its start
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as `nohup` wants it, for tasks too
            signal.signal(signal.SIGHUP, signal.SIG_DFL)
        # No handler tells of ended children: every task would have to take it out again.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
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
            self._obey(message)

    def _obey(self, message: Message) -> None:
        if isinstance(message, Launch):
            self._take(message)
        elif isinstance(message, Attend):
            self._attend(message)
        elif isinstance(message, Stop):
            self._stop(message)
        elif isinstance(message, GoOn):
            self._queue.go_on(message.failures)
        elif isinstance(message, Begin):
            self._take_begin(message)

    def _take(self, launch: Launch) -> None:
        # Descriptors arrive with the first byte of their message, so they are here, and in order.
        streams = tuple(self._fds.popleft() for _ in range(5 if launch.attended else 2))
        if launch.at_once and self._begin:
            self._start(self._begin, launch, streams)
        else:
            self._queue.put(launch, streams)

    def _take_begin(self, begin: Begin) -> None:
        self._begin = begin
        if begin.info.seed is not None and not begin.spawn_command:
            # Only what is imported can be seeded; imported here, it is so once for all tasks.
            with contextlib.suppress(ImportError):
                importlib.import_module("numpy.random")

    def _tell(self, message: Began | Ended) -> None:
        if isinstance(message, Ended) and message.failed:
            self._queue.hold()
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
        while self._begin and len(self._children) < self._begin.workers:
            waiting = self._queue.take()
            if waiting is None:
                return
            self._start(self._begin, *waiting)

    def _start(self, begin: Begin, launch: Launch, streams: tuple[int, ...]) -> None:
        try:
            pid = os.fork()
        except OSError as error:
            close_all(streams)
            text = f"the system cannot start another process: {error.strerror}"
            self._tell(Ended(launch.number, time.time(), None, error=text))
            return
        if pid == 0:
            self._become_task(begin, launch, streams)
        lead_group(pid)
        ending = open_ending(pid)
        if ending >= 0:
            self._poll.register(ending, select.POLLIN)
        task = self._children[pid] = LaunchedTask(launch, ending)
        if launch.attended:
            task.foreground = Foreground(os.dup(streams[2]), self._run_process)
            task.foreground.lend(pid)
        close_all(streams)
        self._tell(Began(launch.number, pid, time.time()))

    def _attend(self, attend: Attend) -> None:
        """Lend the terminal to a task that has failed and waits for it, with all the time that it takes."""
        for pid, task in self._children.items():
            if task.number == attend.number and self._begin is not None:
                task.stop_at = 0.0
                task.foreground = Foreground.of(self._begin.info.terminal, self._run_process)
                task.foreground.lend(pid)

    def _become_task(self, begin: Begin, launch: Launch, streams: tuple[int, ...]) -> NoReturn:
        try:
            child.die_with_parent(self._prctl, self._pid)
            if launch.attended:
                child.attend(streams)
            else:
                child.enter(self._stdin, streams)
            for sibling in self._children.values():
                if sibling.ending >= 0:
                    os.close(sibling.ending)
            self._queue.close_streams()
            os.close(self._control.detach())
            sockets = self._outcomes, self._successes.of_tasks
            if begin.spawn_command:
                become_spawned(begin, launch, sockets, streams[:2] if launch.attended else ())
            elif self._run_task is not None:
                words = child.Words(launch.number, *sockets)
                child.run_and_exit(self._run_task, begin.info, launch.request, words)
        except BaseException:  # noqa: BLE001 - nothing may return into the launcher's loop from here
            traceback.print_exc()
        finally:
            os._exit(1)

    # Ending

    def _reap(self) -> None:
        while True:
            pid = ended_child()
            if not pid:
                return
            task = self._children.pop(pid, None)
            if task is not None:
                if task.ending >= 0:
                    self._poll.unregister(task.ending)
                    os.close(task.ending)
                # Before it is reaped its number cannot belong to anybody else.
                signal_group(pid, signal.SIGKILL)
            _, status, usage = os.wait4(pid, 0)
            if task is not None:
                if task.foreground is not None:
                    task.foreground.take_back()
                code = os.waitstatus_to_exitcode(status)
                out_of_memory = task.used_more or (code == -signal.SIGKILL and self._oom.has_grown())
                allowed_kib = task.allowed_kib if task.used_more else 0
                cpu = usage.ru_utime + usage.ru_stime
                rss = usage.ru_maxrss if sys.platform != "darwin" else usage.ru_maxrss // 1024
                timed_out = task.timed_out
                said_so = self._successes.said_by(task.number)
                self._tell(
                    Ended(
                        task.number, time.time(), code, cpu, rss, out_of_memory, "", timed_out, allowed_kib,
                        said_so,
                    )
                )  # fmt: skip

    def _stop(self, stop: Stop) -> None:
        if self._queue.remove(stop.number):
            self._tell(Ended(stop.number, time.time(), None, error=CANCELLED))
            return
        if stop.if_queued:
            return
        for pid, task in self._children.items():
            if task.number == stop.number:
                self._ask_to_end(pid, task, signal.SIGKILL if stop.force else signal.SIGTERM)

    def _ask_to_end(self, pid: int, task: LaunchedTask, number: int) -> None:
        signal_group(pid, number)
        task.stop_at = 0.0
        if not task.kill_at:
            task.kill_at = time.monotonic() + (self._begin.grace_s if self._begin else 0.0)

    def _patience_ms(self) -> int | None:
        if not self._children:
            return None
        patience = _ORPHANS_S
        for task in self._children.values():
            if task.ending < 0:
                patience = min(patience, _LOOK_S)
            if task.allowed_kib:
                patience = min(patience, memory_watch.LOOK_S)
            for at in (task.stop_at, task.kill_at):
                if at:
                    patience = min(patience, max(0.0, at - time.monotonic()))
        return int(patience * 1000) + 1

    def _kill_overdue(self) -> None:
        now = time.monotonic()
        for pid, task in self._children.items():
            if task.stop_at and task.stop_at <= now:
                task.timed_out = True
                self._ask_to_end(pid, task, signal.SIGTERM)
            elif task.kill_at and task.kill_at <= now:
                signal_group(pid, signal.SIGKILL)
                task.kill_at = now + PATIENCE_S
            if task.allowed_kib and not task.used_more and memory_watch.uses_more_than(pid, task.allowed_kib):
                task.used_more = True
                signal_group(pid, signal.SIGKILL)

    def _end_all(self) -> None:
        for pid, task in self._children.items():
            signal_group(pid, signal.SIGKILL)
            if task.foreground is not None:
                task.foreground.take_back()
        # Orphans of tasks have become children of this process: killing those brings up the next. One that
        # cannot be killed, or that a debugger holds, is left behind.
        deadline = time.monotonic() + PATIENCE_S
        pause = 0.0005
        while time.monotonic() < deadline:
            for pid in children_of(self._pid):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            try:
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pause = 0.0005
            except ChildProcessError:
                return
            time.sleep(pause)
            pause = min(pause * 2, 0.02)
