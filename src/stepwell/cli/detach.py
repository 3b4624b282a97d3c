"""``run --detach``: the run goes on in the background; the command ends once the run is registered."""

from __future__ import annotations

import os
import signal
import sys
import time
from itertools import count
from pathlib import Path
from typing import NoReturn

from stepwell.cli.context import CliContext
from stepwell.cli.errors import explain
from stepwell.cli.exit_code import ExitCode
from stepwell.datastore.layout import detached_output_key
from stepwell.exceptions import UsageError

_PATIENCE_S = 3.0
"""How long a run that is being registered may take to end when it is asked to."""


class Background:
    """The process that goes on with the run, in a session of its own.

    Parameters
    ----------
    root
        Directory of the local datastore.
    output
        Where its output goes until the run has an id.
    foreground
        Descriptor of the pipe to the process that waits.
    """

    def __init__(self, root: Path, output: Path, foreground: int) -> None:
        self._root = root
        self._output = output
        self._foreground = foreground

    def announce(self, run: str) -> None:
        """Say that the run is registered; from here on the output has the place that bears its id."""
        place = self._place(run)
        try:
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._output.rename(place)
        except OSError:
            place = self._output  # it stays where it is, and the user is told that place
        try:
            os.write(self._foreground, f"{run} {place}\n".encode(errors="surrogateescape"))
        except BrokenPipeError:
            pass  # nobody waits any more: the terminal has gone
        finally:
            os.close(self._foreground)

    def _place(self, run: str) -> Path:
        """Return a place that holds nothing yet: what the run said before it was continued stays."""
        places = (self._root / detached_output_key(run, time) for time in count(1))
        return next(place for place in places if not place.exists())


def detach(context: CliContext, flow: str, root: Path) -> Background:
    """Go on in a background process, which this returns in.

    The process that was there waits until the run is registered, prints the id, and exits. If the other ends
    before, it shows what that one said, and exits with its code.

    Must be called before the process has started threads or opened connections.
    """
    output, fd = _made_aside(root)
    waiting, telling = os.pipe()
    context.console.finish()
    pid = os.fork()
    if pid:
        os.close(fd)
        os.close(telling)
        _leave(context, flow, pid, waiting, output)
    os.close(waiting)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    for own, standard in ((nothing, 0), (fd, 1), (fd, 2)):
        os.dup2(own, standard)
    os.close(nothing)
    os.close(fd)
    return Background(root, output, telling)


def _made_aside(root: Path) -> tuple[Path, int]:
    # Renamed later: what the launcher of tasks says goes here too, and it is forked before the run has an id.
    place = root / detached_output_key("0")
    output = place.parent / f".{os.getpid()}-{os.urandom(4).hex()}.txt"
    try:
        output.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return output, os.open(output, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
    except OSError as error:
        raise UsageError(f"The output of the run cannot be kept in {output}: {error.strerror}.") from error


def _outcome(context: CliContext, flow: str, pid: int, waiting: int, output: Path) -> int:
    """Wait for the run's id or the end of the background process; return the exit code of this one."""
    try:
        said = _line(waiting)
        if said:
            run, _, place = said.partition(" ")
            context.console.data(run)
            if context.quiet:
                return ExitCode.DONE
            context.console.talk(
                f"Run {run} of {flow} goes on in the background (process {pid}); its output goes to\n"
                f"  {place}\n"
                f"`{context.hint('show', f'{flow}/{run}')}` tells how far it is."
            )
            return ExitCode.DONE
        _, status = os.waitpid(pid, 0)
    except KeyboardInterrupt:
        _end(pid)
        status = None
    _show(context, output)
    if status is None:
        return ExitCode.INTERRUPTED
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        context.console.talk(f"The background process was ended by signal {-code} before the run had an id.")
    return code if code > 0 else ExitCode.FAILED


def _show(context: CliContext, output: Path) -> None:
    try:
        text = output.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return  # the run had just got an id, and its output the place that bears it
    output.unlink(missing_ok=True)
    context.console.talk(text.rstrip("\n"))


def _end(pid: int) -> None:
    """Ask the background process to end, and kill it if it takes long or the user asks once more."""
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _PATIENCE_S
    try:
        while time.monotonic() < deadline:
            if os.waitpid(pid, os.WNOHANG)[0]:
                return
            time.sleep(0.02)
    except KeyboardInterrupt:
        pass  # at once, then
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _line(waiting: int) -> str:
    """Return what the background process says, without its newline; nothing if it ends before."""
    said = b""
    while not said.endswith(b"\n"):
        more = os.read(waiting, 4096)
        if not more:
            return ""
        said += more
    return said[:-1].decode(errors="surrogateescape")


def _leave(context: CliContext, flow: str, pid: int, waiting: int, output: Path) -> NoReturn:
    """Be the foreground to its end; nothing returns from here into what the background goes on with."""
    code = ExitCode.FAILED
    try:
        code = _outcome(context, flow, pid, waiting, output)
    except BrokenPipeError:
        code = ExitCode.DONE
    except Exception as error:  # noqa: BLE001 - the outermost frame of this process: it becomes words and a code
        code = explain(error, context.console, sys.argv[1:], context.program)
    finally:
        context.console.finish()
        # At once: what the flow's file has registered to be done at the exit belongs to the run.
        os._exit(code)
