"""What installed distributions offer to Stepwell: one group of entry points, one name for each plugin.

The name says what the plugin is, so that nothing is imported to know it: ``KIND.NAME = MODULE:OBJECT``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

from msgspec import Struct

from stepwell.plugins.entry_points import Distribution, EntryPoint, entry_points

T = TypeVar("T")

GROUP = "stepwell.plugins"

KINDS: Mapping[str, str] = {
    "step_decorator": "step decorator",
    "flow_decorator": "flow decorator",
    "engine": "engine",
    "serializer": "serializer",
    "command": "command",
}
"""What plugins there are, as entry points and as sentences name them."""

# Names stand in manifests, messages and command lines.
_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")


class PluginFailed(Exception):
    """A plugin cannot be used; the message says why."""


class Offer(Struct, frozen=True):
    """A plugin as its entry point announces it."""

    kind: str
    name: str
    entry_point: EntryPoint

    @property
    def distribution(self) -> Distribution:
        """Who offers it."""
        return self.entry_point.distribution

    @property
    def label(self) -> str:
        """``NAME@DISTRIBUTION``, which later versions have as well."""
        return f"{self.name}@{self.distribution.name}"

    @property
    def title(self) -> str:
        """What sentences call it."""
        return f"{KINDS[self.kind]} `{self.name}` of {self.distribution}"

    @property
    def remedy(self) -> str:
        """What to do if it cannot be used."""
        return f"Mend, update or uninstall {self.distribution.name}."

    def load(self) -> object:
        """Import what is offered.

        Raises
        ------
        PluginFailed
            Its name is none, or importing it failed; whatever it raised is the cause.
        """
        for name in (self.name, self.distribution.name):
            if _NAME.fullmatch(name) is None:
                raise PluginFailed(f"{name!r} is no name; letters, digits and `._-` make one")
        try:
            return self.entry_point.load()
        except Exception as error:
            why = f"{type(error).__name__}: {error} (entry point {self.entry_point.value!r})"
            raise PluginFailed(why) from error

    def load_class(self, port: type[T]) -> type[T]:
        """Import what is offered, which must be a subclass of ``port``.

        Raises
        ------
        PluginFailed
            As for `load`, or it is something else.
        """
        found = self.load()
        if not isinstance(found, type) or not issubclass(found, port):
            raise PluginFailed(
                f"it is no subclass of {port.__module__}.{port.__name__} "
                f"(entry point {self.entry_point.value!r})"
            )
        return found

    def make(self, port: type[T]) -> T:
        """Import what is offered, which must be a subclass of ``port``, and make one without arguments.

        Raises
        ------
        PluginFailed
            As for `load_class`, or making it failed; whatever it raised is the cause.
        """
        kind = self.load_class(port)
        try:
            return kind()
        except Exception as error:
            raise PluginFailed(f"{type(error).__name__}: {error}") from error


def offers(kind: str | None = None) -> tuple[Offer, ...]:
    """Return what is offered of a kind, or of all, in the order of ``sys.path``; looks again each time."""
    return tuple(
        Offer(found, name, point)
        for point in entry_points(GROUP)
        for found, _, name in (point.name.partition("."),)
        if found in KINDS and kind in (None, found)
    )


def offered(kind: str, name: str) -> Offer | None:
    """Return the first plugin of a kind and name, or None."""
    return next((offer for offer in offers(kind) if offer.name == name), None)


def strangers() -> tuple[EntryPoint, ...]:
    """Return entry points that are of no kind which this version knows."""
    return tuple(point for point in entry_points(GROUP) if point.name.partition(".")[0] not in KINDS)
