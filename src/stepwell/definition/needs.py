"""What decorators state of a step's needs, added up: where several state the same, the larger value holds."""

from __future__ import annotations

from collections.abc import Mapping

from stepwell.model.policy import Resources

NEEDS: Mapping[str, str] = {
    "cpu": "cpu",
    "gpu": "gpu",
    "disk": "disk_mb",
    "memory": "memory_mb",
    "shared_memory": "shared_memory_mb",
}
"""Attributes of decorators that are numbers of something needed, and where a policy has them."""


def larger(
    asked: Resources,
    stated: Mapping[str, float | None],
    custom: Mapping[str, float] | None = None,
    enforce: bool = False,
) -> Resources:
    """Return what is asked for once a decorator has stated more, whatever the order of decorators."""
    needs: dict[str, float] = {}
    for attribute, field in NEEDS.items():
        known: float | None = getattr(asked, field)
        values = [value for value in (stated.get(attribute), known) if value is not None]
        if values:
            needs[field] = max(values)
    tokens = dict(asked.custom)
    for name, amount in (custom or {}).items():
        tokens[name] = max(amount, tokens.get(name, 0.0))
    return Resources(**needs, custom=tokens, enforce=asked.enforce or enforce)
