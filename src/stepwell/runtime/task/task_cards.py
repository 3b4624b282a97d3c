"""``current.card``: the cards of the task that runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stepwell.datastore.datastore import Datastore
from stepwell.model.card import CARD_TYPES
from stepwell.model.ids import TaskKey
from stepwell.model.policy import CardPolicy
from stepwell.runtime.task.card_editor import CardEditor, Components
from stepwell.runtime.task.own_words import say


class TaskCards:
    """All cards of the task. Its own methods mean the one card that is meant when a step names none.

    That is the only card that can be edited; else the one of those that has no id, else the one with
    ``customize=True``.
    """

    def __init__(
        self, datastore: Datastore, key: TaskKey, attempt: int, policies: Sequence[CardPolicy]
    ) -> None:
        self._said: set[str] = set()
        store = datastore.cards()
        editors = [
            CardEditor(store, key, attempt, number, policy, self._warn)
            for number, policy in enumerate(policies)
        ]
        self._editors = editors
        self._editable = [one for one in editors if CARD_TYPES[one.type]]
        self._chosen = [
            one
            for one, policy in zip(editors, policies, strict=True)
            if policy.customize and CARD_TYPES[one.type]
        ]

    def append(self, component: object, id: str | None = None) -> None:
        """See `CardEditor.append`."""
        for editor in self._meant():
            editor.append(component, id)

    def extend(self, components: Iterable[object], id: str | None = None) -> None:
        """See `CardEditor.extend`."""
        for editor in self._meant():
            editor.extend(components, id)

    def clear(self) -> None:
        """See `CardEditor.clear`."""
        for editor in self._meant():
            editor.clear()

    def refresh(self, data: object = None, force: bool = False) -> None:
        """See `CardEditor.refresh`."""
        for editor in self._meant():
            editor.refresh(data, force)

    @property
    def components(self) -> Components:
        """What is on the card; nothing if no card is meant."""
        return next((editor.components for editor in self._meant()), Components(()))

    def get(self, type: str | None = None) -> list[CardEditor]:
        """Return the cards of a type that can be edited; all of them if none is named."""
        return [editor for editor in self._editable if type in (None, editor.type)]

    def __getitem__(self, id: str) -> CardEditor | NoCard:
        for editor in self._editable:
            if editor.id == id:
                return editor
        ids = ", ".join(repr(editor.id) for editor in self._editable if editor.id) or "none"
        self._warn(f"There is no card with the id {id!r} that can be edited. There are: {ids}.")
        return NoCard()

    def __setitem__(self, id: str, components: Iterable[object]) -> None:
        self[id].replace(components)

    def close(self) -> None:
        """Store what has not been stored yet."""
        for editor in self._editors:
            editor.close()

    def _meant(self) -> Sequence[CardEditor]:
        """Return the card that is meant, or none after a word in the log."""
        without_id = [editor for editor in self._editable if editor.id is None]
        for candidates in (self._editable, without_id, self._chosen):
            if len(candidates) == 1:
                return candidates
        ids = ", ".join(repr(editor.id) for editor in self._editable if editor.id)
        self._warn(
            f"`current.card` could mean several cards, so nothing is done. Name one, as in "
            f"`current.card[ID]`{f' ({ids})' if ids else ''}, or write @card(id=..., customize=True) on one."
            if self._editable
            else "No card of this step takes components, so nothing is done. Types that do: default, blank."
        )
        return ()

    def _warn(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            say(f"{text}\n")


class NoCard:
    """Stands for a card that there is not: whatever is done with it does nothing."""

    components: Components = Components(())

    def append(self, component: object, id: str | None = None) -> None:
        """Do nothing."""

    def extend(self, components: Iterable[object], id: str | None = None) -> None:
        """Do nothing."""

    def clear(self) -> None:
        """Do nothing."""

    def refresh(self, data: object = None, force: bool = False) -> None:
        """Do nothing."""

    def replace(self, components: Iterable[object]) -> None:
        """Do nothing."""
