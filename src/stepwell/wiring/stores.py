"""Datastore and index of a directory, opened as the settings say."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from msgspec import Struct

from stepwell.datastore.blobs import Verify
from stepwell.datastore.datastore import Datastore
from stepwell.datastore.existing import must_exist
from stepwell.datastore.format import restore
from stepwell.datastore.layout import MARKER
from stepwell.datastore.serializers import Serializers
from stepwell.datastore.storage import Storage
from stepwell.exceptions import StepwellNotFound, StoreFormatError
from stepwell.metadata_store.store import MetadataStore
from stepwell.settings.choices import chosen
from stepwell.settings.places import (
    BELOW_FILE,
    METADATA_FILE,
    SPIN_NAME,
    Place,
    is_there,
    place_of,
    place_of_settings,
)
from stepwell.settings.settings import Settings
from stepwell.settings.trust import distrust_of
from stepwell.storages.local import LocalStorage
from stepwell.wiring.serializers import installed_serializers

if TYPE_CHECKING:
    from stepwell.runtime.patience import Patience

_LOCK_S = 1.0
"""How long an index itself waits for a lock, which no signal ends. Patience waits longer, and says so."""


class Stores(Struct, frozen=True):
    """Where results are, and the index over them."""

    datastore: Datastore
    metadata: MetadataStore


def open_stores(
    spec: str | None = None,
    settings: Settings | None = None,
    trust: bool | None = None,
    root: Path | None = None,
    tell: Callable[[str], object] | None = None,
) -> Stores:
    """Open the datastore and the index for reading. Nothing is made.

    Parameters
    ----------
    spec
        A directory, ``local@DIRECTORY`` or the address of an index; None is the place that the settings say.
    trust
        Whether values may be loaded that could run code; None decides by who can write there, and by the
        settings.
    root
        Directory of the datastore, where ``spec`` is the address of an index; None is what the settings say.
    tell
        Gets words when the index is away and is waited for; None: it is not.

    Raises
    ------
    UsageError
        ``spec`` names a kind that is not installed.
    StepwellNotFound
        There is no datastore at that place.
    StoreError
        It is no datastore, or cannot be read.
    """
    if settings is None:
        from stepwell.settings.sources import load_settings

        settings = load_settings()
    place = place_of_settings(settings) if spec is None else place_of(spec, settings, root)
    below = below_of(place.root)
    distrust = distrust_of(place.root, settings, trust) or (below and distrust_of(below, settings, trust))
    serializers = Serializers(installed_serializers, distrust or None)
    if place.index and tell is not None:
        return _waiting(place, settings, serializers, tell)
    if place.index:
        return Stores(*_open_beside_index(place, settings, serializers))
    if not os.path.isfile(place.root):  # noqa: PTH113 - pathlib raises where a parent may not be entered
        must_exist(LocalStorage(place.root), is_there(place.root / METADATA_FILE))
    return Stores(*open_both(place, settings, serializers))


def _waiting(
    place: Place, settings: Settings, serializers: Serializers, tell: Callable[[str], object]
) -> Stores:
    from stepwell.runtime.patience import Patience  # few tasks ask
    from stepwell.runtime.patient_stores import PatientMetadata

    patience = Patience(settings.number("STORE_PATIENCE"), tell)
    datastore, index = patience(lambda: _open_beside_index(place, settings, serializers))
    return Stores(datastore, PatientMetadata(index, patience))


def _open_beside_index(
    place: Place, settings: Settings, serializers: Serializers
) -> tuple[Datastore, MetadataStore]:
    """Open an index of its own place and the datastore, neither of which is made."""
    storage = LocalStorage(place.root)
    try:
        index = open_index(place, settings, make=False)
    except StepwellNotFound:
        must_exist(storage, has_index=False)
        raise
    try:
        must_exist(storage)
        return open_datastore(place.root, settings, serializers), index
    except BaseException:
        index.close()
        raise


def open_metadata(settings: Settings) -> MetadataStore:
    """Open the index for reading, of whatever datastore: one of its own place is read without any.

    Raises what `open_stores` raises.
    """
    place = place_of_settings(settings)
    if not place.index:
        return open_stores(settings=settings).metadata
    try:
        return open_index(place, settings, make=False)
    except StepwellNotFound:
        with contextlib.suppress(StepwellNotFound):  # without results, nothing is missing in the index
            must_exist(LocalStorage(place.root), has_index=False)
        raise


def make_stores(root: Path, settings: Settings) -> Stores:
    """Open the datastore of a directory and the index in it; what is not there is made."""
    return Stores(*open_both(Place(root), settings))


def stores_to_reindex(settings: Settings) -> tuple[Stores, tuple[str, ...]]:
    """Open a datastore whose index is to be made anew; say in words what had to be mended for that."""
    place = place_of_settings(settings)
    root, storage = place.root, LocalStorage(place.root)
    restored = restore(storage)
    must_exist(storage)
    mended = (f"{root / MARKER} was lost; it is restored.",) if restored else ()
    if not place.index:
        from stepwell.metadata_stores.sqlite_rescue import set_aside_if_damaged

        kept = set_aside_if_damaged(root / METADATA_FILE)
        if kept is not None:
            mended = (*mended, f"{root / METADATA_FILE} was damaged; it is kept as {kept.name}.")
    return Stores(*open_both(place, settings)), mended


def open_both(
    place: Place,
    settings: Settings,
    serializers: Serializers | None = None,
    patience: Patience | None = None,
) -> tuple[Datastore, MetadataStore]:
    """Open the datastore and the index of a place, with patience if it is given; what is missing is made."""
    datastore = open_datastore(place.root, settings, serializers, patience)
    if patience is None:
        return datastore, open_index(place, settings)
    from stepwell.runtime.patient_stores import PatientMetadata

    index = patience(lambda: open_index(place, settings, _LOCK_S))
    return datastore, PatientMetadata(index, patience)


def open_index(
    place: Place, settings: Settings, lock_s: float | None = None, make: bool = True
) -> MetadataStore:
    """Open the index of a place.

    Parameters
    ----------
    lock_s
        How long to wait for other writers; None is what the settings say.
    make
        Whether to make it if it is not there.

    Raises
    ------
    UsageError
        What reads an index of this kind is not installed.
    StepwellNotFound
        It is not there, and is not to be made.
    StoreError
        It cannot serve.
    """
    lock_s = settings.number("STORE_PATIENCE") if lock_s is None else lock_s
    if place.index:
        from stepwell.wiring.indexes import index_at

        return index_at(place.index, settings, lock_s, make)
    from stepwell.metadata_stores.sqlite import SqliteMetadata

    file = place.root / METADATA_FILE
    # Results on a read-only disk, or of somebody else, can be read; whoever tries to write is told.
    readonly = is_there(file) and not (os.access(place.root, os.W_OK) and os.access(file, os.W_OK))
    return SqliteMetadata(file, readonly, lock_s)


def open_datastore(
    root: Path,
    settings: Settings,
    serializers: Serializers | None = None,
    patience: Patience | None = None,
) -> Datastore:
    if is_there(root) and not root.is_dir():
        raise StoreFormatError(
            f"{root} is a file, not a directory. Choose another place with --datastore-root."
        )
    serializers = serializers or Serializers(installed_serializers)
    return Datastore.open(storage_of(root, patience), verify_of(settings), serializers)


def storage_of(root: Path, patience: Patience | None) -> Storage:
    """Return the storage of a directory, with patience if it is given."""
    if patience is None:
        return plain_storage(root)
    from stepwell.runtime.patient_stores import PatientStorage

    return PatientStorage(plain_storage(root), patience)


def plain_storage(root: Path) -> Storage:
    """Return the storage of a directory. That of `spin` lies over the datastore which it took inputs from."""
    below = below_of(root)
    if below is None:
        return LocalStorage(root)
    from stepwell.storages.overlay import OverlayStorage

    return OverlayStorage(LocalStorage(root), LocalStorage(below))


def below_of(root: Path) -> Path | None:
    """Return the datastore that a directory of `spin` lies over; None for any other directory."""
    below = place_below(root)
    return None if below is None else below.root


def place_below(root: Path) -> Place | None:
    """Return the datastore that a directory of `spin` lies over, with the index that the spin was given."""
    file = root / BELOW_FILE
    if root.name != SPIN_NAME or not file.is_file():
        return None
    below, _, index = file.read_text(encoding="utf-8").partition("\0")  # which no path has
    return Place(Path(os.path.normpath(root / below)), index)


def verify_of(settings: Settings) -> Verify:
    return cast("Verify", chosen(settings, "VERIFY"))
