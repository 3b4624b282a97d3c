"""Where a task stands in nested foreach splits."""

from __future__ import annotations

from msgspec import Struct


class Frame(Struct, frozen=True, array_like=True):
    """One enclosing foreach of a task, outermost first in its pack.

    Attributes
    ----------
    step
        The step that opened the split.
    task
        The task of that step; its pack says where the items are.
    var
        Name of the artifact iterated over, or None for an expression.
    num_splits
        How many items the split has.
    index
        Which item this branch works on, from 0.
    label
        The item as short text, for logs and UI.
    """

    step: str
    task: str
    var: str | None
    num_splits: int
    index: int
    label: str = ""
