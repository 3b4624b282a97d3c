"""What an earlier execution came to, by the place of each task: what `continue` and `resume` go on from.

A task has the same place in two executions if it is of the same step and follows the same task, or, being the
join of a split or a child of a foreach, belongs to the same split and index. Reused tasks keep their ids, so
that places can be told by ids; a task that is executed anew has a new one, and nothing after it is found.
The join of a split must have the same inputs besides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from stepwell.model.task import TransitionTaken

SINGLE = -1
"""Stands for the index where a task is no child of a foreach."""


class PastTask(Struct, frozen=True, array_like=True):
    """A task of an earlier execution.

    Attributes
    ----------
    after
        Id of the task it follows; for a join, of the task that opened its split.
    index
        The item's index for the first task of a foreach branch, else `SINGLE`.
    transition
        What it went on to; None if it has not succeeded, and may be tried again under its id.
    attempt
        The next attempt, if it is tried again.
    lost
        For a join: index, step and id of each failure that it did without.
    inputs
        For a join: what `inputs_of` says of its inputs; 0 if that is not known.
    made_by
        The execution that made its result, by a text that means nothing here.
    """

    step: str
    task: int
    after: int
    index: int = SINGLE
    transition: TransitionTaken | None = None
    attempt: int = 0
    lost: tuple[tuple[int, str, int], ...] = ()
    inputs: int = 0
    made_by: str = ""


def inputs_of(tasks: Iterable[int]) -> int:
    """Return a number that stands for the inputs of a join, given by their ids in their order."""
    return hash(tuple(tasks))


def latest(tasks: Iterable[PastTask]) -> list[PastTask]:
    """Return the tasks that hold: of several in one place the last, and nothing that follows the others."""
    by_age = sorted(tasks, key=lambda task: task.task)
    last = {(task.step, task.after, task.index): task.task for task in by_age}
    gone: set[int] = set()
    for task in by_age:
        if last[task.step, task.after, task.index] != task.task or task.after in gone:
            gone.add(task.task)
    return [task for task in by_age if task.task not in gone]


class Earlier:
    """Tasks of an earlier execution, found by their place.

    Parameters
    ----------
    last_id
        No new task gets this id or a lower one.
    """

    def __init__(self, tasks: Iterable[PastTask] = (), last_id: int = 0) -> None:
        self.last_id = last_id
        self._by_place: dict[tuple[str, int], dict[int, PastTask]] = {}
        self._lost: dict[int, tuple[tuple[int, str, int], ...]] = {}
        for past in tasks:
            known = self._by_place.setdefault((past.step, past.after), {})
            # Of several tasks in one place, those before the last were superseded.
            if past.index not in known or known[past.index].task < past.task:
                known[past.index] = past
                if past.lost:
                    self._lost[past.after] = past.lost
            self.last_id = max(self.last_id, past.task)

    def children(self, step: str, after: int) -> Mapping[int, PastTask]:
        """Return, by index, the first tasks of the branches of a foreach."""
        return self._by_place.get((step, after), {})

    def lost(self, after: int) -> Sequence[tuple[int, str, int]]:
        """Return the branches of a split that failed and that its join did without."""
        return self._lost.get(after, ())

    def single(self, step: str, after: int) -> PastTask | None:
        """Return the task of this step that follows a task, or joins the split that it opened."""
        found = self._by_place.get((step, after))
        return found.get(SINGLE) if found else None


NOTHING = Earlier()
