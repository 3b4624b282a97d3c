"""Places of results, as users write them."""

from __future__ import annotations

import os
import re
from pathlib import Path

from stepwell.exceptions import StoreUnavailable, UsageError
from stepwell.settings.kinds import unavailable_place
from stepwell.settings.settings import DATASTORE_NAME

METADATA_FILE = "metadata.db"

SPIN_NAME = ".stepwell_spin"
"""Folder of the datastore that results of `spin` are kept in."""

BELOW_FILE = "below"
"""File in it that names the datastore which it lies over, relative to it."""

# What addresses that are no plain directories begin with; a directory may have an @ in its name as well.
_ADDRESS = re.compile(r"([A-Za-z0-9+]+)(://|@)")


def root_of(spec: str) -> Path:
    """Return the directory that a place names: the datastore itself, or the one that holds it.

    Raises
    ------
    UsageError
        It is no place that this version can open.
    """
    known = _ADDRESS.match(spec)
    if known is not None and known[1] != "local" and not is_there(Path(spec)):
        raise unavailable_place(known[1], known[2])
    place = spec.removeprefix("local@")
    if not place:
        raise UsageError(f"{spec!r} names no place of results. Give a directory, or `local@DIRECTORY`.")
    root = Path(place).expanduser().absolute()
    if is_there(root / METADATA_FILE) or root.name == SPIN_NAME:
        return root
    return root / DATASTORE_NAME if is_there(root / DATASTORE_NAME) else root


def existing_place(spec: str) -> str:
    """Return a place as ``local@DIRECTORY``.

    Raises
    ------
    UsageError
        It is none that this version can open.
    StoreUnavailable
        There is no such directory.
    """
    root = root_of(spec)
    if not is_there(root):
        raise StoreUnavailable(f"There are no results in {root}: there is no such directory, or none to see.")
    return f"local@{root}"


def is_there(path: Path) -> bool:
    """Whether something can be seen there. Nothing is raised where a folder on the way may not be entered."""
    return os.path.exists(path)  # noqa: PTH110 - pathlib's does
