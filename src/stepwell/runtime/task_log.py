"""The output of running attempts: stored while they run, and told line by line."""

from __future__ import annotations

from collections.abc import Iterable

from stepwell.datastore.datastore import Datastore
from stepwell.datastore.log_records import LogLine
from stepwell.datastore.log_writer import LogWriter
from stepwell.engine.handle import TaskOutput
from stepwell.model.ids import TaskKey
from stepwell.runtime.clock import Clock
from stepwell.runtime.events import LineSoFar, Listener, TaskLine

SAVE_AFTER_S = 0.5
"""How long output waits before it is stored. A task that ends sooner costs one file, or none."""


class TaskLogs:
    """The logs of the attempts that run."""

    def __init__(self, datastore: Datastore, clock: Clock, emit: Listener, max_size: int) -> None:
        self._datastore = datastore
        self._clock = clock
        self._emit = emit
        self._max_size = max_size
        self._unsaved: dict[TaskLog, float] = {}

    def open(self, key: TaskKey, attempt: int, pid: int) -> TaskLog:
        """Return the log of an attempt."""
        return TaskLog(self, self._datastore.logs.writer(key, attempt, self._max_size), key, attempt, pid)

    def tick(self) -> None:
        """Store what has waited long enough."""
        now = self._clock.now()
        due = [log for log, since in self._unsaved.items() if now - since >= SAVE_AFTER_S]
        for log in due:
            del self._unsaved[log]
            log.save()

    @property
    def patience_s(self) -> float:
        """How long nothing needs to be done here."""
        return SAVE_AFTER_S / 2 if self._unsaved else 1.0

    def changed(self, log: TaskLog) -> None:
        """Something has come."""
        if log not in self._unsaved:
            self._unsaved[log] = self._clock.now()

    def closed(self, log: TaskLog) -> None:
        """Nothing more will come."""
        self._unsaved.pop(log, None)

    def tell(self, event: TaskLine | LineSoFar) -> None:
        """Tell whoever watches the run."""
        self._emit(event)


class TaskLog:
    """Collects what an attempt prints."""

    __slots__ = ("_attempt", "_begun", "_key", "_logs", "_pid", "_writer")

    def __init__(self, logs: TaskLogs, writer: LogWriter, key: TaskKey, attempt: int, pid: int) -> None:
        self._logs = logs
        self._writer = writer
        self._key = key
        self._attempt = attempt
        self._pid = pid
        self._begun: list[bytes] = []

    def feed(self, output: TaskOutput) -> None:
        """Take bytes; tell the lines that they complete."""
        self._tell(self._writer.feed(output.stream, output.at, output.data))
        self._logs.changed(self)

    def say(self, at: float, text: str) -> None:
        """Add a line of our own to the end of stderr."""
        self._tell(self._writer.finish(at))
        self._writer.say("stderr", at, text)

    def save(self) -> None:
        """Store what has come, and tell what there is of lines that go on."""
        self._writer.save()
        begun = self._writer.begun()
        if (texts := [line.data for line in begun]) != self._begun:
            self._begun = texts
            for line in begun:
                self._logs.tell(
                    LineSoFar(
                        at=line.at, key=self._key, attempt=self._attempt, stream=line.stream, text=_text(line)
                    )
                )

    def close(self, at: float) -> None:
        """Tell what is left, and store it all."""
        self._logs.closed(self)
        self._tell(self._writer.finish(at))
        self._writer.save()

    def _tell(self, lines: Iterable[LogLine]) -> None:
        for line in lines:
            self._logs.tell(
                TaskLine(
                    at=line.at,
                    key=self._key,
                    attempt=self._attempt,
                    pid=self._pid,
                    stream=line.stream,
                    text=_text(line),
                )
            )


def _text(line: LogLine) -> str:
    text = line.data.decode(errors="replace").removesuffix("\n").rstrip("\r")
    return text.rpartition("\r")[2]
