"""Serializers that installed distributions bring."""

from __future__ import annotations

from collections.abc import Iterator

from stepwell.datastore.serializer import Serializer
from stepwell.datastore.serializers import Found, Serializers, in_words
from stepwell.plugins.offers import PluginFailed, offers


def installed_serializers() -> Found:
    """Return those that can be used, and why others cannot."""
    usable: dict[str, Serializer] = {}
    broken: dict[str, str] = {}
    for offer in offers("serializer"):
        try:
            usable[offer.label] = offer.make(Serializer)
        except PluginFailed as error:
            broken[offer.label] = str(error)
    return usable, broken


def unusable(serializers: Serializers) -> Iterator[str]:
    """Say of each that is installed and cannot be used what is the matter, before values are written."""
    for label, why in serializers.broken.items():
        yield (
            f"The serializer {in_words(label)} cannot be used: {why}. Values are stored without it. "
            f"Mend, update or uninstall {label.partition('@')[2]}."
        )
