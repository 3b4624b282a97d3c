"""``version``."""

from __future__ import annotations

import click

from stepwell.cli.context import CliContext
from stepwell.version import VERSION


def command(_flow_class: object) -> click.Command:
    """Build the command."""
    return click.Command("version", callback=version, help="Print the version of Stepwell.")


def version() -> None:
    """Print the version."""
    context = click.get_current_context().find_object(CliContext)
    assert context is not None
    context.console.data(VERSION)
