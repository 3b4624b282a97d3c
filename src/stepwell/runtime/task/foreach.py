"""The items of a foreach, fixed once when ``self.next`` is called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, cast

from stepwell.datastore.unstorable import Unstorable
from stepwell.exceptions import ForeachError


def iterator_of(value: object, what: str) -> Iterator[Any]:
    """Return an iterator over a foreach's value.

    Raises
    ------
    ForeachError
        It is not iterable.
    """
    try:
        return iter(cast("Iterable[Any]", value))
    except TypeError:
        raise ForeachError(
            f"{what} is of type `{type(value).__name__}`, which cannot be iterated over. "
            "A foreach needs a list, a range, a dict or another iterable."
        ) from None


def is_one_shot(value: object) -> bool:
    """Whether the value can be iterated over only once, as a generator or a file can."""
    return isinstance(value, Iterator)


class CheckedItems:
    """Counts items as they are taken, holds them against the limit, and names the one that fails."""

    def __init__(self, items: Iterator[Any], what: str, step: str, limit: int | None) -> None:
        self._items = items
        self._what = what
        self._step = step
        self._limit = limit

    def __iter__(self) -> Iterator[Any]:
        taken = 0
        while True:
            try:
                item = next(self._items)
            except StopIteration:
                return
            except Exception as error:
                raise ForeachError(
                    f"Iterating over {self._what} raised at item {taken}: {type(error).__name__}: {error}"
                ) from error
            taken += 1
            if self._limit is not None and taken > self._limit:
                raise ForeachError(
                    f"The foreach of step `{self._step}` yields more than {self._limit} items, which is the "
                    f"limit that --max-num-splits sets (item {taken} was reached). Raise it if this is meant."
                )
            yield item


def unstorable_item(error: Unstorable, what: str) -> ForeachError:
    """Say that an item cannot be stored."""
    return ForeachError(f"An item of {what} cannot be stored: {error.offender}")
