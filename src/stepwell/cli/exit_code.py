"""What commands exit with."""

from __future__ import annotations

from enum import IntEnum

from stepwell.model.states import RunState


class ExitCode(IntEnum):
    """The same meaning for every command.

    `WRONG` is also for what a command needs and does not get: a datastore that is full, read-only or of a
    newer version, an output that cannot be written. Nothing was run then.
    """

    DONE = 0
    FAILED = 1
    WRONG = 2
    INTERRUPTED = 130


def exit_code(state: RunState, as_asked: bool = False) -> ExitCode:
    """Return the exit code of a run that ended in ``state``; what was ``as_asked`` is done."""
    if state is RunState.SUCCEEDED or as_asked:
        return ExitCode.DONE
    return ExitCode.INTERRUPTED if state is RunState.INTERRUPTED else ExitCode.FAILED
