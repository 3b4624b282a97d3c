"""Cards of tasks, as users hold them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from html import escape
from itertools import islice
from pathlib import Path
from typing import Any, overload

import msgspec

from stepwell.client.card_page import page_of
from stepwell.client.objects import Step, Task
from stepwell.client.pathspec import resolve
from stepwell.client.stored import StoredTask
from stepwell.datastore.cards import StoredCard
from stepwell.exceptions import CardNotPresentException, StepwellInvalidPathspec


class Card:
    """A page that a task has made. `get` makes its file of what is stored, as it is at that moment.

    Attributes
    ----------
    path
        Where it lies in the datastore; that of a reused task, where it ran.
    id, type
        As ``@card`` has them; None is no id.
    hash
        Of what was on it when it was looked up: two cards with one hash are equal.
    """

    def __init__(self, task: StoredTask, stored: StoredCard) -> None:
        self._task = task
        self._stored = stored
        self.path: str = stored.path
        self.id: str | None = stored.head.id or None
        self.type: str = stored.head.type
        self.hash: str = stored.hash

    @property
    def filename(self) -> str:
        """A name for its file."""
        suffix = "json" if self.type == "default_json" else "html"
        return "-".join(filter(None, (self.type, self.id, self.hash))) + f".{suffix}"

    def get(self) -> str:
        """Return the file: HTML that needs nothing else, or JSON for the type ``default_json``."""
        from stepwell.cards.rendering import rendered  # a template engine, for those who look at a card

        return rendered(page_of(self._task, self._stored))

    def get_data(self) -> list[dict[str, Any]]:
        """Return what the step has put on the card, as plain data; bytes are in base64."""
        return msgspec.to_builtins(list(self._stored.parts))

    def view(self) -> str:
        """Open the file in a browser; return its path, in a new temporary folder of yours alone."""
        import webbrowser  # few look at a card from Python

        path = self.save()
        webbrowser.open(path.as_uri())
        return str(path)

    def save(self, path: str | os.PathLike[str] | None = None) -> Path:
        """Write the file and return its path: ``path``, or one in a new temporary folder of yours alone."""
        place = (
            Path(tempfile.mkdtemp(prefix="stepwell-card-")) / self.filename if path is None else Path(path)
        )
        place.write_text(self.get(), encoding="utf-8")
        return place

    def _repr_html_(self) -> str:
        """Show it in a notebook, in a frame in which nothing runs."""
        style = "width:100%;height:640px;border:0"
        return f'<iframe sandbox srcdoc="{escape(self.get())}" style="{style}"></iframe>'

    def __repr__(self) -> str:
        named = f" {self.id!r}" if self.id else ""
        return f"<Card{named} of type {self.type} of {self._task.key.pathspec}>"


class CardContainer(Sequence[Card]):
    """The cards of a task, in the order of the step's decorators."""

    def __init__(self, cards: Sequence[Card]) -> None:
        self._cards = tuple(cards)

    def __len__(self) -> int:
        return len(self._cards)

    @overload
    def __getitem__(self, index: int) -> Card: ...
    @overload
    def __getitem__(self, index: slice) -> CardContainer: ...
    def __getitem__(self, index: int | slice) -> Card | CardContainer:
        return CardContainer(self._cards[index]) if isinstance(index, slice) else self._cards[index]

    def __iter__(self) -> Iterator[Card]:
        return iter(self._cards)

    def _repr_html_(self) -> str:
        """Show all of them in a notebook."""
        return "".join(card._repr_html_() for card in self._cards)  # pyright: ignore[reportPrivateUsage] - of notebooks

    def __repr__(self) -> str:
        return f"CardContainer({list(self._cards)})"


def get_cards(
    task: Task | Step | str, id: str | None = None, type: str | None = None, follow_resumed: bool = True
) -> CardContainer:
    """Return the cards of a task.

    Parameters
    ----------
    task
        A task, or its ``FLOW/RUN/STEP/TASK``; of a step with one task, the step or ``FLOW/RUN/STEP`` does.
    id, type
        Only those of this id, or type.
    follow_resumed
        Whether a task that was reused has the cards of the task that ran; else it has none.

    Raises
    ------
    CardNotPresentException
        There are none.
    StepwellNotFound, StepwellInvalidPathspec
        There is no such task.

    Examples
    --------
    >>> from stepwell.cards import get_cards
    >>> get_cards("TrainFlow/latest/train")[0].view()
    """
    if not isinstance(task, Task):
        task = _task_at(task)
    cards = cards_of(task._task, follow_resumed)  # pyright: ignore[reportPrivateUsage] - what it is in the index
    found = [card for card in cards if is_meant(card, id, type)]
    if not found:
        there = "; ".join(f"{card.type}{f' with the id {card.id!r}' if card.id else ''}" for card in cards)
        has = f"It has: {there}." if there else "It has none: steps with @card make them."
        raise CardNotPresentException(f"{task.pathspec} has no such card. {has}")
    return CardContainer(found)


def _task_at(place: object) -> Task:
    found = resolve(place) if isinstance(place, str) else place
    tasks = [found] if isinstance(found, Task) else [*islice(found, 2)] if isinstance(found, Step) else []
    if len(tasks) != 1:
        raise StepwellInvalidPathspec(
            f"`{place}` is not one task. Name one: FLOW/RUN/STEP/TASK, or "
            "FLOW/RUN/STEP[i] for foreach item i."
        )
    return tasks[0]


def cards_of(task: StoredTask, follow_resumed: bool = True) -> list[Card]:
    """Return the cards of a task, which may be none."""
    record = task.find()
    attempt = (
        task.attempt_asked if task.attempt_asked is not None else 0 if record is None else record.attempt
    )
    store = task.run.connection.stores.datastore.cards()
    return [Card(task, stored) for stored in store.of_task(task.key, attempt, follow_resumed)]


def is_meant(card: Card, id: str | None, type: str | None, hash: str | None = None) -> bool:
    """Whether a card is of this id and type, and its hash begins so; None is any."""
    return id in (None, card.id) and type in (None, card.type) and card.hash.startswith(hash or "")
