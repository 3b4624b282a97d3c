"""The format version that every datastore states, and its check."""

from __future__ import annotations

from typing import cast

import msgspec

from stepwell.datastore.layout import MARKER
from stepwell.datastore.storage import Storage
from stepwell.exceptions import StoreFormatError

FORMAT_VERSION = 1

# The index may lie in the same folder, and may be there first.
_ALLOWED_BESIDE = "metadata"


def prepare(storage: Storage) -> None:
    """Make the storage a datastore if it is empty; else check that it is one that this program knows.

    Several processes may do this at once.

    Raises
    ------
    StoreFormatError
        It was made by a newer version, or is no datastore.
    """
    marker = storage.read(MARKER)
    if marker is None:
        stranger = next((key for key in storage.list("") if not key.startswith(_ALLOWED_BESIDE)), None)
        if stranger is not None and storage.read(MARKER) is None:
            raise StoreFormatError(
                f"{storage.location} is not a Stepwell datastore: it has no {MARKER}, but holds {stranger}. "
                "Choose an empty folder or an existing datastore."
            )
        storage.write(MARKER, [msgspec.json.encode({"format": FORMAT_VERSION}) + b"\n"])
        marker = storage.read(MARKER) or b""
    found = _version(marker)
    if found is None:
        raise StoreFormatError(
            f"{storage.location} is not a Stepwell datastore: its {MARKER} cannot be read."
        )
    if found > FORMAT_VERSION:
        raise StoreFormatError(
            f"the datastore {storage.location} has format {found}; this version of Stepwell knows formats "
            f"up to {FORMAT_VERSION}. Upgrade Stepwell, or choose another datastore."
        )


def _version(marker: bytes) -> int | None:
    try:
        content = msgspec.json.decode(marker)
    except msgspec.DecodeError:
        return None
    found = cast("dict[str, object]", content).get("format") if isinstance(content, dict) else None
    return found if isinstance(found, int) else None
