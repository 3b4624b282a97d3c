"""A command that has commands of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import click

from stepwell.cli.context import current_context
from stepwell.definition.nearest import did_you_mean


class Subcommands(click.Group):
    """Prints its help when no command follows, and the nearest name when there is none of a name.

    Parameters
    ----------
    later
        Commands that are still to come, each with what there is until then.
    alone
        Called with the values of ``params``, in place of printing the help.
    """

    def __init__(
        self,
        name: str,
        commands: Sequence[click.Command],
        help: str,
        later: Mapping[str, str] | None = None,
        alone: Callable[..., object] | None = None,
        params: list[click.Parameter] | None = None,
    ) -> None:
        super().__init__(
            name,
            commands=commands,
            help=help,
            invoke_without_command=True,
            callback=self._alone,
            params=params,
        )
        self._later = later or {}
        self._act = alone or _print_help

    def _alone(self, **values: object) -> object:
        return self._act(**values) if click.get_current_context().invoked_subcommand is None else None

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


def _print_help() -> None:
    current_context().console.data(*click.get_current_context().get_help().splitlines())
