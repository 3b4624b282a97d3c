"""How a mutator adds and removes decorators: the rules that hold for flows and steps alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from stepwell.definition.decorator import Decorator
from stepwell.definition.own_decorator import OwnDecorator
from stepwell.exceptions import FlowError

IGNORE, ERROR, OVERRIDE = 1, 2, 3
"""What is done about a decorator that is there already: keep it, complain, or replace it."""

Spec = tuple[str, str, list[object], dict[str, object]]
"""A decorator's name, its dotted name, and its arguments without and with names."""

D = TypeVar("D", bound=Decorator)


def specs_of(decorators: Sequence[Decorator]) -> Iterator[Spec]:
    """Yield what there is, as `matching` finds it."""
    for one in decorators:
        yield (one.name, one.qualified_name, *one.given())


def matching(
    decorators: Sequence[D],
    name: str,
    args: Sequence[object] | None = None,
    named: dict[str, object] | None = None,
) -> list[D]:
    """Return those of a name, the dotted one if it has a dot, and with these arguments if any are given."""
    found = [one for one in decorators if name == (one.qualified_name if "." in name else one.name)]
    if args is None and named is None:
        return found
    return [one for one in found if one.given() == (list(args or ()), {**one.defaults, **(named or {})})]


def add(
    decorators: list[D], new: D, author: OwnDecorator, duplicates: int, twice: type[FlowError]
) -> D | None:
    """Add a decorator in the name of a mutator; return it, or None if another one is kept in its place.

    Raises
    ------
    FlowError
        It is there already, and ``duplicates`` says that this is an error.
    """
    if duplicates not in (IGNORE, ERROR, OVERRIDE):
        raise FlowError(f"`duplicates` is IGNORE, ERROR or OVERRIDE, not {duplicates!r}.")
    new.statically_defined = author.statically_defined
    new.inserted_by = (author.qualified_name, *author.inserted_by)
    may_repeat = new.repeatable and not isinstance(new, OwnDecorator)
    present = [] if may_repeat else [one for one in decorators if one.qualified_name == new.qualified_name]
    if present and duplicates == ERROR and new.statically_defined:
        raise twice(f"@{author.name} adds @{new.name}, which is there already.")
    if present and duplicates != OVERRIDE:
        return None
    for one in present:
        decorators.remove(one)
    decorators.insert(0, new)
    return new
