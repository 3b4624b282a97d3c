"""Names of things: one place parses and prints them."""

from __future__ import annotations

from msgspec import Struct

PARAMETERS_STEP = "_parameters"
PARAMETERS_TASK = "0"


def is_number(id: str) -> bool:
    """Whether an id is a number as we write them, and not one that somebody else has made up."""
    return id.isascii() and id.isdecimal() and id == str(int(id))


def member_id(control: str, index: int) -> str:
    """Return the id of a task of a gang, by that of its first one."""
    return f"{control}_node_{index}" if index else control


def member_of(id: str) -> tuple[str, int] | None:
    """Return the id of the first task of its gang, and its index, of a task that is a later one of a gang."""
    control, node, index = id.rpartition("_node_")
    return (control, int(index)) if node and control and is_number(index) and index != "0" else None


def number_of(id: str) -> int:
    """Return the number that an id stands for, 0 if for none. Those of a gang follow each other."""
    if is_number(id):
        return int(id)
    place = member_of(id)
    return int(place[0]) + place[1] if place is not None and is_number(place[0]) else 0


class TaskKey(Struct, frozen=True, array_like=True):
    """Names one task. Prints as ``FLOW/RUN/STEP/TASK``."""

    flow: str
    run: str
    step: str
    task: str

    @property
    def pathspec(self) -> str:
        return f"{self.flow}/{self.run}/{self.step}/{self.task}"

    @property
    def short(self) -> str:
        """``RUN/STEP/TASK``, as it stands in log lines."""
        return f"{self.run}/{self.step}/{self.task}"

    def sibling(self, step: str, task: str) -> TaskKey:
        """Another task of the same run."""
        return TaskKey(self.flow, self.run, step, task)
