"""``configure show``: every setting and where it comes from."""

from __future__ import annotations

import click

from stepwell.cli.context import current_context
from stepwell.settings.keys import GENERAL_KEYS, is_secret


def command(_flow_class: object) -> click.Command:
    """Build the command and its subcommands."""
    show = click.Command(
        "show",
        params=[click.Option(["--origin"], is_flag=True, help="Say where each value comes from.")],
        callback=show_settings,
        help="Print every setting that has an effect.",
    )
    return click.Group("configure", commands=[show], help="Show the settings and where they come from.")


def show_settings(origin: bool) -> None:
    """Print ``NAME = VALUE`` lines, sorted by name; secrets are masked."""
    context = current_context()
    settings = context.settings
    for name in sorted({*GENERAL_KEYS, *settings.values}):
        value = settings.value(name)
        shown = "(set, not shown)" if is_secret(name) and value.text else value.text
        context.console.data(f"{name} = {shown}{f'    # {value.origin}' if origin else ''}")
