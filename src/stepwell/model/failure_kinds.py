"""Names of what a task may fail with, as `@retry(on=...)` has them."""

from __future__ import annotations

from stepwell.exceptions import TimeoutException

PLATFORM_FAILURES = ("OutOfMemory", "Signal", "Lost", "Timeout", "Exit")
"""Pseudo-types: why a task failed whose process could not say it itself."""


def kind_name(kind: type) -> str:
    """Return a class's dotted name; built-in ones have no module in it."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def kinds_of(error: BaseException) -> tuple[str, ...]:
    """Return the names of an exception's class and of its bases; a timeout has its pseudo-type too."""
    names = tuple(kind_name(kind) for kind in type(error).__mro__)
    return (*names, "Timeout") if isinstance(error, TimeoutException) else names


def kinds_of_death(kind: str) -> tuple[str, ...]:
    """Return the names of what a process died of that could not say it itself."""
    return (kind, kind_name(TimeoutException)) if kind == "Timeout" else (kind,)
