"""``card``: the pages that tasks have made."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
from msgspec import Struct

from stepwell.cli.addresses import ADDRESSES
from stepwell.cli.browser import show_file
from stepwell.cli.context import CliContext, current_context
from stepwell.cli.exit_code import ExitCode
from stepwell.cli.stores import find_in, stores_of
from stepwell.cli.subcommands import Subcommands
from stepwell.cli.wording import counted
from stepwell.client.scope import Connection
from stepwell.client.stored import StoredRun, StoredTask
from stepwell.exceptions import CardNotPresentException, UsageError
from stepwell.metadata_store.store import TaskQuery
from stepwell.model.ids import PARAMETERS_STEP

if TYPE_CHECKING:
    from stepwell.client.cards import Card

_LATER = {
    "create": "cards are made when they are looked at, so that `card get` is always up to date.",
    "server": "call `card get` or `card view` again for the state of a card at that moment.",
}


_TASKS_LISTED = 10


class CardChoice(Struct, frozen=True, kw_only=True):
    """Which cards of a task are meant."""

    id: str | None = None
    type: str | None = None
    hash: str | None = None
    follow_resumed: bool = True


class CardsOfTask(Struct, frozen=True):
    """A task, and those of its cards that are meant."""

    pathspec: str
    cards: list[Card]


def command(_flow_class: object) -> click.Command:
    """Build the command and its subcommands."""
    address = click.Argument(["address"], metavar="RUN/STEP[/TASK]")
    of_all = click.Argument(["address"], required=False, metavar="[RUN[/STEP[/TASK]]]")
    file = click.Argument(["file"], required=False, metavar="[FILE]", type=click.Path(path_type=Path))
    return Subcommands(
        "card",
        [
            click.Command(
                "list",
                params=[
                    of_all,
                    click.Option(["--json", "--as-json", "as_json"], is_flag=True, help="Print JSON."),
                    click.Option(
                        ["--file"], type=click.Path(path_type=Path), metavar="FILE", help="Write JSON there."
                    ),
                    *_choice(),
                ],
                callback=list_cards,
                help="List the cards of a run, a step or a task; of the newest run unless one is named. "
                + ADDRESSES,
            ),
            click.Command(
                "get",
                params=[address, file, *_choice()],
                callback=get_card,
                help="Print a card, or write it to FILE: one page of HTML that needs nothing else.",
            ),
            click.Command(
                "view",
                params=[address, *_choice()],
                callback=view_card,
                help="Open a card in a browser; where there is none, say where its file is.",
            ),
        ],
        "Look at cards: pages that tasks of steps with @card have made.",
        later=_LATER,
    )


def _choice() -> list[click.Parameter]:
    return [
        click.Option(["--id"], metavar="ID", help="Only cards of this id."),
        click.Option(["--type"], metavar="TYPE", help="Only cards of this type."),
        click.Option(
            ["--hash"], metavar="HASH", help="Only cards whose hash begins so; 5 characters or more."
        ),
        click.Option(
            ["--follow-resumed/--no-follow-resumed"],
            default=True,
            help="Whether tasks that were reused have the cards of those that ran.",
        ),
    ]


def list_cards(address: str | None, as_json: bool, file: Path | None, **choice: Any) -> None:
    """Print the cards of each task."""
    context = current_context()
    asked = CardChoice(**choice)
    wanted = address or "latest"
    found = [one for one in _found(context, wanted, asked) if one.cards]
    if not found:
        raise _none(wanted, asked)
    if as_json or file is not None:
        listed = [_as_json(one) for one in found]
        is_of_task = len(found) == 1 and address is not None and address.strip("/") == found[0].pathspec
        text = msgspec.json.format(msgspec.json.encode(listed[0] if is_of_task else listed), indent=2)
        if file is None:
            context.console.data(*text.decode().splitlines())
        else:
            _write(file, text)
        return
    for one in found:
        context.console.data(one.pathspec, *_lines(one))


def get_card(address: str, file: Path | None, **choice: Any) -> ExitCode:
    """Print the card that is meant, or write it."""
    context = current_context()
    card = the_one(context, address, CardChoice(**choice))
    if card is None:
        return ExitCode.WRONG
    page = card.get().encode()
    if file is None:
        context.console.printed(page)
    else:
        _write(file, page)
        context.console.talk(f"Card written to {file}.")
    return ExitCode.DONE


def view_card(address: str, **choice: Any) -> ExitCode:
    """Open the card that is meant."""
    context = current_context()
    card = the_one(context, address, CardChoice(**choice))
    if card is None:
        return ExitCode.WRONG
    show_file(context.console, card.save())
    return ExitCode.DONE


def the_one(context: CliContext, address: str, asked: CardChoice) -> Card | None:
    """Return the card that is meant; if there are several, list them and return None."""
    found = [one for one in _found(context, address, asked) if one.cards]
    cards = [card for one in found for card in one.cards]
    if not cards:
        raise _none(address, asked)
    if len(cards) == 1:
        return cards[0]
    context.console.talk(
        f"There are {len(cards)} such cards. Name a task, or choose with --id, --type or --hash:"
    )
    for one in found[:_TASKS_LISTED]:
        context.console.talk("\n".join((one.pathspec, *_lines(one))))
    if len(found) > _TASKS_LISTED:
        more = counted(len(found) - _TASKS_LISTED, "more task")
        context.console.talk(
            f"and those of {more}: `{context.command_line('card list')} {address}` lists all."
        )
    return None


def _found(context: CliContext, address: str, asked: CardChoice) -> Iterator[CardsOfTask]:
    """Yield each task of the address with those of its cards that are meant."""
    from stepwell.client.cards import cards_of, is_meant

    if asked.hash is not None and len(asked.hash) < 5:
        raise UsageError(f"--hash needs 5 characters or more, and {asked.hash!r} has {len(asked.hash)}.")
    stores = stores_of(context)
    place = find_in(context, stores, address)
    run = StoredRun(Connection(stores.metadata.location, stores), place.run.flow, place.run.run, place.run)
    tasks = place.tasks
    if place.step is None:
        tasks = stores.metadata.tasks(TaskQuery(flow=run.flow, run=run.run, ascending=True))
    for record in tasks:
        if record.step != PARAMETERS_STEP:
            task = StoredTask(run, record.step, record.task, None, record)
            cards = cards_of(task, asked.follow_resumed)
            meant = [card for card in cards if is_meant(card, asked.id, asked.type, asked.hash)]
            yield CardsOfTask(task.key.pathspec, meant)


def _none(address: str, asked: CardChoice) -> CardNotPresentException:
    chosen = {"id": asked.id, "type": asked.type, "hash": asked.hash}
    words = " and ".join(f"the {name} {value!r}" for name, value in chosen.items() if value is not None)
    return CardNotPresentException(
        f"{address} has no card{f' with {words}' if words else ''}. Steps with @card make them"
        + (", and `card list` shows which there are." if words else ".")
    )


def _lines(one: CardsOfTask) -> Iterator[str]:
    for card in one.cards:
        yield f"  {card.hash[:10]}  {card.type}{f'  {card.id}' if card.id else ''}"


def _as_json(one: CardsOfTask) -> dict[str, object]:
    return {
        "pathspec": one.pathspec,
        "cards": [
            {"id": card.id, "hash": card.hash, "type": card.type, "filename": card.filename}
            for card in one.cards
        ],
    }


def _write(file: Path, data: bytes) -> None:
    """Write a file for this user only; one that exists keeps its permissions."""
    try:
        with open(os.open(file, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as opened:
            opened.write(data)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}.") from error
