"""``@card``: a page that shows what a task has done."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, cast, overload

import msgspec
from msgspec.structs import replace

from stepwell.definition.decorator import StepDecorator
from stepwell.definition.nearest import did_you_mean, listed
from stepwell.definition.placing import decorate_step
from stepwell.definition.step import StepFunction
from stepwell.exceptions import InvalidDecoratorAttribute
from stepwell.model.card import CARD_TYPES
from stepwell.model.policy import CardPolicy, StepPolicy

_ID = re.compile(r"[a-zA-Z0-9_]+")


class CardDecorator(StepDecorator):
    """Gives the tasks of a step a page, and the step `current.card`."""

    name = "card"
    repeatable = True
    defaults: ClassVar[Mapping[str, object]] = {
        "type": "default",
        "id": None,
        "options": {},
        "timeout": 45,
        "scope": "task",
        "rank": None,
        "save_errors": True,
        "customize": False,
        "refresh_interval": 5,
    }

    def check(self) -> None:
        card_type, card_id = self.attributes["type"], self.attributes["id"]
        if card_type not in CARD_TYPES:
            near = did_you_mean(str(card_type), CARD_TYPES)
            raise self._wrong("type", f"must be a type of card: {listed(CARD_TYPES)}", near)
        if card_id is not None and (not isinstance(card_id, str) or not _ID.fullmatch(card_id)):
            raise self._wrong("id", "must be a text of letters, digits and _")
        if self.attributes["scope"] != "task":
            raise self._wrong("scope", "must be 'task'")
        for name in ("save_errors", "customize"):
            if not isinstance(self.attributes[name], bool):
                raise self._wrong(name, "must be True or False")
        for name in ("timeout", "refresh_interval", "rank"):
            self.number(name)
        self._check_options()

    def _check_options(self) -> None:
        options = self.attributes["options"]
        if not isinstance(options, Mapping):
            raise self._wrong("options", "must be a dictionary")
        try:
            msgspec.json.encode(dict(cast("Mapping[str, object]", options)))
        except (TypeError, ValueError) as error:
            raise self._wrong("options", f"must be what JSON can hold ({error})") from None

    def contribute(self, policy: StepPolicy) -> StepPolicy:
        card_id = str(self.attributes["id"] or "")
        if card_id and any(other.id == card_id for other in policy.cards):
            raise InvalidDecoratorAttribute(f"@card: two cards of one step have the id {card_id!r}.")
        interval_s = self.number("refresh_interval")
        made = CardPolicy(
            type=str(self.attributes["type"]),
            id=card_id,
            options=dict(cast("Mapping[str, object]", self.attributes["options"])),
            customize=self.attributes["customize"] is True,
            refresh_interval_s=5.0 if interval_s is None else interval_s,
        )
        return replace(policy, cards=(*policy.cards, made))

    def _wrong(self, attribute: str, rule: str, near: str = "") -> InvalidDecoratorAttribute:
        text = f"@card: `{attribute}` {rule}, but it is {self.attributes[attribute]!r}. {near}"
        return InvalidDecoratorAttribute(text.strip())


@overload
def card(function: StepFunction, /) -> StepFunction: ...
@overload
def card(
    *,
    type: str = "default",
    id: str | None = None,
    options: Mapping[str, object] = {},
    timeout: float | str = 45,
    scope: str = "task",
    rank: int | None = None,
    save_errors: bool = True,
    customize: bool = False,
    refresh_interval: float | str = 5,
) -> Callable[[StepFunction], StepFunction]: ...
def card(function: Callable[..., Any] | None = None, /, **attributes: object) -> Any:
    """Give each task of a step a page of its own; may stand several times on a step.

    A card shows what the task is, its parameters and artifacts, where it stands in the graph, and what the
    step puts on it with ``current.card.append``. It is a file that needs nothing else: ``stepwell card view``
    opens it. A card never fails its task, and a task that fails has its card as well.

    Parameters
    ----------
    type
        ``"default"``; ``"blank"``, which has only what the step puts there; ``"default_json"``, the same as
        data; ``"taskspec_card"``, the name of the task; ``"error"``, why it failed.
    id
        What it is called, for ``current.card["id"]``: letters, digits and ``_``.
    options
        What the type is given: ``{"title": "..."}`` for another heading.
    timeout, save_errors, scope, rank
        Taken so that flows written for Metaflow run. They change nothing: a page is made when it is looked
        at, takes no time of the run, and cannot fail it.
    customize
        Whether it takes what is appended to ``current.card`` if several cards could.
    refresh_interval
        Least time in seconds between two writes of components that change.

    Examples
    --------
    >>> @card
    ... @step
    ... def train(self):
    ...     current.card.append(Markdown("# It works"))
    """
    return decorate_step(CardDecorator, function, attributes)
