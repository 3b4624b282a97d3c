"""Which tasks have said to their launcher that they have succeeded: an exit code alone does not say it."""

from __future__ import annotations

import socket
import struct

_NUMBER = struct.Struct("!Q")
_CHUNK = 512 * _NUMBER.size


class Successes:
    """The launcher's end of what tasks say; ``of_tasks`` is theirs.

    The run process hears from each task directly, and later. The launcher has to know when it reaps the
    task: the next one in its queue starts then, or waits for what the run process makes of a failure.
    """

    def __init__(self) -> None:
        self._own, self.of_tasks = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._said: set[int] = set()

    def said_by(self, number: int) -> bool:
        """Tell whether the task, which has ended, has said so."""
        try:
            while data := self._own.recv(_CHUNK, socket.MSG_DONTWAIT):
                whole = len(data) - len(data) % _NUMBER.size
                self._said.update(said for (said,) in _NUMBER.iter_unpack(data[:whole]))
        except BlockingIOError:
            pass  # that is all
        had_said = number in self._said
        self._said.discard(number)
        return had_said

    def close(self) -> None:
        self._own.close()
        self.of_tasks.close()


def say_success(to_launcher: socket.socket, number: int) -> None:
    """Say, as the last thing that a task does, that it has succeeded."""
    try:
        to_launcher.send(_NUMBER.pack(number), socket.MSG_DONTWAIT)
    except OSError:
        return  # the step has closed it: the launcher waits for what the run process knows
