"""Places of results, as users write them."""

from __future__ import annotations

import os
import re
from pathlib import Path

from msgspec import Struct

from stepwell.exceptions import StoreUnavailable, UsageError
from stepwell.metadata_store.address import without_password
from stepwell.settings.kinds import check_index_address, index_of, is_index_address, unavailable_place
from stepwell.settings.settings import DATASTORE_NAME, Settings, Value

METADATA_FILE = "metadata.db"

SPIN_NAME = ".stepwell_spin"
"""Folder of the datastore that results of `spin` are kept in."""

BELOW_FILE = "below"
"""File in it that names the datastore which it lies over, relative to it."""

# What addresses that are no plain directories begin with; a directory may have an @ in its name as well.
_ADDRESS = re.compile(r"([A-Za-z0-9+]+)(://|@)")


class Place(Struct, frozen=True):
    """Where results are, and where their index is.

    Attributes
    ----------
    root
        Directory of the datastore.
    index
        Address of the index, with all that it takes to connect; empty if it is a file in ``root``.
    """

    root: Path
    index: str = ""

    @property
    def location(self) -> str:
        """The place as users are told it: the address without its password, or ``local@DIRECTORY``."""
        return without_password(self.index) if self.index else f"local@{self.root}"


def place_of_settings(settings: Settings) -> Place:
    """Return the place that the settings name.

    Raises
    ------
    UsageError
        It is none that this version can open.
    """
    return Place(root=settings.datastore_root, index=index_of(settings))


def place_of(spec: str, settings: Settings, root: Path | None = None) -> Place:
    """Return the place that a user, or a connection, names.

    Parameters
    ----------
    root
        Where results lie if the text is the address of an index alone; None is what the settings say.

    Raises
    ------
    UsageError
        It is none that this version can open.
    """
    spec = spec.removeprefix("service@")  # as users of Metaflow write it
    if not is_index_address(spec):
        return Place(root_of(spec))
    check_index_address(Value(spec, "as given"))
    return Place(root or settings.datastore_root, _with_password(spec, settings))


def _with_password(address: str, settings: Settings) -> str:
    """Return the address as the settings have it, if they have it: places are kept without passwords."""
    known = (settings.text(name) for name in ("DEFAULT_METADATA", "POSTGRES_URL"))
    if address == without_password(address):
        return next((other for other in known if without_password(other) == address), address)
    return address


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


def existing_place(spec: str, settings: Settings) -> Place:
    """Return a place, raising what `place_of` raises.

    Raises
    ------
    StoreUnavailable
        There is no such directory.
    """
    place = place_of(spec, settings)
    if not is_there(place.root):
        raise StoreUnavailable(
            f"There are no results in {place.root}: there is no such directory, or none to see."
        )
    return place


def is_there(path: Path) -> bool:
    """Whether something can be seen there. Nothing is raised where a folder on the way may not be entered."""
    return os.path.exists(path)  # noqa: PTH110 - pathlib's does
