"""An exception of the user's code as text: the user's frames apart from ours."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from types import FunctionType, ModuleType

from stepwell.datastore.preview import preview
from stepwell.definition.first_party import is_ours
from stepwell.definition.flowspec import FlowSpec
from stepwell.definition.mistakes import locate
from stepwell.exceptions import StepwellException
from stepwell.model.failure_kinds import kind_name
from stepwell.model.task import ErrorInfo

_MOST_LOCALS = 20
_QUIT_HINT = (
    "The debugger was quit, or had nothing to read, which ends the task. `run --debug STEP` and "
    "`spin STEP` give it the terminal; `continue` in the debugger lets the step go on."
)
_LOOPS = ("/asyncio/runners.py", "/asyncio/base_events.py")


def describe(error: BaseException) -> ErrorInfo:
    """Return what there is to say of an exception."""
    if isinstance(error, StepwellException):
        locate(error)
    was_quit = _was_quit(error)
    if was_quit:
        _drop_debugger(error)
    whole = traceback.TracebackException.from_exception(error)
    full = "".join(whole.format())
    _keep_users(whole)
    return ErrorInfo(
        type=kind_name(type(error)),
        message="the debugger was quit" if was_quit else text_of(error),
        frames="".join(whole.format()),
        full_frames=full,
        hint=_QUIT_HINT if was_quit else _hint(error),
    )


def local_values(error: BaseException) -> tuple[str, ...]:
    """Return the local variables of the user's innermost frame, a line each; the flow itself is left out."""
    innermost: Mapping[str, object] = {}
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if not is_ours(frame.f_code.co_filename):
            innermost = frame.f_locals
    shown = [
        f"{name} = {preview(value)}"
        for name, value in innermost.items()
        if not name.startswith("__") and not isinstance(value, FlowSpec | ModuleType | type | FunctionType)
    ]
    more = [f"... {len(shown) - _MOST_LOCALS} more"] if len(shown) > _MOST_LOCALS else []
    return (*shown[:_MOST_LOCALS], *more)


def _keep_users(shown: traceback.TracebackException) -> None:
    """Drop our own frames, here and in the causes, and what of asyncio drives the loop of an async step."""
    seen: set[int] = set()
    stack: list[traceback.TracebackException | None] = [shown]
    while stack:
        one = stack.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        one.stack = traceback.StackSummary.from_list(_users(one.stack))
        stack += [one.__cause__, one.__context__, *(one.exceptions or ())]


def _users(frames: Iterable[traceback.FrameSummary]) -> Iterator[traceback.FrameSummary]:
    is_below_ours = True
    for frame in frames:
        is_below_ours = is_ours(frame.filename) or (is_below_ours and _drives_a_loop(frame))
        if not is_below_ours:
            yield frame


def _drives_a_loop(frame: traceback.FrameSummary) -> bool:
    """Whether it is of asyncio: below frames of ours, such drive the loop that we run a step in."""
    return frame.filename.replace("\\", "/").endswith(_LOOPS)


def text_of(error: BaseException) -> str:
    """Return what an exception says, whatever its ``__str__`` does."""
    try:
        return str(error)
    except Exception as failure:  # noqa: BLE001 - the user's __str__ may raise anything
        return f"<its text cannot be made: {type(failure).__name__}>"


def said(error: BaseException) -> str:
    """Return an exception's class and text in one line."""
    return f"{type(error).__name__}: {text_of(error)}".removesuffix(": ")


def left_to_debugger(error: BaseException) -> bool:
    """Leave the exception where debuggers look for it; False if it was the user who ended the step."""
    if isinstance(error, KeyboardInterrupt | SystemExit) or _was_quit(error):
        return False
    sys.last_value = error
    return True


def _was_quit(error: BaseException) -> bool:
    if type(error).__module__ == "bdb":
        return True
    last = error.__traceback__ if isinstance(error, SystemExit) else None  # since Python 3.14
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return last is not None and last.tb_frame.f_globals.get("__name__") == "pdb"


def _drop_debugger(error: BaseException) -> None:
    """End the traceback where the debugger was called: nobody wants to see how it works."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        if last.tb_next.tb_frame.f_globals.get("__name__") in ("bdb", "pdb"):
            last.tb_next = None
        last = last.tb_next


def _hint(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return (
            "A step ends by returning, after `self.next`. Raise an exception to make it fail, and leave "
            "`sys.exit` to scripts."
        )
    if isinstance(error, MemoryError):
        return "Process the data in parts, for instance with a foreach."
    return ""
