"""The plugins of one port, ready to use; for those that are not, why."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Generic, TypeVar

from msgspec import Struct

from stepwell.plugins.entry_points import Offer, offers

T = TypeVar("T")

# Names stand in manifests and messages.
_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")


class Registered(Struct, Generic[T], frozen=True):
    """What is installed for a port. Names are ``NAME@DISTRIBUTION``.

    Attributes
    ----------
    usable
        An object of each class.
    broken
        Why others cannot be used.
    """

    usable: Mapping[str, T]
    broken: Mapping[str, str]


def registered(group: str, port: type[T]) -> Registered[T]:
    """Import and make every plugin of a group of entry points."""
    usable: dict[str, T] = {}
    broken: dict[str, str] = {}
    for offer in offers(group):
        name = f"{offer.name}@{offer.distribution}"
        try:
            usable[name] = _made(offer, port)
        except Exception as error:  # noqa: BLE001 - importing foreign code may raise anything; it is told on use
            broken[name] = f"{type(error).__name__}: {error} (entry point {offer.value!r})"
    return Registered(usable, broken)


def _made(offer: Offer, port: type[T]) -> T:
    for name in (offer.name, offer.distribution):
        if _NAME.fullmatch(name) is None:
            raise ValueError(f"{name!r} is no name; letters, digits and `._-` make one")
    found = offer.load()
    if not isinstance(found, type) or not issubclass(found, port):
        raise TypeError(f"it is no subclass of {port.__module__}.{port.__name__}")
    return found()
