"""The half of a flow object that exists only while a step runs. Defined here, supplied by the runtime."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class LiveStep(Protocol):
    """What a `FlowSpec` object delegates to while one of its steps runs.

    A `FlowSpec` object keeps it in ``__dict__["__live"]`` (no user attribute starts with two underscores);
    an object without one is inert.
    """

    @property
    def input(self) -> object:
        """The current foreach item, or None."""
        ...

    @property
    def index(self) -> int | None:
        """The current foreach index, or None."""
        ...

    def load(self, name: str) -> object:
        """Return an inherited artifact, parameter or constant; called on first access only.

        Raises
        ------
        AttributeError
            Nothing of this name is visible here; the message says what is, and what to do.
        """
        ...

    def check_assignable(self, name: str) -> None:
        """Raise `AttributeError` if ``name`` is fixed for the run (parameter, constant, framework name)."""
        ...

    def removed(self, name: str) -> None:
        """``del self.name`` was executed: hide an inherited artifact from here on."""
        ...

    def transition(self, targets: Sequence[object], options: dict[str, object], line: int) -> None:
        """``self.next(*targets, **options)`` was called at ``line``.

        Raises
        ------
        InvalidNextException, ForeachError
        """
        ...

    def foreach_stack(self) -> list[tuple[int, int, object]]:
        """``(index, num_splits, item)`` of each enclosing foreach, outermost first."""
        ...

    def merge_artifacts(
        self, inputs: object, exclude: Sequence[str] | None, include: Sequence[str] | None
    ) -> None:
        """See `FlowSpec.merge_artifacts`."""
        ...

    def describe(self) -> str:
        """Flow, step, foreach indexes and the start of the item, for ``str(flow)``."""
        ...

    def framework(self, name: str) -> object:
        """Value of a framework attribute (``_current_step``, ``_foreach_stack``, ``_graph``)."""
        ...
