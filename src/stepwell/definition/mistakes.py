"""What ends the import of a flow's file is told in our words: a mistake by its place, Ctrl-C by one word."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn

# All else is imported once the hook is in place: until then Ctrl-C is told by the interpreter.
if TYPE_CHECKING:
    from types import TracebackType

    from stepwell.exceptions import StepwellException

_WRONG = 2
_INTERRUPTED = 130


def locate(error: StepwellException) -> None:
    """Let an error of ours that names no place name the innermost line of the user's that led to it."""
    import traceback

    from stepwell.definition.first_party import is_ours

    # A user's subclass may not have called our constructor.
    if getattr(error, "line_no", None) or getattr(error, "source_file", None):
        return
    for frame, line in traceback.walk_tb(error.__traceback__):
        file = frame.f_code.co_filename
        if not is_ours(file):
            error.source_file, error.line_no = file, line


def tell_mistakes() -> None:
    """Have the interpreter tell a flow's mistake that nobody catches, and Ctrl-C, in our words.

    Nothing is changed where somebody else tells exceptions, as debuggers and notebooks do.
    """
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _tell


def tell_interrupt() -> NoReturn:
    """Say that the user has ended the program, and exit."""
    sys.stderr.write("\ninterrupted\n")  # a terminal has shown `^C` in the present line
    raise SystemExit(_INTERRUPTED)


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    from stepwell.exceptions import FlowError

    if not sys.flags.inspect and not hasattr(sys, "ps1"):
        if isinstance(error, Exception) and not isinstance(error, FlowError):
            # By name, for it knows flows and parameters, which import this module first of all.
            from importlib import import_module

            error = import_module("stepwell.definition.phase_mistakes").phase_mistake(error) or error
        if isinstance(error, FlowError):
            locate(error)
            sys.stderr.write(f"{error.headline}: {error}\n")
            raise SystemExit(_WRONG)
        # Up to Python 3.11, what ends the naming of an attribute in a class body comes as a cause.
        interrupted = any(isinstance(one, KeyboardInterrupt) for one in (error, error.__cause__))
        if interrupted and _has_not_begun(trace):
            tell_interrupt()
    sys.__excepthook__(kind, error, trace)


def _has_not_begun(trace: TracebackType | None) -> bool:
    """Whether the program was importing something, or carried out our code: nothing else is ours to judge."""
    import traceback

    from stepwell.definition.first_party import is_ours

    codes = [frame.f_code for frame, _ in traceback.walk_tb(trace)]
    return any(
        is_ours(code.co_filename)
        or code.co_filename.startswith("<frozen importlib")
        or (code.co_name == "<module>" and depth > 0)
        for depth, code in enumerate(codes)
    )
