"""The items of a foreach, fixed once when ``self.next`` is called."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any, cast

from stepwell.datastore.preview import type_name
from stepwell.datastore.unstorable import Unstorable
from stepwell.exceptions import ForeachError
from stepwell.runtime.task.failure import said


def iterator_of(value: object, what: str) -> Iterator[Any]:
    """Return an iterator over a foreach's value.

    Raises
    ------
    ForeachError
        It is not iterable, or does not begin.
    """
    if not hasattr(type(value), "__iter__") and not hasattr(type(value), "__getitem__"):
        raise ForeachError(
            f"{what[0].upper()}{what[1:]} is of type `{type_name(value)}`, which cannot be iterated over. "
            "A foreach needs a list, a range, a dict or another iterable."
        )
    try:
        return iter(cast("Iterable[Any]", value))
    except Exception as error:
        raise ForeachError(f"Iterating over {what} raised before the first item: {said(error)}") from error


def is_one_shot(value: object) -> bool:
    """Whether the value can be iterated over only once, as a generator or a file can."""
    return isinstance(value, Iterator)


def needed_of(least: object, count: int) -> int:
    """Return how many of ``count`` branches must succeed; a float is a share of them, rounded up.

    Raises
    ------
    ValueError
        It is neither a share nor a number of branches; says what it must be.
    """
    if isinstance(least, bool) or not isinstance(least, int | float):
        raise ValueError(f"must be a share (float from 0.0 to 1.0) or a number (int), not {least!r}.")
    if isinstance(least, int):
        if least < 0:
            raise ValueError(f"must not be negative; it is {least}.")
        return min(least, count)
    if not 0 <= least <= 1:
        raise ValueError(
            f"as a share must be from 0.0 to 1.0; it is {least}. A number of branches is an int."
        )
    return math.ceil(least * count - 1e-9)


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
                    f"Iterating over {self._what} raised at item {taken}: {said(error)}"
                ) from error
            taken += 1
            if self._limit is not None and taken > self._limit:
                raise ForeachError(
                    f"The foreach of step `{self._step}` yields more than {self._limit} items, which is the "
                    f"limit that --max-num-splits sets (item {taken} was reached). Raise it if this is meant."
                )
            yield item


def unstorable_item(error: Unstorable, what: str) -> ForeachError:
    """Say which item cannot be stored, and why."""
    found = error.offender
    item = f"self.{found.name}"
    inside = found.path.removeprefix(item)
    part = f", its part `item{inside}` ({found.part_type})" if inside else ""
    return ForeachError(
        f"{found.name[0].upper()}{found.name[1:]} of {what} ({found.type}) cannot be stored{part}: "
        f"{found.reason}. Advice: {found.advice}."
    )
