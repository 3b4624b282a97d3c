"""What is called once a run has ended: each hook in a process of its own, none of which outlives this one."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from stepwell.decorators.exit_hook import Hook
from stepwell.runtime.signals import StopRequests

Command = Callable[[int, bool, str | None], tuple[Sequence[str], Mapping[str, str]]]
"""Gives command line and whole environment of the process that calls the hook of this position."""

_GRACE_S = 5.0
_STDERR = 2


class ExitHooks:
    """Calls the hooks of one run.

    Parameters
    ----------
    hooks
        What there is to call after a run that has succeeded, or has not.
    command
        How to start the process of one.
    say
        Tells the user of failures.
    """

    def __init__(
        self, hooks: Callable[[bool], Sequence[Hook]], command: Command, say: Callable[[str], None]
    ) -> None:
        self._hooks = hooks
        self._command = command
        self._say = say

    def call(self, ok: bool, run: str | None) -> None:
        """Call those of a run that has succeeded, or has not; ``run`` is None if it has never started.

        Ctrl-C ends the one that is called, and leaves out the rest.
        """
        hooks = self._hooks(ok)
        with StopRequests(_interrupt):
            for position, hook in enumerate(hooks):
                try:
                    trouble = self._called(hook, *self._command(position, ok, run))
                except KeyboardInterrupt:
                    left = "".join(f", `{other.name}` is not called" for other in hooks[position + 1 :])
                    self._say(f"Exit hook `{hook.name}` was interrupted{left}.")
                    return
                if trouble:
                    self._say(f"Exit hook `{hook.name}` failed: {trouble}. The run's state stays as it is.")

    def _called(self, hook: Hook, argv: Sequence[str], environment: Mapping[str, str]) -> str:
        """Call one; return what went wrong, or nothing."""
        try:
            # Standard output belongs to the run, whose reader may expect JSON. The group of its own is for
            # Ctrl-C to reach this process alone, and for ending the hook with all that it has started.
            process = subprocess.Popen(
                argv, env=environment, stdin=subprocess.DEVNULL, stdout=_STDERR, process_group=0
            )
        except OSError as error:
            return f"its process cannot be started ({error.strerror})"
        try:
            code = process.wait(hook.limit_s)
        except subprocess.TimeoutExpired:
            _end(process)
            return f"it had not ended after {hook.limit_s:g} s, and was ended"
        except BaseException:
            _end(process)
            raise
        return f"its process was ended by signal {-code}" if code < 0 else f"exit code {code}" if code else ""


def _interrupt() -> None:
    raise KeyboardInterrupt


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the hook's processes to end, and kill them if they do not, or if the user asks once more."""
    if not hasattr(os, "killpg"):
        process.kill()  # what it has started cannot be found here
        process.wait()
        return
    for number, patience_s in ((signal.SIGTERM, _GRACE_S), (signal.SIGKILL, None)):
        # The leader is not reaped yet, so the number of its group is nobody else's.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            process.wait(patience_s)
            return
