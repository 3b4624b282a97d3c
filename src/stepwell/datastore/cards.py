"""Cards in a datastore: a head for each, written when its task begins, and its components beside it.

Each component is an object of its own, so that adding one costs the same however many there are, and a task
that is killed leaves what it has added so far.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import msgspec
from msgspec import Struct

from stepwell.datastore import layout
from stepwell.datastore.blobs import digest_of
from stepwell.datastore.storage import Storage
from stepwell.exceptions import DataException
from stepwell.model.card import CardHead
from stepwell.model.card_parts import AnyPart
from stepwell.model.ids import TaskKey

_HASH_DIGITS = 40

_encode = msgspec.msgpack.Encoder().encode
_part = msgspec.msgpack.Decoder(AnyPart)
_head = msgspec.msgpack.Decoder(CardHead)


def encode_part(part: AnyPart) -> bytes:
    """Return a component as it is stored; half characters, as some names of files have, become ``?``."""
    try:
        return _encode(part)
    except UnicodeEncodeError:
        return _encode(_whole_characters(msgspec.to_builtins(part, builtin_types=(bytes,))))


def _whole_characters(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value).items()
        return {_whole_characters(name): _whole_characters(one) for name, one in pairs}
    if isinstance(value, list | tuple):
        return [_whole_characters(one) for one in cast("list[object]", value)]
    return value


class StoredCard(Struct, frozen=True, kw_only=True):
    """A card as it was when it was read.

    Attributes
    ----------
    path
        Where it lies in the datastore.
    hash
        Of all that it holds: two cards with one hash are equal.
    parts
        What the step has put on it, in order.
    """

    key: TaskKey
    attempt: int
    path: str
    hash: str
    head: CardHead
    parts: tuple[AnyPart, ...]


class Cards:
    """The cards of one datastore. Those of a reused or cached task are read where it ran.

    Parameters
    ----------
    ran_as
        Says which attempt an attempt stands for, if it did not run itself.
    """

    def __init__(
        self, storage: Storage, ran_as: Callable[[TaskKey, int], tuple[TaskKey, int] | None]
    ) -> None:
        self._storage = storage
        self._ran_as = ran_as

    def begin(self, key: TaskKey, attempt: int, card: int, head: CardHead) -> None:
        """Write the head of a card: from here on there is one."""
        self._storage.replace(layout.card_head_key(key, attempt, card), _encode(head))

    def put(self, key: TaskKey, attempt: int, card: int, number: int, part: bytes) -> None:
        """Write an encoded component, or replace the one of this number."""
        self._storage.replace(layout.card_part_key(key, attempt, card, number), part)

    def remove(self, key: TaskKey, attempt: int, card: int, numbers: Sequence[int]) -> None:
        """Remove components."""
        self._storage.delete([layout.card_part_key(key, attempt, card, number) for number in numbers])

    def of_task(self, key: TaskKey, attempt: int, follow: bool = True) -> list[StoredCard]:
        """Return the cards of an attempt, in the order of the step's decorators.

        An attempt that was ended before its step began has none; those of the attempt before are shown then.

        Parameters
        ----------
        follow
            Whether those of a reused or cached task are read where it ran; else it has none.

        Raises
        ------
        DataException
            One is damaged.
        """
        home = self._ran_as(key, attempt)
        if home is not None:
            return self.of_task(*home, follow=False) if follow else []
        by_attempt = self._keys(key)
        latest = max((one for one in by_attempt if one <= attempt), default=None)
        if latest is None:
            return []
        found = sorted(by_attempt[latest].items())
        read = (self._read(key, latest, card, names) for card, names in found)
        return [card for card in read if card is not None]

    def _keys(self, key: TaskKey) -> dict[int, dict[int, list[str]]]:
        """Return the keys of all objects of a task's cards, by attempt and card."""
        folder = layout.cards_folder(key)
        found: dict[int, dict[int, list[str]]] = {}
        for name in self._storage.list(folder):
            attempt, card, _ = name[len(folder) + 1 :].split("/", 2)
            found.setdefault(int(attempt), {}).setdefault(int(card), []).append(name)
        return found

    def _read(self, key: TaskKey, attempt: int, card: int, names: Sequence[str]) -> StoredCard | None:
        head_key = layout.card_head_key(key, attempt, card)
        numbered = {int(name.rpartition("/")[2]): name for name in names if name != head_key}
        head = self._storage.read(head_key)
        if head is None:
            return None  # it is being deleted
        pieces = [*self._pieces(numbered)]
        try:
            return StoredCard(
                key=key,
                attempt=attempt,
                path=head_key.rpartition("/")[0],
                hash=digest_of([head, *pieces]).hex()[:_HASH_DIGITS],
                head=_head.decode(head),
                parts=tuple(map(_part.decode, pieces)),
            )
        except msgspec.MsgspecError as error:
            raise DataException(
                f"Card {card} of {key.pathspec} in {self._storage.location} is damaged: {error}"
            ) from error

    def _pieces(self, numbered: dict[int, str]) -> Iterator[bytes]:
        for number in sorted(numbered):
            data = self._storage.read(numbered[number])
            if data is not None:  # else it was removed a moment ago
                yield data
