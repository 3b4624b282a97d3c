"""In which isolation a case is tested: each forked, and what stands for its kind spawned too."""

from collections.abc import Mapping
from typing import Any

import pytest


def forked_and_spawned(cases: Mapping[str, Any], *spawned: str) -> list[Any]:
    """Return the parameters of a test: each case by its name with `fork`, and those named with `spawn`.

    Both ways share what they do inside the task's process; to start an interpreter for every case is slow.
    """
    return [
        pytest.param(*_values(cases[name]), isolation, id=f"{isolation}-{name}")
        for isolation, names in (("fork", cases), ("spawn", spawned))
        for name in names
    ]


def _values(case: Any) -> tuple[Any, ...]:
    return case if isinstance(case, tuple) else (case,)
