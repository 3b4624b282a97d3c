"""Entry points of installed distributions.

The files are read here and not by `importlib.metadata`, whose import costs far more than looking through an
environment: nearly every run finds nothing, and must not wait for that.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from importlib import import_module

from msgspec import Struct

_FOLDERS = (".dist-info", ".egg-info")
_MOST_BYTES = 1 << 20


class Distribution(Struct, frozen=True):
    """What was installed: its name as it is installed by, and its version."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}".rstrip()


class EntryPoint(Struct, frozen=True):
    """One entry point. ``value`` is ``MODULE:OBJECT``."""

    name: str
    value: str
    distribution: Distribution

    def load(self) -> object:
        """Import what it names. Whatever the module raises comes through."""
        module, _, path = self.value.partition("[")[0].strip().partition(":")
        found: object = import_module(module)
        for name in path.split(".") if path else ():
            found = getattr(found, name)
        return found


def entry_points(group: str) -> tuple[EntryPoint, ...]:
    """Return the entry points of a group, in the order of ``sys.path``; looks again each time.

    Of a distribution that is installed twice the first one counts, as it does for imports.
    """
    found: list[EntryPoint] = []
    seen: set[str] = set()
    for place in dict.fromkeys(sys.path):
        for distribution, text in _declaring(place, group):
            key = re.sub(r"[-_.]+", "-", distribution.name).lower()
            if key not in seen:
                seen.add(key)
                found += (EntryPoint(name, value, distribution) for name, value in _section(text, group))
    return tuple(found)


def _declaring(place: str, group: str) -> Iterator[tuple[Distribution, str]]:
    """Yield each distribution of a folder whose entry points mention the group, and their text."""
    mark = group.encode()
    try:
        with os.scandir(place or os.curdir) as entries:
            folders = sorted(entry.path for entry in entries if entry.name.endswith(_FOLDERS))
    except NotADirectoryError:
        yield from _packed(place, group)
        return
    except OSError:
        return  # what is not there, or may not be read, is not imported from either
    for folder in folders:
        data = _content(f"{folder}/entry_points.txt")
        if mark in data:
            yield _distribution_of(folder), data.decode(errors="replace")


def _packed(place: str, group: str) -> Iterator[tuple[Distribution, str]]:
    """The same for an archive, such as a zipped application."""
    from importlib.metadata import distributions  # slow to import, and only an archive needs it

    for distribution in distributions(path=[place]):
        text = distribution.read_text("entry_points.txt") or ""
        if group in text:
            yield Distribution(distribution.metadata["Name"], distribution.version), text


def _content(path: str) -> bytes:
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError:
        return b""  # most distributions have none
    try:
        return os.read(fd, _MOST_BYTES)
    finally:
        os.close(fd)


def _distribution_of(folder: str) -> Distribution:
    title = os.path.basename(folder).rpartition(".")[0]  # noqa: PTH119 - see the imports
    name, _, version = title.partition("-")
    said = {"name": name, "version": version.partition("-")[0]}
    for file in ("PKG-INFO", "METADATA"):
        head = _content(f"{folder}/{file}").decode(errors="replace").partition("\n\n")[0]
        for line in head.splitlines():
            key, colon, value = line.partition(":")
            if colon and key.lower() in said:
                said[key.lower()] = value.strip()
    return Distribution(said["name"], said["version"])


def _section(text: str, group: str) -> Iterator[tuple[str, str]]:
    """Yield the names and values below ``[group]``."""
    inside = False
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            inside = line == f"[{group}]"
        elif inside and line and line[0] not in "#;":
            name, _, value = line.partition("=")
            yield name.strip(), value.strip()
