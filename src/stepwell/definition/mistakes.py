"""A mistake in a flow's file that ends its import is told by place and message, without our traceback."""

from __future__ import annotations

import os
import sys
import traceback
from types import TracebackType

from stepwell.exceptions import FlowError, StepwellException

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep  # noqa: PTH100, PTH120
_WRONG = 2


def is_ours(file: str) -> bool:
    """Whether a source file belongs to Stepwell."""
    return file.startswith(_OURS)


def locate(error: StepwellException) -> None:
    """Let an error of ours that names no place name the innermost line of the user's that led to it."""
    # A user's subclass may not have called our constructor.
    if getattr(error, "line_no", None) or getattr(error, "source_file", None):
        return
    for frame, line in traceback.walk_tb(error.__traceback__):
        file = frame.f_code.co_filename
        if not is_ours(file):
            error.source_file, error.line_no = file, line


def tell_mistakes() -> None:
    """Have the interpreter tell a flow's mistake that nobody catches in our words, and exit with 2.

    Nothing is changed where somebody else tells exceptions, as debuggers and notebooks do.
    """
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _tell


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not isinstance(error, FlowError) or sys.flags.inspect or hasattr(sys, "ps1"):
        sys.__excepthook__(kind, error, trace)
        return
    locate(error)
    sys.stderr.write(f"{error.headline}: {error}\n")
    raise SystemExit(_WRONG)
