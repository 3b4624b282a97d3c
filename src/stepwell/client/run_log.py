"""What the tasks of a run have printed, brought together by time, and followed while they run."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from msgspec import Struct

from stepwell.client.stored import StoredRun
from stepwell.datastore.log_reader import LogReader
from stepwell.datastore.log_records import LineJoiner, LogLine, whole_lines
from stepwell.datastore.logs import Logs
from stepwell.metadata_store.store import TaskQuery
from stepwell.model.ids import TaskKey
from stepwell.model.run import TaskRecord
from stepwell.model.states import TaskState

_OPEN = tuple(state.value for state in TaskState if not state.finished)


class PrintedLine(NamedTuple):
    """A line, and which attempt printed it."""

    task: TaskRecord
    attempt: int
    line: LogLine


def lines_of(logs: Logs, task: TaskRecord, attempt: int | None = None) -> Iterator[PrintedLine]:
    """Yield the lines of a task's attempt, the latest unless another is asked for."""
    key = TaskKey(task.flow, task.run, task.step, task.task)
    read = task.attempt if attempt is None else attempt
    for line in whole_lines(logs.lines(key, read)):
        yield PrintedLine(task, read, line)


def lines_by_time(
    tasks: Iterable[TaskRecord], lines: Callable[[TaskRecord], Iterator[PrintedLine]]
) -> Iterator[PrintedLine]:
    """Yield the lines of all the tasks in the order in which they were printed.

    Those of a task are asked for only when the others have come to the time at which it began.
    """

    def placed(task: TaskRecord) -> Iterator[tuple[float, PrintedLine | None]]:
        yield task.created_at, None
        for printed in lines(task):
            yield printed.line.at, printed

    for _, printed in heapq.merge(*map(placed, tasks), key=lambda entry: entry[0]):
        if printed is not None:
            yield printed


class _Following(Struct):
    """How far the log of a task has been read."""

    attempt: int
    reader: LogReader
    joiner: LineJoiner


class RunFollower:
    """Follows the logs of a run: each call of `lines` yields what has come since the one before.

    Parameters
    ----------
    step, task
        Follow only that step, or task.
    from_start
        Whether earlier attempts of tasks that have begun are wanted too, as of those that begin later.
    """

    def __init__(
        self,
        logs: Logs,
        run: StoredRun,
        step: str | None = None,
        task: str | None = None,
        from_start: bool = False,
    ) -> None:
        self._logs = logs
        self._run = run
        self._step = step
        self._task = task
        self._newest = -1
        self._from_start = from_start
        self._followed: dict[tuple[str, str], _Following] = {}
        self._read: dict[tuple[str, str], int] = {}
        self.ended: bool = False

    @property
    def has_seen_tasks(self) -> bool:
        """Whether any task has begun."""
        return bool(self._read or self._followed)

    def lines(self) -> Iterator[PrintedLine]:
        """Yield new lines by time, to be read to their end. Afterwards ``ended`` tells if more can come."""
        run_ended = self._run.record().state.finished  # asked first: what is read afterwards is then all
        tasks = list(self._tasks(run_ended))
        yield from lines_by_time(tasks, lambda task: self._new(task, run_ended))
        ended = all(task.state.finished for task in tasks) if self._task is not None and tasks else False
        self.ended = run_ended or ended
        self._from_start = True

    def _tasks(self, run_ended: bool) -> Iterator[TaskRecord]:
        """Yield the tasks that may have printed since, as they are now."""
        metadata, run = self._run.connection.stores.metadata, self._run
        if self._task is not None and self._step is not None:
            found = metadata.task(run.flow, run.run, self._step, self._task)
            if found is not None:
                yield found
            return
        if self._newest < 0 or run_ended:
            # At the end all of them once more: a task of before may have been tried again in an instant.
            found = metadata.tasks(TaskQuery(flow=run.flow, run=run.run, step=self._step, ascending=True))
            self._newest = max([self._newest, *(task.number for task in found)])
            yield from found
            return
        newest = list(run.newest_tasks(self._step, above=self._newest))
        self._newest = max([self._newest, *(task.number for task in newest)])
        begun = metadata.tasks(TaskQuery(flow=run.flow, run=run.run, step=self._step, states=_OPEN))
        known = {(task.step, task.task): task for task in chain(begun, newest)}
        for step, task in self._followed.keys() - known.keys():
            found = metadata.task(run.flow, run.run, step, task)
            if found is not None:
                known[step, task] = found
        yield from known.values()

    def _new(self, task: TaskRecord, run_ended: bool) -> Iterator[PrintedLine]:
        name = (task.step, task.task)
        while True:
            followed = self._followed.get(name) or self._next_attempt(name, task)
            if followed is None:
                return
            is_over = run_ended or task.state.finished or task.state is TaskState.RETRYING
            is_over = is_over or followed.attempt < task.attempt
            for record in followed.reader.read(is_all=is_over):
                for line in followed.joiner.feed(record):
                    yield PrintedLine(task, followed.attempt, line)
            if not is_over:
                return
            for line in followed.joiner.rest():
                yield PrintedLine(task, followed.attempt, line)
            del self._followed[name]
            self._read[name] = followed.attempt

    def _next_attempt(self, name: tuple[str, str], task: TaskRecord) -> _Following | None:
        """Begin with the attempt after the one that was read last, if there was one."""
        first = 0 if self._from_start else task.attempt
        attempt = self._read[name] + 1 if name in self._read else first
        if attempt > task.attempt:
            return None
        reader = self._logs.reader(TaskKey(task.flow, task.run, *name), attempt)
        self._followed[name] = _Following(attempt, reader, LineJoiner())
        return self._followed[name]
