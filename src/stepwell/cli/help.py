"""``help [COMMAND]``."""

from __future__ import annotations

import click

from stepwell.cli.context import current_context
from stepwell.cli.lazy_group import COMMANDS, load_command
from stepwell.cli.offered_commands import plugin_command
from stepwell.definition.nearest import did_you_mean


def command(_flow_class: object) -> click.Command:
    """Build the command."""
    return click.Command(
        "help",
        params=[click.Argument(["name"], required=False, metavar="[COMMAND]")],
        callback=show_help,
        help="Print help for Stepwell or for a command.",
    )


def show_help(name: str | None) -> None:
    """Print the help of the group or of one command."""
    ctx = click.get_current_context()
    context = current_context()
    assert ctx.parent is not None, "help is a command of a group"
    if name is None:
        context.console.data(*ctx.parent.get_help().splitlines())
        return
    source = ""
    if name in COMMANDS:
        wanted = load_command(COMMANDS[name], context.flow_class)
        source = "" if context.flow_class is not None else COMMANDS[name].source
    else:
        wanted = plugin_command(name)
        if wanted is None:
            raise click.UsageError(
                f"there is no command `{name}`. {did_you_mean(name, COMMANDS)}".strip(), ctx
            )
    text = wanted.get_help(click.Context(wanted, ctx.parent, info_name=f"{name} {source}".strip()))
    context.console.data(*text.splitlines())
