"""``demo``: a small real flow that comes with Stepwell."""

from __future__ import annotations

from pathlib import Path

import click
from msgspec.structs import replace

from stepwell.cli.context import current_context
from stepwell.cli.exit_code import ExitCode
from stepwell.cli.lazy_group import COMMANDS, load_command

_FILE = Path(__file__).with_name("demo_flow.py")


def command(_flow_class: object) -> click.Command:
    """Build the command."""
    return click.Command(
        "demo", callback=demo, help="Run a small flow with a foreach, and look at its results."
    )


def demo() -> ExitCode:
    """Run the flow here, and say where its results are and how to look at them."""
    from stepwell.definition.loader import load_flow

    context = current_context()
    flow_class = load_flow(str(_FILE))
    context.console.talk(f"This runs {_FILE}, a flow that measures modules of the standard library.")
    run = load_command(COMMANDS["run"], flow_class)
    inner = replace(context, flow_class=flow_class, program="stepwell")
    code = ExitCode(run.main([], prog_name="stepwell demo", standalone_mode=False, obj=inner))
    if code is ExitCode.DONE:
        latest = f"{flow_class.__name__}/latest"
        context.console.talk(f"\nThe results are in {context.settings.datastore_root}. Look at them:")
        hints = (
            (f"show {latest}", "the run and its steps"),
            (f"dump {latest}/end", "the artifacts at the end"),
            (f"logs {latest}/measure[0]", "what the first task of the foreach printed"),
            (f"show {_FILE}", "the flow itself"),
        )
        width = max(len(words) for words, _ in hints)
        for words, why in hints:
            context.console.talk(f"  stepwell {words:<{width}}  {why}")
    return code
