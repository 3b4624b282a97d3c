"""When a join may start: each split that is open knows which of its branches have arrived."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from stepwell.exceptions import StepwellInternalError


class OpenSplit:
    """One execution of a split, static or foreach, whose join is not ready yet.

    A branch that has arrived costs twelve bytes, whatever the number of tasks it had.

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
        How many branches have not arrived.
    """

    __slots__ = (
        "_steps",
        "_tasks",
        "is_foreach",
        "join",
        "missing",
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
    ) -> None:
        self.step, self.task = opener
        self.join = join
        self.is_foreach = is_foreach
        self.outer = outer
        self.position = position
        self.path = path
        self.missing = width
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

    def inputs(self, names: Sequence[str]) -> tuple[tuple[str, int], ...]:
        """Return the last task of each branch, in branch order. ``names`` has the steps by number."""
        return tuple(zip(map(names.__getitem__, self._steps), self._tasks, strict=True))
