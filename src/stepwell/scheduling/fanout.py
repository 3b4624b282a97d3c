"""Tasks that are ready and wait for room: as numbers, until each is launched.

A batch holds tasks of one step and one split that became ready one after another: new ones have consecutive
ids, and ``next_id`` is that of the next to be taken.
What a waiting task costs: nothing in a foreach, sixteen bytes further down its branches.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from stepwell.scheduling.dependencies import OpenSplit
from stepwell.scheduling.orders import Launch


class Children:
    """The first tasks of branches of one foreach, in item order: of those branches that are given."""

    __slots__ = ("_indexes", "_next", "_parents", "first", "split", "step")

    def __init__(self, step: str, first: int, split: OpenSplit, indexes: Sequence[int]) -> None:
        self.step = step
        self.first = first
        self.split = split
        self._parents = ((split.step, split.task),)
        self._indexes = indexes
        self._next = 0

    def __len__(self) -> int:
        return len(self._indexes) - self._next

    @property
    def next_id(self) -> int:
        return self.first + self._next

    def take(self) -> tuple[Launch, OpenSplit, int]:
        """Return the order for the next one, and the branch it begins."""
        at = self._next
        index = self._indexes[at]
        self._next += 1
        path = self.split.path_of(index)
        return Launch(self.step, self.first + at, self._parents, index, path), self.split, index


class Successors:
    """Tasks with one parent each, which follow it in the same branch or begin a static branch."""

    __slots__ = ("_next", "_parents", "_positions", "first", "parent_step", "split", "step")

    def __init__(self, step: str, first: int, split: OpenSplit | None, parent_step: str) -> None:
        self.step = step
        self.first = first
        self.split = split
        self.parent_step = parent_step
        self._positions = array("Q")
        self._parents = array("Q")
        self._next = 0

    def __len__(self) -> int:
        return len(self._parents) - self._next

    @property
    def next_id(self) -> int:
        return self.first + self._next

    @property
    def end_id(self) -> int:
        """The id after the last one."""
        return self.first + len(self._parents)

    def add(self, position: int, parent: int) -> None:
        """Let one more task wait; its id is the next after those of the batch."""
        self._positions.append(position)
        self._parents.append(parent)

    def take(self) -> tuple[Launch, OpenSplit | None, int]:
        """Return the order for the next one, and the branch it is in."""
        at = self._next
        self._next += 1
        position = self._positions[at]
        parents = ((self.parent_step, self._parents[at]),)
        path = self.split.path_of(position) if self.split else ()
        return Launch(self.step, self.first + at, parents, None, path), self.split, position


class Joining:
    """One join, whose split is complete."""

    __slots__ = ("_closed", "_names", "_waiting", "first", "step")

    def __init__(self, first: int, closed: OpenSplit, names: Sequence[str]) -> None:
        self.step = closed.join
        self.first = first
        self._closed = closed
        self._names = names
        self._waiting = 1

    def __len__(self) -> int:
        return self._waiting

    @property
    def next_id(self) -> int:
        return self.first

    def take(self) -> tuple[Launch, OpenSplit | None, int]:
        """Return the order for it, with all its inputs, and the branch it goes on with."""
        self._waiting = 0
        closed = self._closed
        inputs = closed.inputs(self._names)
        opener = (closed.step, closed.task)
        launch = Launch(
            self.step, self.first, inputs, None, closed.path, opener, failed=tuple(sorted(closed.lost))
        )
        return launch, closed.outer, closed.position


class Again:
    """One task that has an id already: it was launched before."""

    __slots__ = ("_launch", "_position", "_split", "_waiting", "step")

    def __init__(self, launch: Launch, split: OpenSplit | None, position: int) -> None:
        self.step = launch.step
        self._launch = launch
        self._split = split
        self._position = position
        self._waiting = 1

    def __len__(self) -> int:
        return self._waiting

    @property
    def next_id(self) -> int:
        return self._launch.task

    def take(self) -> tuple[Launch, OpenSplit | None, int]:
        """Return the order for it, and the branch it is in."""
        self._waiting = 0
        return self._launch, self._split, self._position


Batch = Children | Successors | Joining | Again
