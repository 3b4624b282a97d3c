"""What the call of a step's method comes to."""

from __future__ import annotations

from collections.abc import Coroutine
from types import CoroutineType
from typing import Any, cast


def completed(returned: object, step: str) -> object:
    """Return what a step's method or a function in its place comes to: a coroutine runs to its end."""
    if isinstance(returned, CoroutineType):
        from stepwell.runtime.task.async_step import run_to_completion  # few steps are async

        return run_to_completion(cast("Coroutine[Any, Any, object]", returned), step)
    return returned
