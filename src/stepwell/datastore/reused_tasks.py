"""Which tasks of a run are those of another: their results are read there, and nothing is copied.

The table of a run is one object, written before the run is on record and never changed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from msgspec import Struct, field

from stepwell.datastore import layout
from stepwell.datastore.storage import Storage
from stepwell.model import wire
from stepwell.model.ids import TaskKey, is_number


class ReusedRange(Struct, frozen=True, array_like=True, omit_defaults=True):
    """Tasks of one step with the ids from ``first`` to ``last``, which are those of run ``origin``.

    A task whose id is no number has an entry of its own, with the id as ``task``. Without a step it stands
    for every task that the run does not have itself, and that no other entry names.
    """

    step: str
    first: int
    last: int
    origin: str
    task: str = ""


class _Table(Struct):
    """What one run takes from others: ranges by step in the order of ids, single tasks, and the rest."""

    ranges: dict[str, list[ReusedRange]] = field(default_factory=dict[str, list[ReusedRange]])
    single: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    rest: str = ""

    def origin(self, step: str, task: str) -> str | None:
        if not is_number(task):
            return self.single.get((step, task))
        ranges = self.ranges.get(step, [])
        place = bisect_right(ranges, int(task), key=_first) - 1
        return ranges[place].origin if place >= 0 and int(task) <= ranges[place].last else None


class ReusedTasks:
    """The tables of all runs of one storage, each read once."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._tables: dict[tuple[str, str], _Table] = {}

    def write(self, flow: str, run: str, tasks: Iterable[tuple[str, str, str]]) -> None:
        """Write the table of a run: step, id and origin of each reused task."""
        found = list(tasks)
        numbered = sorted((step, int(task), origin) for step, task, origin in found if is_number(task))
        table: list[ReusedRange] = []
        for step, number, origin in numbered:
            last = table[-1] if table else None
            if last is not None and (last.step, last.origin, last.last + 1) == (step, origin, number):
                table[-1] = ReusedRange(step, last.first, number, origin)
            else:
                table.append(ReusedRange(step, number, number, origin))
        named = ((step, task, origin) for step, task, origin in found if not is_number(task))
        table += (ReusedRange(step, 0, 0, origin, task) for step, task, origin in named)
        if table:
            self._storage.write(layout.reused_key(flow, run), [wire.encode(tuple(table))])

    def forget(self, flow: str, run: str) -> None:
        """Take the table of a run back that could not begin."""
        self._storage.delete([layout.reused_key(flow, run)])
        self._tables.pop((flow, run), None)

    def write_rest(self, flow: str, run: str, origin: str) -> None:
        """Write the table of a run that stands on another as a whole."""
        table = (ReusedRange("", 0, 0, origin),)
        self._storage.write(layout.reused_key(flow, run), [wire.encode(table)])

    def origin_of(self, key: TaskKey) -> TaskKey | None:
        """Return the task whose results stand for this one; None if it is not reused."""
        table = self._table(key.flow, key.run)
        origin = table.origin(key.step, key.task)
        if origin is not None:
            return TaskKey(key.flow, origin, key.step, key.task)
        if not table.rest:
            return None
        there = TaskKey(key.flow, table.rest, key.step, key.task)
        return self.origin_of(there) or there

    def rest_of(self, flow: str, run: str) -> str:
        """Return the run that a run stands on as a whole; empty if there is none."""
        return self._table(flow, run).rest

    def of_run(self, flow: str, run: str) -> Iterator[tuple[TaskKey, TaskKey]]:
        """Yield each task that the run takes from others by name, and the one that it stands for."""
        table = self._table(flow, run)
        for ranges in table.ranges.values():
            for found in ranges:
                for number in range(found.first, found.last + 1):
                    task = str(number)
                    yield TaskKey(flow, run, found.step, task), TaskKey(flow, found.origin, found.step, task)
        for (step, task), origin in table.single.items():
            yield TaskKey(flow, run, step, task), TaskKey(flow, origin, step, task)

    def _table(self, flow: str, run: str) -> _Table:
        known = self._tables.get((flow, run))
        if known is not None:
            return known
        table = _Table()
        data = self._storage.read(layout.reused_key(flow, run))
        if data is not None:  # else it may be about to be written
            for found in wire.decode(data, tuple[ReusedRange, ...]):
                if not found.step:
                    table.rest = found.origin
                elif found.task:
                    table.single[found.step, found.task] = found.origin
                else:
                    table.ranges.setdefault(found.step, []).append(found)
            self._tables[flow, run] = table
        return table


def _first(entry: ReusedRange) -> int:
    return entry.first
