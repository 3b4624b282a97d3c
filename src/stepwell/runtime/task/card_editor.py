"""One card, as a step edits it: each change is stored at once, or soon after the one before."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from stepwell.cards.best_component import component_for
from stepwell.cards.component import Component
from stepwell.datastore.cards import Cards, encode_part
from stepwell.exceptions import StepwellExceptionWrapper, StoreError
from stepwell.model.card import CardHead
from stepwell.model.card_parts import TextPart
from stepwell.model.ids import TaskKey
from stepwell.model.policy import CardPolicy

Warn = Callable[[str], None]
"""Says something in the log of the task, once."""


class _Placed:
    """A component on a card: its number, and which revision of it is stored; -1 is none."""

    __slots__ = ("component", "id", "number", "stored")

    def __init__(self, number: int, component: Component, id: str | None) -> None:
        self.number = number
        self.component = component
        self.id = id
        self.stored = -1


class Components(Sequence[Component]):
    """The components of a card in order; those that were given an id are found by it as well."""

    def __init__(self, placed: Sequence[_Placed]) -> None:
        self._placed = placed

    def __getitem__(self, place: int | str) -> Component:  # pyright: ignore[reportIncompatibleMethodOverride] - ids too
        if isinstance(place, str):
            for one in self._placed:
                if one.id == place:
                    return one.component
            raise KeyError(place)
        return self._placed[place].component

    def __len__(self) -> int:
        return len(self._placed)

    def __iter__(self) -> Iterator[Component]:
        return (one.component for one in self._placed)

    def __contains__(self, value: object) -> bool:
        return any(value is one.component or value == one.id for one in self._placed)


class CardEditor:
    """What a step can do with one of its cards. Nothing here fails the task.

    Parameters
    ----------
    card
        Number of the card in its step.
    """

    def __init__(
        self, store: Cards, key: TaskKey, attempt: int, card: int, policy: CardPolicy, warn: Warn
    ) -> None:
        self._store = store
        self._at = (key, attempt, card)
        self._head = CardHead(type=policy.type, id=policy.id, options=policy.options, created_at=time.time())
        self._is_begun = False
        self._interval_s = policy.refresh_interval_s
        self._warn = warn
        self._placed: list[_Placed] = []
        self._next = 0
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._refreshed_at = 0.0
        self._timer: threading.Timer | None = None
        self.type: str = policy.type
        self.id: str | None = policy.id or None
        self._begin()

    @property
    def components(self) -> Components:
        """What is on the card, in order; a component that was given an id also by that."""
        return Components(self._placed)

    def append(self, component: object, id: str | None = None) -> None:
        """Put a component on the card, below the others; it is stored at once.

        Parameters
        ----------
        component
            A component of `stepwell.cards`; any other value is shown by the best one for its type.
        id
            By which `components` finds it.
        """
        self.extend([component], id)

    def extend(self, components: Iterable[object], id: str | None = None) -> None:
        """Put several components on the card."""
        if not self._is_ours("append"):
            return
        with self._lock:
            for value in components:
                placed = _Placed(self._next, component_for(value), id)
                self._next += 1
                self._placed.append(placed)
                self._store_changes([placed])

    def clear(self) -> None:
        """Take all components off the card."""
        if not self._is_ours("clear"):
            return
        with self._lock:
            gone, self._placed = self._placed, []
            self._try(lambda: self._store.remove(*self._at, [one.number for one in gone]))

    def replace(self, components: Iterable[object]) -> None:
        """Put these components in the place of all others."""
        new = list(components)
        self.clear()
        self.extend(new)

    def refresh(self, data: object = None, force: bool = False) -> None:
        """Store components that have changed since.

        Calls that follow each other closely are merged; the last state is stored in any case but a kill.

        Parameters
        ----------
        data
            For types of card that make something of it, of which there are none yet.
        force
            Whether it is stored at once, however soon after the last time.
        """
        del data
        if not self._is_ours("refresh"):
            return
        with self._lock:
            wait_s = self._refreshed_at + self._interval_s - time.monotonic()
            if force or wait_s <= 0:
                self._flush()
            elif self._timer is None:
                self._timer = threading.Timer(wait_s, self._flush_late)
                self._timer.daemon = True
                self._timer.start()

    def close(self) -> None:
        """Store the last state; nothing is stored later."""
        if self._pid != os.getpid():
            return
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._flush()

    def _flush_late(self) -> None:
        with self._lock:
            self._timer = None
            self._flush()

    def _flush(self) -> None:
        self._refreshed_at = time.monotonic()
        self._store_changes(self._placed)

    def _begin(self) -> bool:
        """Store the head, if that has not been possible yet; components lie behind it."""
        self._is_begun = self._is_begun or self._try(lambda: self._store.begin(*self._at, self._head))
        return self._is_begun

    def _store_changes(self, placed: Iterable[_Placed]) -> None:
        for one in placed if self._begin() else ():
            revision = one.component.revision
            if one.stored != revision:
                data = self._encoded(one.component)
                if self._try(lambda number=one.number, data=data: self._store.put(*self._at, number, data)):
                    one.stored = revision

    def _encoded(self, component: Component) -> bytes:
        try:
            return encode_part(component.part())
        except Exception as error:  # noqa: BLE001 - a component of a user's may do anything; the task goes on
            name, why = type(component).__name__, StepwellExceptionWrapper(error).exception
            self._warn(f"A {name} on the card cannot be shown: {type(error).__name__}: {why}")
            return encode_part(TextPart(f"{name} cannot be shown: {why}"))

    def _try(self, act: Callable[[], object]) -> bool:
        try:
            act()
        except (StoreError, OSError) as error:
            self._warn(f"A card could not be stored, and may lack something: {error}")
            return False
        return True

    def _is_ours(self, what: str) -> bool:
        if self._pid == os.getpid():
            return True
        self._warn(f"`current.card.{what}` in a child process of the task does nothing. Call it in the step.")
        return False
