"""Components that place others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from stepwell.cards.best_component import component_for
from stepwell.cards.component import Component
from stepwell.model.card_parts import AnyPart, ColumnsPart, TabsPart


class Columns(Component):
    """Components beside each other; below each other where the page is narrow.

    Parameters
    ----------
    columns
        What stands in each column: a component or another value, or a list of them.
    """

    def __init__(self, *columns: object) -> None:
        self._columns = [_listed(column) for column in columns]

    @property
    def revision(self) -> int:
        return sum(one.revision for column in self._columns for one in column)

    def part(self) -> AnyPart:
        return ColumnsPart(tuple(tuple(one.part() for one in column) for column in self._columns))


class Tabs(Component):
    """Components of which those of one tab are seen at a time; all of them when the page is printed.

    Parameters
    ----------
    tabs
        What stands in each tab, by its title: a component or another value, or a list of them.
    """

    def __init__(self, tabs: Mapping[str, object]) -> None:
        self._tabs = {str(title): _listed(content) for title, content in tabs.items()}

    @property
    def revision(self) -> int:
        return sum(one.revision for content in self._tabs.values() for one in content)

    def part(self) -> AnyPart:
        return TabsPart(
            tuple((title, tuple(one.part() for one in content)) for title, content in self._tabs.items())
        )


def _listed(content: object) -> list[Component]:
    values = cast("Sequence[object]", content) if isinstance(content, list | tuple) else [content]
    return [component_for(value) for value in values]
