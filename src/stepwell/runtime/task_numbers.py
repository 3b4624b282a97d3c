"""Tasks as scheduling knows them: by a number. Those of gangs and of schedulers have other ids."""

from __future__ import annotations

from collections.abc import Iterable

from stepwell.model.ids import PARAMETERS_STEP, number_of
from stepwell.model.task import TaskRef


class TaskNumbers:
    """Gives each task of an earlier run a number of its own: that of its id, if nobody else has it.

    Parameters
    ----------
    tasks
        Those that are known, oldest first.

    Attributes
    ----------
    names
        The ids of tasks that go by another number.
    last
        No task has a higher number.
    """

    def __init__(self, tasks: Iterable[TaskRef] = ()) -> None:
        known = list(tasks)
        self._numbers: dict[TaskRef, int] = {}
        self._taken: set[int] = set()
        self.names: dict[int, str] = {}
        self.last = max((number_of(ref.task) for ref in known), default=0)
        for ref in known:
            self.of(ref)

    def of(self, ref: TaskRef) -> int:
        """Return the number of a task; ``_parameters`` has none, and 0 stands for it."""
        if ref.step == PARAMETERS_STEP:
            return 0
        number = self._numbers.get(ref)
        if number is None:
            number = number_of(ref.task)
            if not number or number in self._taken:
                number = self.last + 1
            if ref.task != str(number):
                self.names[number] = ref.task
            self._numbers[ref] = number
            self._taken.add(number)
            self.last = max(self.last, number)
        return number
