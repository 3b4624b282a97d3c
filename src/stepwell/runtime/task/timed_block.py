"""``profile``: how long a block takes."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, MutableMapping
from contextlib import contextmanager


@contextmanager
def profile(label: str, stats: MutableMapping[str, float] | None = None) -> Generator[None]:
    """Time the block that it is entered for.

    Parameters
    ----------
    label
        Names the block.
    stats
        Gets the milliseconds added under ``label``; without it, a line is printed.

    Examples
    --------
    >>> with profile("training"):
    ...     train()
    training completed in 1203 ms
    """
    began = time.perf_counter()
    try:
        yield
    finally:
        took = (time.perf_counter() - began) * 1000
        if stats is None:
            sys.stdout.write(f"{label} completed in {took:.0f} ms\n")
        else:
            stats[label] = stats.get(label, 0.0) + took
