"""What a command that runs a flow does once the run has ended: it calls the flow's exit hooks."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from stepwell.cli.context import CliContext
from stepwell.cli.errors import explain
from stepwell.cli.exit_code import ExitCode
from stepwell.model.states import RunState
from stepwell.runtime.events import Listener, RunBegan, RunEvent, RunFinished
from stepwell.wiring.exit_hooks import exit_hooks_of

if TYPE_CHECKING:
    from stepwell.definition.flow_definition import FlowDefinition


class _Heard:
    """What is to be known of the run afterwards, however it ends."""

    def __init__(self) -> None:
        self.run: str | None = None
        self.succeeded = False

    def listen(self, event: RunEvent) -> None:
        if isinstance(event, RunBegan):
            self.run = event.run
        elif isinstance(event, RunFinished):
            self.succeeded = event.state is RunState.SUCCEEDED


def with_exit_hooks(
    context: CliContext, definition: FlowDefinition, carried_out: Callable[[Listener], int]
) -> int:
    """Have the run carried out, call what is to be called then, and return the exit code of the run.

    A run that stops where ``--until`` says so can go on: it has not ended, and nothing is called.
    """
    hooks = exit_hooks_of(definition, context.settings, context.console.talk)
    if hooks is None:
        return carried_out(_Heard().listen)
    heard = _Heard()
    try:
        code = carried_out(heard.listen)
    except (KeyboardInterrupt, click.Abort, BrokenPipeError):
        hooks.call(False, heard.run)
        raise
    except Exception as error:  # noqa: BLE001 - it becomes words now, for the hooks may take their time
        code = explain(error, context.console, sys.argv[1:], context.program)
    if heard.succeeded or code != ExitCode.DONE:
        hooks.call(heard.succeeded, heard.run)
    return code
