"""A command that has commands of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from stepwell.cli.context import current_context
from stepwell.definition.nearest import did_you_mean


class Subcommands(click.Group):
    """Prints its help when no command follows, and the nearest name when there is none of a name.

    Parameters
    ----------
    later
        Commands that are still to come, each with what there is until then.
    """

    def __init__(
        self, name: str, commands: Sequence[click.Command], help: str, later: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(
            name, commands=commands, help=help, invoke_without_command=True, callback=_help_if_alone
        )
        self._later = later or {}

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name in self._later:
            text = f"`{self.name} {name}` is not in this version: {self._later[name]}"
            raise click.UsageError(text, ctx)
        if name not in self.commands and not name.startswith("-"):
            hint = did_you_mean(name, self.commands)
            raise click.UsageError(f"there is no command `{self.name} {name}`. {hint}".strip(), ctx)
        return super().resolve_command(ctx, args)


def _help_if_alone() -> None:
    ctx = click.get_current_context()
    if ctx.invoked_subcommand is None:
        current_context().console.data(*ctx.get_help().splitlines())
