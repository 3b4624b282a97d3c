"""``demo``: a small real flow that comes with Stepwell, tried again and resumed, and the card it makes."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from msgspec.structs import replace

from stepwell.cli.browser import show_file
from stepwell.cli.context import CliContext, current_context
from stepwell.cli.exit_code import ExitCode
from stepwell.cli.lazy_group import COMMANDS, load_command
from stepwell.settings.terminal import has_display

_FILE = Path(__file__).with_name("demo_flow.py")
_WRONG, _RIGHT = ("--unit", "furlongs"), ("--unit", "screens")


def command(_flow_class: object) -> click.Command:
    """Build the command."""
    return click.Command(
        "demo",
        callback=demo,
        params=[
            click.Option(
                ["--open/--no-open", "opens"],
                default=None,
                help="Open the card at the end in a browser  [default: on a terminal with a display]",
            )
        ],
        help="Run a small flow with a foreach, a card and a retry, and resume it after a failure.",
    )


def demo(opens: bool | None) -> ExitCode:
    """Run the flow here so that it fails at its end, resume it, and show the results."""
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
        _show_card(context, f"{flow_class.__name__}/latest/end", opens)
    return code


def _show_card(context: CliContext, address: str, opens: bool | None) -> None:
    """Write the card of the last step, and open it: unasked, only where somebody sees it."""
    from stepwell.cli.card import CardChoice, the_one

    card = the_one(context, address, CardChoice())
    if card is None:
        return
    file = card.save()
    can_see = context.console.is_terminal and sys.stdin.isatty() and has_display()
    if can_see if opens is None else opens:
        show_file(context.console, file)
    else:
        context.console.talk(f"\nThe card of the last step is {file}. Open it in a browser.")


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
        (f"card view {flow}/latest/end", "the card of the last step"),
        (f"show {_FILE}", "the flow itself"),
    )
    width = max(len(words) for words, _ in hints)
    for words, why in hints:
        context.console.talk(f"  stepwell {words:<{width}}  {why}")
