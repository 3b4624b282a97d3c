"""``version``."""

from __future__ import annotations

import click

from stepwell.cli.context import current_context
from stepwell.version import VERSION


def command(_flow_class: object) -> click.Command:
    """Build the command."""
    return click.Command("version", callback=version, help="Print the version of Stepwell.")


def version() -> None:
    """Print the version."""
    context = current_context()
    context.console.data(VERSION)
