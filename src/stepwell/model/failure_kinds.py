"""Names of what a task may fail with, as `@retry(on=...)` has them."""

from __future__ import annotations

PLATFORM_FAILURES = ("OutOfMemory", "Signal", "Lost", "Timeout", "Exit")
"""Pseudo-types: why a task failed whose process could not say it itself."""


def kind_name(kind: type) -> str:
    """Return a class's dotted name; built-in ones have no module in it."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def kinds_of(error: BaseException) -> tuple[str, ...]:
    """Return the names of an exception's class and of its bases."""
    return tuple(kind_name(kind) for kind in type(error).__mro__)
