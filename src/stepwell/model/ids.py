"""Names of things: one place parses and prints them."""

from __future__ import annotations

from msgspec import Struct

PARAMETERS_STEP = "_parameters"
PARAMETERS_TASK = "0"


def is_number(id: str) -> bool:
    """Whether an id is a number as we write them, and not one that somebody else has made up."""
    return id.isascii() and id.isdecimal() and id == str(int(id))


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
