"""What the run process and a launcher say to each other: length-prefixed MessagePack over a socket pair."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from stepwell.model.run import RunInfo
from stepwell.model.task import TaskOutcome
from stepwell.model.wire import packed

LAUNCHER_FDS = "_STEPWELL_LAUNCHER_FDS"
"""Environment variable that names the two sockets of a launcher that is an interpreter of its own."""

TASK_FDS = "_STEPWELL_TASK_FDS"
"""Environment variable that names the request's file and the outcome socket of a spawned task."""

TASK_SAYS = "_STEPWELL_TASK_SAYS"
"""Environment variable that names where a task says what came of it, if what it reads is its order."""

OUTCOME_LIMIT = 100_000
"""Outcomes with more bytes do not travel ahead of their pack."""

_LENGTH = struct.Struct("!I")


class Begin(Struct, frozen=True, array_like=True, tag=0):
    """The first message of a launcher. With ``spawn_command``, tasks are started by it and not forked.

    ``grace_s`` is how long a task that was asked to end may take before it is killed.
    """

    info: RunInfo
    workers: int
    spawn_command: tuple[str, ...] = ()
    grace_s: float = 10.0


class Launch(Struct, frozen=True, array_like=True, tag=1):
    """Start a task, as soon as a worker is free. The write ends of its stdout and stderr come along.

    The request is decoded in the task's process only. After ``limit_s`` seconds the task is ended, and as
    soon as it uses more than ``allowed_kib`` of memory; 0: never.
    After a failure it does not start before a `GoOn`.
    One that is to start ``at_once`` needs neither a free worker nor a `GoOn`: others of its gang wait for it,
    or the user does, before an ``attended`` one, along with which its three standard streams come.
    """

    number: int
    request: msgspec.Raw
    variables: tuple[tuple[str, str], ...] = ()
    limit_s: float = 0.0
    allowed_kib: int = 0
    attended: bool = False
    at_once: bool = False


class Attend(Struct, frozen=True, array_like=True, tag=5):
    """Give the terminal to a task that has asked for it, and all the time it takes."""

    number: int


class Stop(Struct, frozen=True, array_like=True, tag=2):
    """End a task and its children; ``force`` leaves them no time. With ``if_queued``, only if it waits."""

    number: int
    force: bool
    if_queued: bool = False


class GoOn(Struct, frozen=True, array_like=True, tag=6):
    """The run process has taken in so many failures of the launcher's tasks: what is queued may start."""

    failures: int


class Began(Struct, frozen=True, array_like=True, tag=3):
    """The task's process runs."""

    number: int
    pid: int
    at: float


class Ended(Struct, frozen=True, array_like=True, tag=4):
    """The task's process is gone. ``status`` is an exit code or a negative signal; None: it never started.

    ``allowed_kib`` is set if it was ended because it used more memory, ``said_so`` if it has said that it has
    succeeded.
    """

    number: int
    at: float
    status: int | None
    cpu_s: float = 0.0
    max_rss_kib: int = 0
    out_of_memory: bool = False
    error: str = ""
    timed_out: bool = False
    allowed_kib: int = 0
    said_so: bool = False

    @property
    def failed(self) -> bool:
        """Whether it is a failure, as far as a launcher can see."""
        return self.status != 0 or not self.said_so


class Said(Struct, frozen=True, array_like=True):
    """One datagram of a task: what it says of itself before it exits; None asks for the terminal."""

    number: int
    outcome: TaskOutcome | None


Message = Begin | Launch | Stop | GoOn | Began | Ended | Attend

_encode = packed
_decode = msgspec.msgpack.Decoder(Message).decode
_decode_said = msgspec.msgpack.Decoder(Said).decode


def frame(message: Message) -> bytes:
    """Return the message as it stands on the wire."""
    body = _encode(message)
    return _LENGTH.pack(len(body)) + body


def raw(value: object) -> msgspec.Raw:
    """Return the value encoded, to stand inside a message."""
    return msgspec.Raw(_encode(value))


def said(number: int, outcome: TaskOutcome | None) -> bytes | None:
    """Return the datagram for an outcome, or None if it is too big to travel."""
    data = _encode(Said(number, outcome))
    return data if len(data) <= OUTCOME_LIMIT else None


def parse_said(data: bytes) -> Said | None:
    """Return what a datagram says, or None if it is none of ours: any process of a task may write there."""
    try:
        return _decode_said(data)
    except msgspec.MsgspecError:
        return None


class FrameReader:
    """Cuts a stream of bytes into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """Take bytes as they came; yield the messages that are complete now."""
        self._buffer += data
        start = 0
        while len(self._buffer) - start >= 4:
            body = start + 4
            end = body + _LENGTH.unpack_from(self._buffer, start)[0]
            if len(self._buffer) < end:
                break
            yield _decode(bytes(self._buffer[body:end]))
            start = end
        if start:
            del self._buffer[:start]
