"""Several runs of a flow at a time, each a process of its own, under one limit on workers."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
from collections import deque
from collections.abc import Callable, Sequence
from typing import IO

import msgspec
from msgspec import Struct

from stepwell.runtime.shared_workers import GIVEN, SAID
from stepwell.runtime.signals import StopRequests
from stepwell.scheduling.worker_pool import WorkerPool
from stepwell.wiring.capacity import WORKERS_VARIABLE

_CHUNK = 1 << 16
_LINES_KEPT = 20
_MARKS = (b'{"event":"run_started"', b'{"event":"run_ended"')


class ManyRun(Struct):
    """One of several runs, and what is known of it.

    Attributes
    ----------
    label
        What it is given that others are not.
    command
        Starts it; prints its events as JSON.
    said
        The last that it printed that is no event.
    """

    label: str
    command: tuple[str, ...]
    run: str = ""
    state: str = "never started"
    reason: str = ""
    seconds: float = 0.0
    exit_code: int | None = None
    said: deque[str] = msgspec.field(default_factory=lambda: deque(maxlen=_LINES_KEPT))


class _Event(Struct):
    event: str
    run: str = ""
    state: str = ""
    seconds: float = 0.0
    reason: str = ""


Progress = Callable[[ManyRun, str], None]
"""Told of a run that has ``started`` or ``ended``."""


def carry_out_many(runs: Sequence[ManyRun], workers: int, tell: Progress) -> bool:
    """Carry out the runs, as many at a time as there are workers; return whether the user ended it.

    A run that dies, however, gives its workers back: they are counted by its end of a socket.
    """
    wake_r, wake_w = socket.socketpair()
    wake_w.setblocking(False)
    with wake_r, wake_w, StopRequests(lambda: _wake(wake_w)) as stop:
        return _Conductor(runs, workers, tell).conduct(wake_r, lambda: stop.count)


def _wake(end: socket.socket) -> None:
    try:
        end.send(b"\0")
    except BlockingIOError:
        return  # it is awake already


class _Started:
    """A run whose process was started."""

    def __init__(self, number: str, many: ManyRun) -> None:
        self.number = number
        self.many = many
        self.workers, theirs = socket.socketpair()
        with theirs:
            fd = theirs.fileno()
            self.process = subprocess.Popen(
                many.command,
                env={**os.environ, WORKERS_VARIABLE: str(fd)},
                pass_fds=(fd,),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                process_group=0,  # Ctrl-C is for us to pass on
            )
        self.heard = bytearray()
        self.rest: dict[int, bytes] = {}

    @property
    def streams(self) -> tuple[IO[bytes], ...]:
        return tuple(stream for stream in (self.process.stdout, self.process.stderr) if stream is not None)

    def take_lines(self, fd: int, data: bytes) -> list[bytes]:
        """Return the lines that are complete now; at the end, what is left."""
        *lines, rest = (self.rest.pop(fd, b"") + data).split(b"\n")
        if data:
            self.rest[fd] = rest
        elif rest:
            lines.append(rest)
        return lines


class _Conductor:
    def __init__(self, runs: Sequence[ManyRun], workers: int, tell: Progress) -> None:
        self._waiting = deque(enumerate(runs))
        self._most = workers
        self._pool = WorkerPool(workers)
        self._tell = tell
        self._started: dict[str, _Started] = {}
        self._open: dict[str, int] = {}
        self._stopping = 0
        self._selector = selectors.DefaultSelector()

    def conduct(self, wake: socket.socket, asked_to_stop: Callable[[], int]) -> bool:
        self._selector.register(wake, selectors.EVENT_READ, lambda: wake.recv(_CHUNK))
        while self._started or self._waiting:
            while self._waiting and len(self._started) < self._most:
                self._start(*self._waiting.popleft())
            for key, _ in self._selector.select():
                key.data()
            while self._stopping < asked_to_stop():
                self._stopping += 1
                self._waiting.clear()
                for started in self._started.values():
                    started.process.send_signal(signal.SIGTERM)
        self._selector.close()
        return self._stopping > 0

    def _start(self, number: int, many: ManyRun) -> None:
        started = _Started(str(number), many)
        many.state = "started"
        self._started[started.number] = started
        self._open[started.number] = 1 + len(started.streams)
        self._selector.register(started.workers, selectors.EVENT_READ, lambda: self._share(started))
        for stream in started.streams:
            self._selector.register(
                stream, selectors.EVENT_READ, lambda stream=stream: self._read(started, stream)
            )

    def _share(self, started: _Started) -> None:
        data = _received(started.workers)
        if not data:
            self._closed(started, started.workers)
            self._pass_on(self._pool.leave(started.number))
            return
        started.heard += data
        while len(started.heard) >= SAID.size:
            returned, wanted = SAID.unpack(started.heard[: SAID.size])
            del started.heard[: SAID.size]
            self._pass_on(self._pool.tell(started.number, returned, wanted))

    def _pass_on(self, changes: dict[str, int]) -> None:
        for number, change in changes.items():
            try:
                self._started[number].workers.sendall(GIVEN.pack(change))
            except OSError:
                continue  # it is gone, and what it held comes back when its end of the socket closes

    def _read(self, started: _Started, stream: IO[bytes]) -> None:
        data = os.read(stream.fileno(), _CHUNK)
        for line in started.take_lines(stream.fileno(), data):
            if stream is started.process.stderr:
                started.many.said.append(line.decode(errors="replace"))
            elif line.startswith(_MARKS):
                self._hear(started.many, msgspec.json.decode(line, type=_Event))
        if not data:
            self._closed(started, stream)

    def _hear(self, many: ManyRun, event: _Event) -> None:
        many.run = event.run
        if event.event == "run_started":
            many.state = "running"
            self._tell(many, "started")
        else:
            many.state, many.seconds, many.reason = event.state, event.seconds, event.reason

    def _closed(self, started: _Started, source: IO[bytes] | socket.socket) -> None:
        """Take note that one of its descriptors has ended; with the last, so has the run."""
        self._selector.unregister(source)
        source.close()
        self._open[started.number] -= 1
        if self._open[started.number] == 0:
            many = started.many
            many.exit_code = started.process.wait()
            if many.state == "started" and self._stopping:
                many.state = "never started"
            elif many.state in ("started", "running"):
                many.state = "lost" if many.run else "did not start"
                many.reason = next((line for line in reversed(many.said) if line.strip()), "")
                many.reason = many.reason or f"its process ended with {many.exit_code}"
            del self._started[started.number]
            self._tell(many, "ended")


def _received(source: socket.socket) -> bytes:
    try:
        return source.recv(_CHUNK)
    except ConnectionError:
        return b""
