"""What a cached step has read, and which task had what result of it."""

from __future__ import annotations

from msgspec import Struct

from stepwell.model.cache import CacheKey
from stepwell.model.ids import TaskKey

OF_SELF, OF_EVERY_INPUT, OF_SPLIT = "", "*", "split"
"""Sources of a `Read` that are no single input of a join."""

INDEX, ITEM, STACK, NAMES = "@index", "@item", "@stack", "@names"
"""Names of a `Read` that are no artifacts: index, item, all enclosing foreaches; which names there are."""


class Read(Struct, frozen=True, array_like=True, order=True):
    """One thing that a step has read.

    Attributes
    ----------
    source
        Empty for ``self``; the position of an input of a join, or one of the `OF_...`.
    name
        The artifact's name, or one of those that begin with ``@``. It may be a name that was not there.
    stage
        How many merges had been made before.
    """

    source: str
    name: str
    stage: int = 0


class Merge(Struct, frozen=True, array_like=True):
    """One call of ``merge_artifacts``.

    Attributes
    ----------
    inputs
        Positions of the inputs, -1 for the task that opened the split; None is all.
    exclude, include
        As they were given.
    already
        Names that were set on ``self`` before.
    """

    inputs: tuple[int, ...] | None
    exclude: tuple[str, ...]
    include: tuple[str, ...] | None
    already: tuple[str, ...]


class Shape(Struct, frozen=True, array_like=True):
    """What a step has read, without the values; ``reads`` are sorted."""

    reads: tuple[Read, ...] = ()
    merges: tuple[Merge, ...] = ()


class Observed(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that the result of a cached step depends on.

    Attributes
    ----------
    place
        What belongs to the key whatever is read: the foreach item, the inputs of a join.
    digests
        Of what was read, in the order of ``shape.reads``; empty for what was not there.
    deleted
        Inherited names that the step has deleted.
    """

    key: CacheKey
    shape: Shape = Shape()
    place: tuple[tuple[str, bytes], ...] = ()
    digests: tuple[bytes, ...] = ()
    deleted: tuple[str, ...] = ()


class CacheEntry(Struct, frozen=True, array_like=True):
    """A task with a result that can be taken, whose it is, and since when."""

    task: TaskKey
    user: str
    at: float
