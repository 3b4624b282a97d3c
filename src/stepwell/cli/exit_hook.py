"""``exit-hook``, hidden: what a run starts to call one of its exit hooks. Which one comes by environment."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from stepwell.cli.context import current_context
from stepwell.cli.exit_code import ExitCode

if TYPE_CHECKING:
    from stepwell.client import Run


def command(_flow_class: object) -> click.Command:
    """Build the command."""
    return click.Command("exit-hook", callback=exit_hook, hidden=True, help="Call an exit hook.")


def exit_hook() -> ExitCode:
    """Call the hook; what it raises is shown with its own frames."""
    from stepwell.decorators.exit_hook import call
    from stepwell.wiring.exit_hooks import asked_hook

    asked = asked_hook()
    try:
        call(asked.function, lambda: _run(asked.run))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the user's code may raise anything
        if isinstance(error, SystemExit) and not error.code:
            return ExitCode.DONE
        from stepwell.runtime.task.failure import describe

        current_context().console.talk(describe(error).frames.rstrip("\n"))
        return ExitCode.FAILED
    sys.stdout.flush()
    return ExitCode.DONE


def _run(pathspec: str | None) -> Run | None:
    if pathspec is None:
        return None
    from stepwell.client import Run, default_namespace, namespace

    namespace(None)  # it is this very run that has ended, whosever it is
    try:
        return Run(pathspec)
    finally:
        default_namespace()
