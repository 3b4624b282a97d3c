"""Serializers that installed distributions bring."""

from __future__ import annotations

from collections.abc import Iterator

from stepwell.datastore.serializer import Serializer
from stepwell.datastore.serializers import Found, Serializers, in_words
from stepwell.plugins.registry import registered

GROUP = "stepwell.serializers"
"""Group of their entry points."""


def installed_serializers() -> Found:
    """Return those that can be used, and why others cannot."""
    found = registered(GROUP, Serializer)
    return found.usable, found.broken


def unusable(serializers: Serializers) -> Iterator[str]:
    """Say of each that is installed and cannot be used what is the matter, before values are written."""
    for label, why in serializers.broken.items():
        yield (
            f"The serializer {in_words(label)} cannot be used: {why}. Values are stored without it. "
            f"Mend, update or uninstall {label.partition('@')[2]}."
        )
