"""Which tasks of a run are those of another: their results are read there, and nothing is copied.

The table of a run is one object, written before its first task and never changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from stepwell.datastore import layout
from stepwell.datastore.storage import Storage
from stepwell.model import wire
from stepwell.model.ids import TaskKey


class ReusedRange(Struct, frozen=True, array_like=True):
    """Tasks of one step with the ids from ``first`` to ``last``, which are those of run ``origin``."""

    step: str
    first: int
    last: int
    origin: str


class ReusedTasks:
    """The tables of all runs of one storage, each read once."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._tables: dict[tuple[str, str], dict[str, list[ReusedRange]]] = {}

    def write(self, flow: str, run: str, tasks: Iterable[tuple[str, int, str]]) -> None:
        """Write the table of a run: step, id and origin of each reused task."""
        ranges: list[ReusedRange] = []
        for step, task, origin in sorted(tasks):
            last = ranges[-1] if ranges else None
            if last is not None and (last.step, last.origin, last.last + 1) == (step, origin, task):
                ranges[-1] = ReusedRange(step, last.first, task, origin)
            else:
                ranges.append(ReusedRange(step, task, task, origin))
        if ranges:
            self._storage.write(layout.reused_key(flow, run), [wire.encode(tuple(ranges))])

    def origin_of(self, key: TaskKey) -> TaskKey | None:
        """Return the task whose results stand for this one; None if it is not reused."""
        if not key.task.isdecimal():
            return None
        number = int(key.task)
        for found in self._table(key.flow, key.run).get(key.step, ()):
            if found.first <= number <= found.last:
                return TaskKey(key.flow, found.origin, key.step, key.task)
        return None

    def of_run(self, flow: str, run: str) -> Iterator[tuple[TaskKey, TaskKey]]:
        """Yield each task that the run takes from others, and the one that it stands for."""
        for ranges in self._table(flow, run).values():
            for found in ranges:
                for number in range(found.first, found.last + 1):
                    key = TaskKey(flow, run, found.step, str(number))
                    yield key, TaskKey(flow, found.origin, found.step, key.task)

    def _table(self, flow: str, run: str) -> dict[str, list[ReusedRange]]:
        known = self._tables.get((flow, run))
        if known is not None:
            return known
        table: dict[str, list[ReusedRange]] = {}
        data = self._storage.read(layout.reused_key(flow, run))
        if data is not None:  # else it may be about to be written
            for found in wire.decode(data, tuple[ReusedRange, ...]):
                table.setdefault(found.step, []).append(found)
            self._tables[flow, run] = table
        return table
