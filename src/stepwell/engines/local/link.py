"""The run process's end of one launcher."""

from __future__ import annotations

import array
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from stepwell.engines.local.child import TaskRunner
from stepwell.engines.local.launcher_start import fork_launcher
from stepwell.engines.local.messages import (
    LAUNCHER_FDS,
    OUTCOME_LIMIT,
    Attend,
    Begin,
    Ended,
    FrameReader,
    GoOn,
    Launch,
    Message,
    Said,
    Stop,
    frame,
    parse_said,
)

_CHUNK = OUTCOME_LIMIT
_open_fds: set[int] = set()
"""Sockets of this process's ends. A launcher forked later must not keep them open."""

_EXEC_LAUNCHER = """
import sys
sys.path[:] = {path!r}
from stepwell.engines.local.launcher_start import serve_launcher
serve_launcher(None)
"""


class Link:
    """A launcher, as the run process talks to it. Knows nothing of tasks but their numbers.

    Attributes
    ----------
    control
        Messages both ways. End of file means that the launcher is gone.
    outcomes
        Datagrams that tasks send directly.
    """

    def __init__(self, start: Callable[[socket.socket, socket.socket, tuple[int, ...]], int]) -> None:
        self.control, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self.outcomes, outcomes = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        own = {self.control.fileno(), self.outcomes.fileno()}
        _open_fds.update(own)
        try:
            self.pid = start(control, outcomes, tuple(_open_fds))
        except BaseException:
            _open_fds.difference_update(own)
            self.control.close()
            self.outcomes.close()
            raise
        finally:
            control.close()
            outcomes.close()
        self.alive = True
        self._reader = FrameReader()
        self._failures = 0
        self._taken_in = 0

    @classmethod
    def forked(cls, run_task: TaskRunner, preload: Callable[[], object] | None) -> Link:
        """Fork a launcher off this process, as this process is now."""
        return cls(lambda control, outcomes, own: fork_launcher(run_task, control, outcomes, own, preload))

    @classmethod
    def interpreter(cls, argv: Sequence[str], environment: Mapping[str, str]) -> Link:
        """Start a launcher as an interpreter of its own, by a command that ends in `serve_launcher`."""

        def start(control: socket.socket, outcomes: socket.socket, own: tuple[int, ...]) -> int:
            del own  # a new program inherits only what is passed
            import subprocess  # the forked launcher does without

            fds = (control.fileno(), outcomes.fileno())
            process = subprocess.Popen(
                list(argv),
                env={**environment, LAUNCHER_FDS: f"{fds[0]},{fds[1]}"},
                pass_fds=fds,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # what importing the flow prints has been seen once
                process_group=0,
            )
            process.returncode = 0  # `Link` waits for it, by its number
            return process.pid

        return cls(start)

    @classmethod
    def spawning(cls) -> Link:
        """Start a launcher that imports no flow: each of its tasks is an interpreter of its own."""
        code = _EXEC_LAUNCHER.format(path=sys.path)
        return cls.interpreter([sys.executable, "-P", "-c", code], os.environ)

    def send(self, message: Begin | Stop | GoOn | Attend) -> None:
        """Send; what a launcher that is gone does not get is seen by `receive`."""
        with contextlib.suppress(ConnectionError):
            self.control.sendall(frame(message))

    def launch(self, message: Launch, streams: tuple[int, ...]) -> None:
        """Send the task, and copies of the descriptors with it."""
        data = frame(message)
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", streams))]
        with contextlib.suppress(ConnectionError):
            sent = self.control.sendmsg([data], rights)
            if sent < len(data):
                self.control.sendall(memoryview(data)[sent:])

    def receive(self) -> list[Message]:
        """What the launcher said, without waiting. Clears ``alive`` when it is gone."""
        try:
            data = self.control.recv(_CHUNK, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return []
        except ConnectionError:
            data = b""
        if not data:
            self.alive = False
            return []
        messages = list(self._reader.feed(data))
        self._failures += sum(1 for one in messages if isinstance(one, Ended) and one.failed)
        return messages

    def go_on(self) -> None:
        """Have what is queued start: all that was received has been acted upon."""
        if self._failures > self._taken_in:
            self._taken_in = self._failures
            self.send(GoOn(self._failures))

    def said(self) -> list[Said]:
        """Outcomes that have arrived."""
        found: list[Said] = []
        while True:
            try:
                data = self.outcomes.recv(_CHUNK, socket.MSG_DONTWAIT)
            except (BlockingIOError, ConnectionError):
                return found
            said = parse_said(data)
            if said is not None:
                found.append(said)
            elif not data:
                return found

    def close(self, patience_s: float) -> int | None:
        """Let the launcher end all it started and itself; return its wait status, None if unknown."""
        self.alive = False
        ended = self._hang_up(patience_s)
        for end in (self.control, self.outcomes):
            _open_fds.discard(end.fileno())
            end.close()
        try:
            if not ended:
                os.kill(self.pid, signal.SIGKILL)
            return os.waitpid(self.pid, 0)[1]
        except (ChildProcessError, ProcessLookupError):
            return None  # somebody else in this process waited for it

    def _hang_up(self, patience_s: float) -> bool:
        """Tell the launcher to end, and tell whether it did: the last that it does is to close its socket."""
        deadline = time.monotonic() + patience_s
        try:
            self.control.shutdown(socket.SHUT_WR)
            while (left := deadline - time.monotonic()) > 0:
                self.control.settimeout(left)
                if not self.control.recv(_CHUNK):
                    return True
        except TimeoutError:
            return False
        except OSError:
            return True  # it is gone already
        return False
