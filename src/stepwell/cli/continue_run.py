"""``continue``: go on with a run in place, after a failure, an interruption or a crash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from stepwell.cli.config_options import going_on_with, has_configs
from stepwell.cli.context import CliContext, current_context
from stepwell.cli.exit_code import ExitCode
from stepwell.cli.origin import origin_run
from stepwell.cli.run import carry_out, defined, say_head
from stepwell.cli.run_options import RERUN_CHANGED, RERUN_HELP, own_options
from stepwell.model.states import RunState
from stepwell.runtime.options import ContinueRun

if TYPE_CHECKING:
    from stepwell.definition.flow_definition import FlowDefinition
    from stepwell.definition.flowspec import FlowSpec


def command(_flow_class: type[FlowSpec] | None) -> click.Command:
    """Build the command."""
    return click.Command(
        "continue",
        params=[
            click.Argument(["run"], required=False, metavar="[RUN]"),
            click.Option([f"--{RERUN_CHANGED}"], help=RERUN_HELP, is_flag=True),
            *own_options(),
        ],
        callback=continue_run,
        help="Go on with a run that failed, was interrupted or lost: what has succeeded stays, the rest is "
        "executed. RUN is your latest run of the flow unless given.",
    )


def continue_run(run: str | None, **values: Any) -> int:
    """Find the run, and go on with it."""
    context = current_context()
    if has_configs(context) and context.flow_class is not None:
        context = going_on_with(context, origin_run(context, context.flow_class.__name__, run))
    definition = defined(context, values)
    found = origin_run(context, definition.name, run)
    if found.state is RunState.SUCCEEDED:
        context.console.talk(f"Run {found.flow}/{found.run} has succeeded: nothing is left to do.")
        return ExitCode.DONE
    asked = ContinueRun(found.run, values["rerun_changed"])
    if values["dry_run"]:
        return _print_plan(context, definition, asked, values["as_json"])
    say_head(context, definition)
    return carry_out(context, definition, lambda: asked, values)


def _print_plan(
    context: CliContext, definition: FlowDefinition, asked: ContinueRun, as_json: bool
) -> ExitCode:
    from stepwell.cli.reuse_plan import print_reuse
    from stepwell.runtime.continuing import continuation
    from stepwell.wiring.stores import open_stores

    stores = open_stores(settings=context.settings)
    found = continuation(definition, stores.datastore, stores.metadata, asked)
    for notice in found.notices:
        context.console.talk(f"Note: {notice}")
    print_reuse(context, definition.name, asked.run, found.plan, as_json)
    return ExitCode.DONE
