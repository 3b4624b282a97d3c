"""Tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from stepwell.cards.best_component import component_for
from stepwell.cards.component import Component
from stepwell.cards.texts import Artifact
from stepwell.datastore.preview import preview
from stepwell.model.card_parts import AnyPart, TablePart, TextPart

_SEQUENCES: tuple[type, ...] = (list, tuple)
ROWS_SHOWN = 100
COLUMNS_SHOWN = 30


class Table(Component):
    """Rows of values; a cell may be a component.

    Parameters
    ----------
    data
        The rows.
    headers
        What stands above the columns.
    disable_updates
        Whether components in its cells are shown as they were when the table was appended.
    """

    def __init__(
        self,
        data: Iterable[Iterable[object]] | None = None,
        headers: Iterable[object] | None = None,
        disable_updates: bool = False,
    ) -> None:
        self._rows = [list(row) for row in data or ()]
        self._headers = tuple(map(str, headers or ()))
        self._note = ""
        self._still = disable_updates
        self._revision = 0

    @classmethod
    def from_dataframe(cls, dataframe: Any, truncate: bool = True) -> Table:
        """Return a table of a data frame of pandas or Polars.

        Parameters
        ----------
        truncate
            Whether 100 rows and 30 columns are enough; what is left out is said below the table.
        """
        columns = [str(column) for column in dataframe.columns]
        rows, width = len(dataframe), len(columns)
        shown_rows = min(rows, ROWS_SHOWN) if truncate else rows
        shown_width = min(width, COLUMNS_SHOWN) if truncate else width
        head = dataframe.head(shown_rows)
        if hasattr(head, "iter_rows"):
            values: Iterable[Sequence[object]] = head.iter_rows()
            index: list[str] = []
        else:
            values = head.itertuples(index=False, name=None)
            index = [str(label) for label in head.index] if _says_something(head.index, shown_rows) else []
        made = cls(
            [[*([index[at]] if index else ()), *islice(row, shown_width)] for at, row in enumerate(values)],
            [*([str(head.index.name or "")] if index else ()), *columns[:shown_width]],
        )
        left_out = [
            f"{shown:,} of {total:,} {what}"
            for shown, total, what in ((shown_rows, rows, "rows"), (shown_width, width, "columns"))
            if shown < total
        ]
        made._note = " and ".join(left_out)
        return made

    @property
    def revision(self) -> int:
        if self._still:
            return self._revision
        cells = (cell.revision for row in self._rows for cell in row if isinstance(cell, Component))
        return self._revision + sum(cells)

    def update(self, data: Iterable[Iterable[object]], headers: Iterable[object] | None = None) -> None:
        """Show other rows from the next `refresh` on."""
        self._rows = [list(row) for row in data]
        if headers is not None:
            self._headers = tuple(map(str, headers))
        self._note = ""
        self._revision += 1

    def part(self) -> AnyPart:
        return TablePart(self._headers, tuple(tuple(map(_cell, row)) for row in self._rows), self._note)


def _cell(value: object) -> AnyPart:
    if isinstance(value, float):
        return TextPart(f"{value:.6g}")
    try:
        if isinstance(value, _SEQUENCES):
            return Artifact(value).part()  # and no table inside: data may be nested deeper than a page can be
        plain = value is None or isinstance(value, str | int) or not _is_shown_by_itself(value)
        return TextPart(str(value)) if plain else component_for(value).part()
    except Exception:  # noqa: BLE001 - a class of a user's says how it is written; the other cells are shown
        return TextPart(preview(value))


def _is_shown_by_itself(value: object) -> bool:
    """Whether a cell is better shown as a component than as its text."""
    return isinstance(value, Component | Mapping) or hasattr(value, "savefig")


def _says_something(index: Any, rows: int) -> bool:
    """Whether the rows of a data frame have names, and not only numbers from 0."""
    return [*index] != [*range(rows)]
