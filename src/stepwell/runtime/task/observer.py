"""Takes down what a cached step reads while it runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from mmap import mmap

from stepwell.model.observed import OF_EVERY_INPUT, OF_SELF, Merge, Read, Shape


class Observer:
    """What one task has read so far.

    Parameters
    ----------
    ignore
        Names that are not looked at.
    width
        How many inputs the task joins; 0 if it is no join.
    """

    def __init__(self, ignore: Iterable[str], width: int) -> None:
        self._ignore = frozenset(ignore)
        self._width = width
        self._reads: dict[Read, None] = {}
        self._merges: list[Merge] = []
        self._deleted: dict[str, None] = {}
        self._has_order = True
        self._pid = os.getpid()
        self._by_copies = mmap(-1, 1)  # memory that processes which the step forks share with this one

    def read(self, name: str, source: str = OF_SELF) -> None:
        """Take down that a value was read, or that it was found not to be there."""
        if os.getpid() != self._pid:
            self._by_copies[0] = 1
        elif name not in self._ignore:
            self._reads[Read(source, name, len(self._merges) if source == OF_SELF else 0)] = None

    def merged(
        self,
        inputs: Sequence[int] | None,
        exclude: Sequence[str] | None,
        include: Sequence[str] | None,
        already: Iterable[str],
    ) -> None:
        """Take down a call of ``merge_artifacts``."""
        if self._deleted:
            self._has_order = False  # what was deleted before may be there again
        self._merges.append(
            Merge(
                None if inputs is None else tuple(inputs),
                tuple(exclude or ()),
                None if include is None else tuple(include),
                tuple(sorted(already)),
            )
        )

    def deleted(self, name: str) -> None:
        """Take down that an inherited name was deleted."""
        self._deleted[name] = None

    def shape(self, all_names: Callable[[], Iterable[tuple[str, str]]]) -> Shape | None:
        """Return what was read; None if it cannot be told.

        Parameters
        ----------
        all_names
            Returns every source and name that could be read.
        """
        if not self._has_order:
            return None
        if self._by_copies[0]:
            # What a forked copy of this process has read is not known here: it may be anything.
            for source, name in all_names():
                self.read(name, source)
        return Shape(self._shortened(), tuple(self._merges))

    @property
    def names_deleted(self) -> tuple[str, ...]:
        """Inherited names that were deleted."""
        return tuple(self._deleted)

    def _shortened(self) -> tuple[Read, ...]:
        """Return the reads in order; those of one name from every input are one."""
        by_name: dict[str, list[Read]] = {}
        for read in tuple(self._reads):
            if read.source.isdecimal():
                by_name.setdefault(read.name, []).append(read)
        whole = {name for name, reads in by_name.items() if self._width > 1 and len(reads) == self._width}
        kept = [read for read in self._reads if not (read.source.isdecimal() and read.name in whole)]
        return tuple(sorted((*kept, *(Read(OF_EVERY_INPUT, name) for name in whole))))
