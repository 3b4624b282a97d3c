"""Which files are a flow's code: the tree that its file lies in, by suffix."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Sequence

from msgspec import Struct

from stepwell.definition.first_party import is_installed
from stepwell.definition.import_place import root_of

MOST_ENTRIES = 20_000
"""A tree with more files and folders, such as a home directory, is no project: what is imported is taken."""

MOST_BYTES = 64 * 1024 * 1024


class Source(Struct, frozen=True, array_like=True):
    """A file, by its name in the package (with ``/``) and its path."""

    name: str
    path: str


class Selection(Struct, frozen=True, kw_only=True):
    """What belongs to a package.

    Attributes
    ----------
    script
        Name in the package of the flow's file.
    sources
        Sorted by name.
    note
        Why files that would belong to it are missing; empty if none is.
    """

    script: str
    sources: tuple[Source, ...]
    note: str = ""


class _TooMuch(Exception):
    pass


def select(script: str, suffixes: Sequence[str]) -> Selection:
    """Choose the flow's file, and beside and below it every file that has one of the suffixes.

    Hidden folders, caches, environments and links that lead in a circle are left out.
    """
    root = root_of(script)
    note = ""
    try:
        sources = list(_tree(root, tuple(suffixes)))
    except _TooMuch as reason:
        sources, note = imported(script), f"{reason}; only what was imported at the start is in the package"
    own = _source(root, script)
    if own not in sources:
        sources.append(own)
    return Selection(script=own.name, sources=tuple(sorted(sources, key=lambda s: s.name)), note=note)


def imported(script: str) -> list[Source]:
    """Return the flow's file and the modules beside and below it that are imported now, sorted by name."""
    root = root_of(script)
    found = {_source(root, script)}
    start = root + os.sep
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if isinstance(path, str) and path.startswith(start) and path.endswith(".py"):
            folders = path[len(start) :].split(os.sep)[:-1]  # noqa: PTH206 - hot
            if not any(_is_foreign(folder) for folder in folders):
                found.add(_source(root, path))
    return sorted(found, key=lambda source: source.name)


def _source(root: str, path: str) -> Source:
    path = os.path.abspath(path)  # noqa: PTH100
    return Source(os.path.relpath(path, root).replace(os.sep, "/"), path)


def _is_foreign(folder: str) -> bool:
    return folder.startswith(".") or is_installed(folder)


def _tree(root: str, suffixes: tuple[str, ...]) -> Iterator[Source]:
    entries = size = 0
    seen: set[tuple[int, int]] = set()
    folders = [(root, "")]
    while folders:
        folder, prefix = folders.pop()
        listed = _listed(folder, seen)
        entries += len(listed)
        if entries > MOST_ENTRIES:
            raise _TooMuch(f"{root} holds more than {MOST_ENTRIES:,} files and folders")
        for entry in listed:
            if entry.is_dir():
                if not _is_foreign(entry.name):
                    folders.append((entry.path, f"{prefix}{entry.name}/"))
            elif entry.name.endswith(suffixes) and stat.S_ISREG((found := entry.stat()).st_mode):
                size += found.st_size
                if size > MOST_BYTES:
                    raise _TooMuch(f"the code in {root} has more than {MOST_BYTES >> 20} MiB")
                yield Source(prefix + entry.name, entry.path)


def _listed(folder: str, seen: set[tuple[int, int]]) -> list[os.DirEntry[str]]:
    """Entries of a folder that was not seen yet and is no virtual environment; links are followed."""
    try:
        found = os.stat(folder)  # noqa: PTH116
        if (found.st_dev, found.st_ino) in seen:
            return []
        seen.add((found.st_dev, found.st_ino))
        with os.scandir(folder) as entries:
            listed = [entry for entry in entries if entry.is_dir() or entry.is_file()]
    except OSError:
        return []  # what this user may not read is not code of theirs
    return [] if any(entry.name == "pyvenv.cfg" for entry in listed) else listed
