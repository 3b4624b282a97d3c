"""When a join may start: each split that is open knows which of its branches have arrived."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from stepwell.exceptions import StepwellInternalError


class OpenSplit:
    """One execution of a split, static or foreach, whose join is not ready yet.

    A branch that has arrived costs twelve bytes, whatever the number of tasks it had. A branch in which a
    task has failed for good is lost: if more are lost than the split tolerates, its join never runs.

    Attributes
    ----------
    step, task
        The task that opened it.
    join
        The step that closes it.
    outer, position
        The split that encloses it, and which branch of that one it belongs to.
    path
        Indexes of the foreach items that enclose it, outermost first.
    missing
        How many branches have neither arrived nor been lost.
    needed
        How many branches must arrive for the join to run.
    executed
        Whether a branch has arrived with results of this execution, and not with reused ones.
    lost
        Position, step and task of each failure that lost a branch.
    """

    __slots__ = (
        "_doomed",
        "_steps",
        "_tasks",
        "executed",
        "is_foreach",
        "join",
        "lost",
        "missing",
        "needed",
        "outer",
        "path",
        "position",
        "step",
        "task",
    )

    def __init__(
        self,
        opener: tuple[str, int],
        join: str,
        width: int,
        *,
        is_foreach: bool,
        outer: OpenSplit | None,
        position: int,
        path: tuple[int, ...],
        needed: int | None = None,
    ) -> None:
        self.step, self.task = opener
        self.join = join
        self.is_foreach = is_foreach
        self.outer = outer
        self.position = position
        self.path = path
        self.missing = width
        self.needed = width if needed is None else needed
        self.executed = False
        self.lost: list[tuple[int, str, int]] = []
        self._doomed: set[int] | None = None
        self._tasks = array("Q", (0,)) * width  # 0 stands for "not arrived": no step of the flow has that id
        self._steps = array("I", (0,)) * width

    def path_of(self, position: int) -> tuple[int, ...]:
        """Return the index path of the tasks in a branch."""
        return (*self.path, position) if self.is_foreach else self.path

    def arrive(self, position: int, step_number: int, task: int) -> None:
        """Note the last task of a branch. A branch arrives once."""
        if self._tasks[position]:
            raise StepwellInternalError(
                f"branch {position} of {self.step}/{self.task} reached {self.join} twice, "
                f"by task {self._tasks[position]} and by task {task}"
            )
        self._tasks[position] = task
        self._steps[position] = step_number
        self.missing -= 1

    def lose(self, position: int, step: str, task: int) -> None:
        """Note that a branch ends with the failure of this task."""
        self.lost.append((position, step, task))
        self.missing -= 1

    def tolerates(self, position: int) -> bool:
        """Take notice that a branch is going to be lost; return whether the join can run without it."""
        width = len(self._tasks)
        if self.needed == width:
            return False
        if self._doomed is None:
            self._doomed = set()
        self._doomed.add(position)
        return width - len(self._doomed) >= self.needed

    @property
    def is_met(self) -> bool:
        """Whether enough branches have arrived, once none is missing."""
        return len(self._tasks) - len(self.lost) >= self.needed

    def inputs(self, names: Sequence[str]) -> tuple[tuple[str, int], ...]:
        """Return the last task of each branch, in branch order. ``names`` has the steps by number."""
        arrived = zip(map(names.__getitem__, self._steps), self._tasks, strict=True)
        return tuple(last for last in arrived if last[1]) if self.lost else tuple(arrived)
