"""The output of one running attempt: kept, and told line by line."""

from __future__ import annotations

from collections.abc import Iterable

from stepwell.datastore.datastore import Datastore
from stepwell.datastore.logs import LogLine, LogWriter
from stepwell.engine.handle import TaskOutput
from stepwell.model.ids import TaskKey
from stepwell.runtime.events import Listener, TaskLine


class TaskLog:
    """Collects what an attempt prints. Costs nothing for a task that prints nothing."""

    __slots__ = ("_attempt", "_emit", "_key", "_max_size", "_pid", "_writer")

    def __init__(self, key: TaskKey, attempt: int, pid: int, emit: Listener, max_size: int) -> None:
        self._key = key
        self._attempt = attempt
        self._pid = pid
        self._emit = emit
        self._max_size = max_size
        self._writer: LogWriter | None = None

    def feed(self, output: TaskOutput) -> None:
        """Take bytes; tell the lines that they complete."""
        self._tell(self._writing().feed(output.stream, output.at, output.data))

    def say(self, at: float, text: str) -> None:
        """Add a line of our own to the end of stderr."""
        self._tell(self._writing().finish(at))
        self._writing().say("stderr", at, text)

    def close(self, at: float, datastore: Datastore) -> None:
        """Tell what is left, and store it all."""
        if self._writer is not None:
            self._tell(self._writer.finish(at))
            datastore.logs.write(self._key, self._attempt, self._writer)

    def _writing(self) -> LogWriter:
        if self._writer is None:
            self._writer = LogWriter(self._max_size)
        return self._writer

    def _tell(self, lines: Iterable[LogLine]) -> None:
        for line in lines:
            text = line.data.decode(errors="replace").removesuffix("\n").removesuffix("\r")
            self._emit(
                TaskLine(
                    at=line.at,
                    key=self._key,
                    attempt=self._attempt,
                    pid=self._pid,
                    stream=line.stream,
                    text=text.rpartition("\r")[2],
                )
            )
