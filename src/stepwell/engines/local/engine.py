"""The local engine's half in the run process: hands tasks to launchers, collects what becomes of them."""

from __future__ import annotations

import os
import select
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from msgspec.structs import replace

from stepwell.engine.capabilities import Capabilities
from stepwell.engine.engine import Engine, Meanwhile
from stepwell.engine.handle import (
    CANCELLED,
    TaskHandle,
    TaskOutput,
    TaskReport,
    TaskStarted,
)
from stepwell.engines.local.child import TaskRunner
from stepwell.engines.local.launcher import PATIENCE_S
from stepwell.engines.local.link import Link
from stepwell.engines.local.local_task import LocalTask, Variables
from stepwell.engines.local.messages import Attend, Began, Begin, Ended, Launch, Stop, raw
from stepwell.engines.local.processes import in_words, signal_group
from stepwell.engines.local.promises import CAPABILITIES
from stepwell.engines.local.terminal_turns import TerminalTurns
from stepwell.model.policy import StepPolicy
from stepwell.model.run import RunInfo
from stepwell.model.task import TaskRequest

LauncherCommand = Callable[[Variables], tuple[Sequence[str], Mapping[str, str]]]
"""Gives command line and whole environment of a launcher that imports the flow with these variables set."""

_CHUNK = 1 << 16
_LAST_READ = 1 << 20
"""Most that is read of a stream after its task has ended: the largest pipe an ordinary user may have."""

_BACKLOG = 16


class LocalEngine(Engine):
    """Each task in a process of its own on this machine, never more than ``workers`` at once.

    Parameters
    ----------
    run_task
        Runs one task in the process it is called in.
    workers
        Most tasks at once.
    isolation
        ``fork``: the launcher is forked here and now, so no thread or connection may exist yet. ``spawn``:
        each task is started by ``spawn_command``, which ends in `serve_spawned`.
    spawn_command
        Needed for ``spawn`` only.
    launcher_command
        How to start a launcher for a step with environment variables of its own; ends in `serve_launcher`.
        Without it, such steps are refused (``spawn`` needs none).
    preload
        Called in a forked launcher before the first task: imports what tasks will need.
    grace_s
        How long a task that was asked to end may take before it is killed.
    """

    def __init__(
        self,
        run_task: TaskRunner,
        workers: int,
        isolation: Literal["fork", "spawn"] = "fork",
        spawn_command: Sequence[str] | None = None,
        launcher_command: LauncherCommand | None = None,
        preload: Callable[[], object] | None = None,
        grace_s: float = 10.0,
    ) -> None:
        if workers < 1:
            raise ValueError(f"workers must be at least 1, not {workers}")
        if isolation == "spawn" and not spawn_command:
            raise ValueError("isolation by spawn needs a spawn_command")
        self._workers = workers
        self._grace_s = grace_s
        self._spawn_command = tuple(spawn_command or ()) if isolation == "spawn" else ()
        self._launcher_command = launcher_command
        self._links: dict[Variables, Link] = {
            (): Link.spawning() if self._spawn_command else Link.forked(run_task, preload)
        }
        self._info: RunInfo | None = None
        self._tasks: dict[int, LocalTask] = {}
        self._numbers: dict[TaskHandle, int] = {}
        self._seen: set[TaskHandle] = set()
        self._waiting: deque[int] = deque()
        self._turns = TerminalTurns()
        self._in_flight: dict[Link, int] = {}
        self._by_fd: dict[int, LocalTask | Link] = {}
        self._ready: list[TaskReport] = []
        self._next = 0
        self._poll = select.poll()
        self._wake_r, self._wake_w = os.pipe()
        for fd in (self._wake_r, self._wake_w):
            os.set_blocking(fd, False)
        self._poll.register(self._wake_r, select.POLLIN)
        self._closed = False
        self._holding = False

    @property
    def capabilities(self) -> Capabilities:
        if self._spawn_command or self._launcher_command is not None:
            return CAPABILITIES
        return replace(CAPABILITIES, variables=False)

    @property
    def queue_depth(self) -> int:
        return self._workers + min(self._workers, _BACKLOG)

    def start(self, info: RunInfo) -> None:
        self._info = info
        self._attach(self._links[()])

    def submit(self, requests: Sequence[tuple[TaskRequest, StepPolicy]]) -> Sequence[TaskHandle]:
        handles: list[TaskHandle] = []
        for request, policy in requests:
            handle = TaskHandle(request.key, request.attempt)
            handles.append(handle)
            if handle not in self._seen:
                self._seen.add(handle)
                self._next += 1
                task = self._tasks[self._next] = LocalTask(self._next, handle, request, policy)
                self._numbers[handle] = self._next
                if task.attended:
                    self._turns.ask(task)
                else:
                    self._waiting.append(self._next)
        self._launch_waiting()
        return handles

    def reports(self, timeout_s: float, meanwhile: Meanwhile | None = None) -> Sequence[TaskReport]:
        del meanwhile  # tasks run elsewhere
        deadline = time.monotonic() + timeout_s
        self._go_on()
        self._give_terminal()
        while not self._closed:
            self._ready += self._turns.announce()
            patience = 0.0 if self._ready else max(0.0, deadline - time.monotonic())
            events = self._poll.poll(patience * 1000)
            woken = False
            for fd, _ in events:
                if fd == self._wake_r:
                    os.read(fd, 4096)
                    woken = True
                    continue
                source = self._by_fd.get(fd)
                if isinstance(source, LocalTask):
                    self._read(source, fd)
                elif source is not None:
                    self._listen(source)
            self._launch_waiting()
            if self._ready or woken or time.monotonic() >= deadline:
                break
        reports, self._ready = self._ready, []
        return reports

    def cancel(self, handles: Sequence[TaskHandle], force: bool = False) -> None:
        self._stop(handles, force, if_queued=False)

    def withdraw(self, handles: Sequence[TaskHandle]) -> None:
        self._stop(handles, force=False, if_queued=True)

    def _stop(self, handles: Sequence[TaskHandle], force: bool, if_queued: bool) -> None:
        for handle in handles:
            task = self._tasks.get(self._numbers.get(handle, 0))
            if task is None:
                continue
            if task.link is None:
                if not task.attended:
                    self._waiting.remove(task.number)
                self._finish(task, Ended(task.number, time.time(), None, error=CANCELLED))
            else:
                task.link.send(Stop(task.number, force, if_queued))
        if self._ready:
            self.wake()

    def wake(self) -> None:
        try:
            os.write(self._wake_w, b"\0")
        except BlockingIOError:
            return  # it is awake already
        except OSError:
            if not self._closed:
                raise

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        for link in self._links.values():
            link.close(PATIENCE_S + 1)
        for task in self._tasks.values():
            for fd in task.pipes:
                os.close(fd)
        self._tasks.clear()
        self._numbers.clear()
        self._waiting.clear()
        self._by_fd.clear()
        os.close(self._wake_r)
        os.close(self._wake_w)

    @property
    def launcher_pid(self) -> int:
        """The process that starts the tasks of steps without variables of their own."""
        return self._links[()].pid

    # Launching

    def _launch_waiting(self) -> None:
        while self._waiting and not self._holding:
            task = self._tasks[self._waiting[0]]
            link = self._link_for(task)
            if link is None or not link.alive:
                self._waiting.popleft()
                why = "its launcher cannot be started" if link is None else "the launcher process has ended"
                self._finish(task, Ended(task.number, time.time(), None, error=why))
                continue
            # A backlog at one launcher is right only while no other could use the workers meanwhile.
            busy = sum(self._in_flight.values())
            alone = busy == self._in_flight.get(link, 0)
            if busy >= (self.queue_depth if alone else self._workers) and not task.at_once:
                return
            self._waiting.popleft()
            self._launch(task, link)

    def _go_on(self) -> None:
        """Let what waits start, unless there is something that nobody has heard of."""
        if not self._ready:
            self._holding = False
            for link in self._links.values():
                link.go_on()
            self._launch_waiting()

    def _give_terminal(self) -> None:
        """Begin the turn that was announced. The user is there: no worker needs to be free."""
        task = self._turns.begin()
        if task is None:
            return
        if task.link is not None:
            task.link.send(Attend(task.number))
            return
        link = self._link_for(task)
        if link is None or not link.alive:
            self._finish(task, Ended(task.number, time.time(), None, error="its launcher cannot be started"))
        else:
            self._launch(task, link)

    def _launch(self, task: LocalTask, link: Link) -> None:
        try:
            out_r, out_w = os.pipe()
            try:
                err_r, err_w = os.pipe()
            except OSError:
                os.close(out_r)
                os.close(out_w)
                raise
        except OSError as error:
            text = f"no pipe can be made for its output: {error.strerror}"
            self._finish(task, Ended(task.number, time.time(), None, error=text))
            return
        os.set_blocking(out_r, False)
        os.set_blocking(err_r, False)
        task.pipes = {out_r: "stdout", err_r: "stderr"}
        task.link = link
        self._in_flight[link] = self._in_flight.get(link, 0) + 1
        variables = task.variables_of_process() if self._spawn_command else ()
        launch = Launch(
            task.number, raw(task.request), variables, task.limit_s, task.allowed_kib, task.attended,
            task.at_once,
        )  # fmt: skip
        link.launch(launch, (out_w, err_w, *((0, 1, 2) if task.attended else ())))
        task.request = None  # it may be long, and the launcher has it now
        os.close(out_w)
        os.close(err_w)

    def _link_for(self, task: LocalTask) -> Link | None:
        variables = () if self._spawn_command else task.variables
        link = self._links.get(variables)
        if link is None and self._launcher_command is not None:
            argv, environment = self._launcher_command(variables)
            try:
                link = Link.interpreter(argv, environment)
            except OSError:
                return None
            self._links[variables] = link
            self._attach(link)
        return link

    def _attach(self, link: Link) -> None:
        if self._info is None:
            raise RuntimeError("start comes before the first submit")
        link.send(Begin(self._info, self._workers, self._spawn_command, self._grace_s))
        for end in (link.control, link.outcomes):
            self._by_fd[end.fileno()] = link
            self._poll.register(end.fileno(), select.POLLIN)

    # Collecting

    def _read(self, task: LocalTask, fd: int, at: float = 0.0) -> int:
        """Read one chunk of a stream; return its length, 0 for the end, -1 for nothing yet."""
        try:
            data = os.read(fd, _CHUNK)
        except BlockingIOError:
            return -1
        if data:
            self._ready.append(TaskOutput(task.handle, task.pipes[fd], at or time.time(), data))
        else:
            self._drop_pipe(task, fd)
        return len(data)

    def _read_rest(self, task: LocalTask, at: float) -> None:
        """Read what the task has written so far.

        A process that left its group may hold a pipe open, and even go on writing: the end of file is not
        waited for.
        """
        for fd in list(task.pipes):
            left = _LAST_READ
            while left > 0 and fd in task.pipes:
                got = self._read(task, fd, at)
                if got <= 0:
                    break
                left -= got

    def _drop_pipe(self, task: LocalTask, fd: int) -> None:
        del task.pipes[fd]
        if self._by_fd.pop(fd, None) is not None:
            self._poll.unregister(fd)
        os.close(fd)

    def _listen(self, link: Link) -> None:
        messages = link.receive()
        # Read after the messages: who has ended had spoken before.
        for said in link.said():
            task = self._tasks.get(said.number)
            if task is None or task.link is not link:
                continue
            if said.outcome is not None:
                task.outcome = said.outcome
            else:
                self._read_rest(task, time.time())
                self._turns.ask(task)
        for message in messages:
            if isinstance(message, Began):
                self._begin(message)
            elif isinstance(message, Ended):
                task = self._tasks.get(message.number)
                if task is not None:
                    self._finish(task, message)
        if not link.alive:
            self._bury(link)

    def _begin(self, began: Began) -> None:
        task = self._tasks[began.number]
        task.pid = began.pid
        self._ready.append(TaskStarted(task.handle, began.at, began.pid))
        # Only now, so that no output is reported before the start.
        for fd in task.pipes:
            self._by_fd[fd] = task
            self._poll.register(fd, select.POLLIN)

    def _finish(self, task: LocalTask, ended: Ended) -> None:
        self._read_rest(task, ended.at)
        for fd in list(task.pipes):
            self._drop_pipe(task, fd)
        self._turns.end(task)
        del self._tasks[task.number]
        del self._numbers[task.handle]
        if task.link is not None:
            self._in_flight[task.link] -= 1
        self._ready.append(task.exited(ended))
        # Who asked for the tasks may want none of the others after a failure, and has not heard of it.
        self._holding = self._holding or task.outcome is None or not task.outcome.ok

    def _bury(self, link: Link) -> None:
        """Report every task of a launcher that is gone; the kernel has killed those that ran."""
        for end in (link.control, link.outcomes):
            self._poll.unregister(end.fileno())
            del self._by_fd[end.fileno()]
        status = link.close(patience_s=1.0)
        error = f"the launcher process ended unexpectedly ({in_words(status)})"
        for task in [task for task in self._tasks.values() if task.link is link]:
            if task.pid:
                signal_group(task.pid, 9)  # its children, that the kernel left
            self._finish(task, Ended(task.number, time.time(), None, error=error))
