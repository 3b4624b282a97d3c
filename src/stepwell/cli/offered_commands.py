"""Commands that installed distributions bring."""

from __future__ import annotations

import traceback

import click

from stepwell.cli.context import current_context
from stepwell.cli.exit_code import ExitCode
from stepwell.exceptions import StepwellException, UsageError
from stepwell.plugins.offers import Offer, PluginFailed, offered, offers


def lines_of_help() -> list[tuple[str, str]]:
    """Return name and line of each command, for the help of all; none is imported."""
    found: dict[str, str] = {}
    for offer in offers("command"):
        found.setdefault(offer.name, f"From {offer.distribution}.")
    return list(found.items())


def plugin_command(name: str) -> click.Command | None:
    """Return a command as it was made, or None if there is none of the name.

    Raises
    ------
    UsageError
        It cannot be used.
    """
    offer = offered("command", name)
    return None if offer is None else _loaded(offer)


def offered_command(name: str) -> click.Command | None:
    """Return a command to be carried out: what it raises is told as a mistake of its own.

    Raises
    ------
    UsageError
        It cannot be used.
    """
    offer = offered("command", name)
    return None if offer is None else _guest(offer, _loaded(offer))


def _loaded(offer: Offer) -> click.Command:
    try:
        found = offer.load()
    except PluginFailed as error:
        raise UsageError(f"The {offer.title} cannot be used: {error}. {offer.remedy}") from error
    if not isinstance(found, click.Command):
        raise UsageError(f"The {offer.title} cannot be used: it is no command of click. {offer.remedy}")
    return found


def _guest(offer: Offer, inner: click.Command) -> click.Command:
    def callback(args: tuple[str, ...]) -> object:
        ctx = click.get_current_context()
        try:
            return inner.main(list(args), prog_name=ctx.command_path, standalone_mode=False, obj=ctx.obj)
        except (StepwellException, click.ClickException, click.Abort, BrokenPipeError):
            raise
        except Exception as error:  # noqa: BLE001 - code of others may raise anything
            frames = "".join(traceback.format_exception(error)).rstrip()
            current_context().console.talk(f"{frames}\nThe {offer.title} failed. Tell who makes it.")
            return ExitCode.FAILED

    return click.Command(
        offer.name,
        params=[click.Argument(["args"], nargs=-1, type=click.UNPROCESSED)],
        callback=callback,
        add_help_option=False,
        context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    )
