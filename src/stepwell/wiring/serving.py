"""The index that a server lets others use."""

from __future__ import annotations

from collections.abc import Callable

from stepwell.exceptions import StepwellNotFound, UsageError
from stepwell.metadata_store.store import MetadataStore
from stepwell.settings.places import place_of_settings
from stepwell.settings.settings import Settings
from stepwell.wiring.stores import Stores, open_both, open_index, open_stores

_LOCK_S = 5.0
"""How long the server waits for a lock: clients wait longer, and say so."""


def index_to_serve(settings: Settings, create: bool) -> tuple[str, Callable[[], MetadataStore]]:
    """Return where the index is, and what opens it.

    Parameters
    ----------
    create
        Whether to make a datastore that is not there.

    Raises
    ------
    StepwellNotFound
        There is no datastore at that place.
    UsageError, StoreError
        It cannot be opened.
    """
    place = place_of_settings(settings)
    if place.index.startswith("http"):
        origin = settings.value("DEFAULT_METADATA").origin
        raise UsageError(
            f"A server keeps the metadata itself, and the settings name another server ({origin}). Say where "
            "it keeps it: `stepwell server --metadata local`, or `postgres`."
        )
    try:
        stores = Stores(*open_both(place, settings)) if create else open_stores(settings=settings)
    except StepwellNotFound as error:
        raise StepwellNotFound(
            f"There is no datastore in {place.root}, or no index of it. `stepwell server --create` makes "
            "what is missing; --datastore names another directory."
        ) from error
    stores.metadata.close()
    return place.location, lambda: open_index(place, settings, _LOCK_S)
