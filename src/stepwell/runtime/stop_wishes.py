"""How a run is asked to end from a machine that cannot signal its process: by a field of its record.

The run process looks at each beat. The wish names the process: who continues the run is not meant.
"""

from __future__ import annotations

import os
import signal

from stepwell.model.run import RunRecord

_FORCED = " force"


def stop_wish(run: RunRecord, force: bool = False) -> str:
    """Return the wish that the process which carries the run out end it."""
    return f"{run.pid}/{run.pid_started:.0f}{_FORCED if force else ''}"


def is_asked(run: RunRecord, wish: str) -> bool:
    """Whether the wish is for the process that this record of the run names."""
    return wish.removesuffix(_FORCED) == stop_wish(run)


def is_forced(wish: str) -> bool:
    """Whether the tasks are to be left no time."""
    return wish.endswith(_FORCED)


def interrupt_this_process() -> None:
    """Do as if the user had ended the process from a shell of this machine."""
    if hasattr(os, "fork"):
        os.kill(os.getpid(), signal.SIGTERM)  # the thread that waits for tasks is to hear it
    else:
        signal.raise_signal(signal.SIGTERM)  # Windows would end the process without calling its handler
