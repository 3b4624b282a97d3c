"""``demo``: a small real flow that comes with Stepwell; one task is tried again, and the run is resumed."""

from __future__ import annotations

from pathlib import Path

import click
from msgspec.structs import replace

from stepwell.cli.context import CliContext, current_context
from stepwell.cli.exit_code import ExitCode
from stepwell.cli.lazy_group import COMMANDS, load_command

_FILE = Path(__file__).with_name("demo_flow.py")
_WRONG, _RIGHT = ("--unit", "furlongs"), ("--unit", "screens")


def command(_flow_class: object) -> click.Command:
    """Build the command."""
    return click.Command(
        "demo",
        callback=demo,
        help="Run a small flow with a foreach and a retry, and resume it after a failure.",
    )


def demo() -> ExitCode:
    """Run the flow here so that it fails at its end, resume it, and say how to look at the results."""
    from stepwell.definition.loader import load_flow

    context = current_context()
    flow_class = load_flow(str(_FILE))
    inner = replace(context, flow_class=flow_class, program="stepwell", target=str(_FILE))
    talk = context.console.talk
    talk(
        f"This runs {_FILE}, a flow that measures modules of the standard library.\n"
        "Each is measured by a task of its own; one fails at first and is tried again.\n"
        "The last step is given a wrong unit, so that the run fails.\n\n"
        f"$ {inner.flow_hint('run', *_WRONG)}"
    )
    code = _carry_out("run", inner, _WRONG)
    if code is not ExitCode.FAILED:
        return code
    talk(
        "\nAs expected, the last step failed. What the others have made is kept, so that a new run with the\n"
        "right unit need not measure anything again:\n\n"
        f"$ {inner.flow_hint('resume', *_RIGHT)}"
    )
    code = _carry_out("resume", inner, _RIGHT)
    if code is ExitCode.DONE:
        _say_what_to_look_at(context, flow_class.__name__)
    return code


def _carry_out(command: str, context: CliContext, args: tuple[str, ...]) -> ExitCode:
    made = load_command(COMMANDS[command], context.flow_class)
    code = made.main(list(args), prog_name=f"stepwell {command}", standalone_mode=False, obj=context)
    return ExitCode(code)


def _say_what_to_look_at(context: CliContext, flow: str) -> None:
    context.console.talk(f"\nThe results are in {context.settings.datastore_root}. Look at them:")
    hints = (
        (f"runs {flow}", "both runs"),
        (f"show {flow}/latest", "the resumed run: what was reused, what was executed"),
        (f"dump {flow}/latest/end", "the artifacts at the end"),
        (f"logs {flow}/latest/measure[0]", "what the first task of the foreach printed"),
        (f"logs {flow}/latest/measure[0] --attempt 0", "why its first attempt failed"),
        (f"show {_FILE}", "the flow itself"),
    )
    width = max(len(words) for words, _ in hints)
    for words, why in hints:
        context.console.talk(f"  stepwell {words:<{width}}  {why}")
