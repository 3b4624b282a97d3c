"""`breakpoint()` where nobody is there to answer, and the debugger on what a task has failed with."""

from __future__ import annotations

import os
import sys
from types import TracebackType

from stepwell.definition.first_party import is_ours
from stepwell.exceptions import TaskError


def refuse_breakpoint(*args: object, **named: object) -> object:
    """Fail the step that calls `breakpoint()`, in place of a debugger that would wait for nobody.

    Stands in `sys.breakpointhook`. A debugger that the user has chosen is called all the same.
    """
    if os.environ.get("PYTHONBREAKPOINT"):
        return sys.__breakpointhook__(*args, **named)
    raise TaskError(
        "`breakpoint()` has no terminal here, because tasks run in the background. `run --debug STEP` runs "
        "the tasks of a step on the terminal, `spin STEP` the step alone."
    )


def prepare_breakpoints() -> None:
    """Have `breakpoint()` refused from here on, unless the user has chosen what it does."""
    if sys.breakpointhook is sys.__breakpointhook__:
        sys.breakpointhook = refuse_breakpoint


def allow_breakpoints() -> None:
    """Have `breakpoint()` do what it does in any program."""
    if sys.breakpointhook is refuse_breakpoint:
        sys.breakpointhook = sys.__breakpointhook__


def has_failed() -> bool:
    """Whether a step has failed here that is to be looked at: `sys.last_value` has the exception."""
    return _users_traceback() is not None


def examine() -> None:
    """Open the debugger, on the standard streams, where the step has failed."""
    import pdb  # this is what the user asks for

    error = sys.last_value
    sys.stdout.write(f"{type(error).__name__}: {error}\n")
    pdb.post_mortem(_users_traceback())
    sys.last_value = None


def _users_traceback() -> TracebackType | None:
    """Return the traceback from the first frame of the user's on; None if there is none."""
    error = getattr(sys, "last_value", None)
    found = error.__traceback__ if error is not None else None
    while found is not None and is_ours(found.tb_frame.f_code.co_filename):
        found = found.tb_next
    return found
