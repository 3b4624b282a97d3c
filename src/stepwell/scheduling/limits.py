"""How many tasks at once, and in what order."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from stepwell.scheduling.dependencies import OpenSplit
from stepwell.scheduling.fanout import Again, Batch, Children, Joining, Successors
from stepwell.scheduling.orders import Launch


class ReadyQueue:
    """The tasks that could start if there were room: older first, foreach children in item order.

    Ids are handed out here, 1, 2, 3, ..., as tasks become ready. So new tasks are always in the order of ids;
    those that were launched before come ahead of them.

    Attributes
    ----------
    limit
        Most tasks that may be launched and not ended; 0 until room has been found.
    """

    __slots__ = ("_again", "_batches", "_next_id", "limit")

    def __init__(self, first_id: int = 1) -> None:
        self.limit = 0
        self._next_id = first_id
        self._again: deque[Again] = deque()
        self._batches: deque[Batch] = deque()

    def __bool__(self) -> bool:
        return bool(self._batches or self._again)

    def __len__(self) -> int:
        """How many tasks wait."""
        return sum(map(len, self._batches)) + len(self._again)

    def put_again(self, launch: Launch, split: OpenSplit | None, position: int) -> None:
        """Let a task wait that has an id, and whose turn it had been before."""
        self._again.append(Again(launch, split, position))

    def put_children(self, step: str, split: OpenSplit, indexes: Sequence[int]) -> None:
        """Let the first tasks of these branches of a foreach wait."""
        self._batches.append(Children(step, self._next_id, split, indexes))
        self._next_id += len(indexes)

    def put_successor(
        self, step: str, split: OpenSplit | None, position: int, parent: tuple[str, int]
    ) -> None:
        """Let a task with one parent wait."""
        parent_step, parent_task = parent
        last = self._batches[-1] if self._batches else None
        if (
            isinstance(last, Successors)
            and last.split is split
            and last.step == step
            and last.parent_step == parent_step
        ):
            batch = last
        else:
            batch = Successors(step, self._next_id, split, parent_step)
            self._batches.append(batch)
        batch.add(position, parent_task)
        self._next_id += 1

    def put_join(self, closed: OpenSplit, names: tuple[str, ...]) -> None:
        """Let the join of a complete split wait."""
        self._batches.append(Joining(self._next_id, closed, names))
        self._next_id += 1

    def room(self, running: int) -> bool:
        """Whether a task waits and may start beside so many others."""
        return running < self.limit and bool(self)

    def first(self) -> Batch:
        """Return the batch whose turn it is."""
        return self._again[0] if self._again else self._batches[0]

    def drop_if_empty(self, batch: Batch) -> None:
        """Forget the first batch once all its tasks have been taken."""
        if batch:
            return
        if isinstance(batch, Again):
            self._again.popleft()
        else:
            self._batches.popleft()

    def clear(self) -> None:
        """Forget all that waits."""
        self._again.clear()
        self._batches.clear()
