"""What a method does with artifacts, as values."""

from __future__ import annotations

from msgspec import Struct, field


class Use(Struct, frozen=True):
    """A name that is read, set or deleted in some line.

    Attributes
    ----------
    is_sure
        It happens whenever the step runs, and nothing around it catches what it raises.
    is_own
        Some path through the body has set the name before.
    is_guarded
        A ``try`` stands around it.
    merges
        How many calls of `merge_artifacts` stand before it.
    """

    name: str
    file: str
    line: int
    is_sure: bool = True
    is_own: bool = False
    is_guarded: bool = False
    merges: int = 0


Uses = dict[tuple[str, bool], Use]
"""Of each name the first sure use, and the first that is not."""


class Merge(Struct, frozen=True):
    """A call of `merge_artifacts`: takes ``only`` these names, or all but those in ``but``."""

    only: frozenset[str] | None = None
    but: frozenset[str] = frozenset()


class Body(Struct):
    """What a method does, with all methods of the flow that it calls.

    Attributes
    ----------
    reads
        Names that are read before each path has set them.
    of_inputs
        Names that a join reads from its inputs.
    writes
        Names that are set or deleted.
    outside
        Names of the module, or of Python, that are used.
    may_set
        Names that some path sets.
    sets
        Names that every path sets, as far as the source says it; loops are taken to run.
    removes
        Names that are deleted in the end.
    asks
        Names whose presence is asked for.
    is_dynamic
        It may set names that the source does not say.
    """

    reads: Uses = field(default_factory=Uses)
    of_inputs: Uses = field(default_factory=Uses)
    writes: Uses = field(default_factory=Uses)
    outside: Uses = field(default_factory=Uses)
    may_set: set[str] = field(default_factory=set[str])
    sets: set[str] = field(default_factory=set[str])
    removes: set[str] = field(default_factory=set[str])
    asks: set[str] = field(default_factory=set[str])
    merges: list[Merge] = field(default_factory=list[Merge])
    is_dynamic: bool = False
