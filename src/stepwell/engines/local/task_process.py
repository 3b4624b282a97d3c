"""The interpreter of one task: how a run process that cannot fork sees it, and what it does first."""

from __future__ import annotations

import math
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, NoReturn

from msgspec import Raw, Struct, msgpack
from msgspec.structs import replace

from stepwell.engine.handle import Stream, TaskExited, TaskOutput, TaskReport, TaskStarted
from stepwell.engines.local import child
from stepwell.engines.local.local_task import LocalTask
from stepwell.engines.local.messages import TASK_SAYS, Ended, parse_said, raw
from stepwell.model.run import RunInfo

_LENGTH = struct.Struct("!Q")
_CHUNK = 1 << 16
_MOST_CHUNKS = 32
_LAST_WORDS_S = 1.0
"""How long output is waited for once the task has ended: a child of it may hold the pipe open."""

_LOOK_S = 0.1


class Order(Struct, frozen=True, array_like=True):
    """What the interpreter of a task reads first."""

    info: RunInfo
    number: int
    request: Raw


class Command(Struct, frozen=True):
    """How the interpreter of a task is started."""

    argv: tuple[str, ...]
    environment: dict[str, str]


class TaskProcess:
    """A task from its start to its end. Made in the run process's thread; its own threads tell what happens.

    Parameters
    ----------
    tell
        Called from any thread, with what is to be reported.

    Raises
    ------
    OSError
        It cannot be started.
    """

    def __init__(
        self,
        task: LocalTask,
        info: RunInfo,
        command: Command,
        folder: str,
        tell: Callable[[TaskReport], None],
    ) -> None:
        self._task = task
        self._tell = tell
        self._says = Path(folder, f"{task.number}")
        self._lock = threading.Lock()
        self._room = threading.Semaphore(_MOST_CHUNKS)
        self._over = False
        variables = {**command.environment, **dict(task.variables_of_process()), TASK_SAYS: str(self._says)}
        self._process = subprocess.Popen(
            list(command.argv),
            env={**os.environ, **variables, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # Ctrl-C stays away from the task; where groups can be signalled, its children end with it.
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            process_group=None if sys.platform == "win32" else 0,
        )
        now = time.monotonic()
        self._stop_at = now + task.limit_s if task.limit_s else 0.0
        self._kill_at = 0.0
        self._timed_out = False
        request = None if task.request is None else replace(task.request, attended=False)
        order = msgpack.encode(Order(info, task.number, raw(request)))
        task.request = None  # it may be long
        self._say(TaskStarted(task.handle, time.time(), self._process.pid))
        self._thread = threading.Thread(target=self._attend, args=(order,), daemon=True)
        self._thread.start()

    def end(self, grace_s: float) -> None:
        """Ask the task to end, and have it killed if it has not after so many seconds; 0 kills at once."""
        self._stop_at = 0.0
        if grace_s:
            self._kill_at = self._kill_at or time.monotonic() + grace_s
        _signal(self._process, force=not grace_s)

    def end_if_overdue(self, grace_s: float) -> None:
        """Do what its time limit asks for by now."""
        now = time.monotonic()
        if self._stop_at and self._stop_at <= now:
            self._timed_out = True
            self.end(grace_s)
        elif self._kill_at and self._kill_at <= now:
            self.end(0.0)

    def await_end(self, patience_s: float) -> None:
        """Wait until the end has been told, or for so long."""
        self._thread.join(patience_s)

    def _attend(self, order: bytes) -> None:
        process = self._process
        assert process.stdin and process.stdout and process.stderr, "all three are pipes"
        readers = [_Reader(process.stdout, "stdout", self), _Reader(process.stderr, "stderr", self)]
        with suppress(OSError):  # it has ended before it was told what to do
            process.stdin.write(_LENGTH.pack(len(order)) + order)
            process.stdin.flush()
        code = process.wait()
        for reader in readers:
            reader.finish()
        with suppress(OSError):
            process.stdin.close()
        self._say(self._exited(code), is_last=True)
        self._room.release(_MOST_CHUNKS)  # whoever still reads is heard no more

    def _exited(self, code: int) -> TaskExited:
        with suppress(OSError):
            said = parse_said(self._says.read_bytes())
            self._says.unlink()
            if said is not None:
                self._task.outcome = said.outcome
        return self._task.exited(Ended(self._task.number, time.time(), code, timed_out=self._timed_out))

    def take_output(self, stream: Stream, data: bytes) -> None:
        """Tell of output, from the thread that reads it; wait while too much has not been heard yet."""
        self._room.acquire()
        self._say(TaskOutput(self._task.handle, stream, time.time(), data))

    def heard(self) -> None:
        """Take note that a piece of output has been taken in."""
        self._room.release()

    def _say(self, report: TaskReport, is_last: bool = False) -> None:
        with self._lock:
            if not self._over:
                self._over = is_last
                self._tell(report)


class _Reader(threading.Thread):
    """Reads a stream of a task to its end."""

    def __init__(self, pipe: IO[bytes], stream: Stream, task: TaskProcess) -> None:
        super().__init__(name=f"stepwell-{stream}", daemon=True)
        self._pipe = pipe
        self._stream: Stream = stream
        self._task = task
        self._waits_since = time.monotonic()
        self.start()

    def run(self) -> None:
        with suppress(OSError, ValueError), self._pipe:
            while data := os.read(self._pipe.fileno(), _CHUNK):
                self._waits_since = math.inf
                self._task.take_output(self._stream, data)
                self._waits_since = time.monotonic()

    def finish(self) -> None:
        """Wait for the end of the stream, or until nothing has come for long."""
        began = time.monotonic()
        while self.is_alive():
            self.join(_LOOK_S)
            if time.monotonic() - max(began, self._waits_since) > _LAST_WORDS_S:
                return


def _signal(process: subprocess.Popen[bytes], force: bool) -> None:
    with suppress(OSError):
        if process.poll() is None and hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL if force else signal.SIGTERM)
        elif force:
            process.kill()
        else:
            process.terminate()


class _Says:
    """Takes what a task says, where others have a socket."""

    def __init__(self, path: str) -> None:
        self._path = path

    def send(self, data: bytes) -> int:
        with open(self._path, "wb") as file:
            return file.write(data)


def serve_ordered(run_task: child.TaskRunner) -> NoReturn:
    """Run the one task that this interpreter was started for, and exit. The flow is imported by now."""
    says = os.environ.pop(TASK_SAYS)
    length = _LENGTH.unpack(_read(_LENGTH.size))[0]
    order = msgpack.decode(_read(length), type=Order)
    # What comes after the order is the end of the run process: nothing else tells of it on every system.
    lifeline, nothing = os.dup(0), os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    threading.Thread(target=_end_with, args=(lifeline,), name="stepwell-lifeline", daemon=True).start()
    child.prepare_streams()
    child.run_and_exit(run_task, order.info, order.request, child.Words(order.number, _Says(says), None))
    raise AssertionError("a task's process never returns")


def _read(size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = os.read(0, size - len(data))
        if not more:
            os._exit(1)  # the run process has gone before it said what to do
        data += more
    return data


def _end_with(lifeline: int) -> None:
    with suppress(OSError):
        while os.read(lifeline, 1):
            continue
    os._exit(1)
