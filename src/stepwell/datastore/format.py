"""The format version that every datastore states, and its check."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import cast

import msgspec

from stepwell.datastore.layout import MARKER
from stepwell.datastore.run_records import RunRecords
from stepwell.datastore.storage import Storage
from stepwell.exceptions import StoreFormatError

FORMAT_VERSION = 1

# These may lie in the same folder, and be there first: the index, the project's settings, reports of errors.
_ALLOWED_BESIDE = ("metadata", "config.json", "errors/")
_LOOKED_AT = 10


def is_datastore(storage: Storage) -> bool:
    """Return whether the storage is a datastore that this program knows; False if it holds nothing yet.

    Raises
    ------
    StoreFormatError
        It was made by a newer version, or holds something else.
    """
    marker = storage.read(MARKER)
    if marker is None:
        stranger = next(_strangers(storage), None)
        marker = storage.read(MARKER)  # somebody may have made it meanwhile
        if marker is None and stranger is None:
            return False
        if marker is None:
            raise StoreFormatError(f"{storage.location} {_lacks_marker(storage, str(stranger))}")
    found = _version(marker)
    if found is None:
        raise StoreFormatError(
            f"{storage.location} states no format: its {MARKER} cannot be read. {_REMEDY}"
            if _holds_results(storage)
            else f"{storage.location} is not a Stepwell datastore: its {MARKER} cannot be read."
        )
    if found > FORMAT_VERSION:
        raise StoreFormatError(
            f"the datastore {storage.location} has format {found}; this version of Stepwell knows formats "
            f"up to {FORMAT_VERSION}. Upgrade Stepwell, or choose another datastore."
        )
    return True


def prepare(storage: Storage) -> None:
    """Make the storage a datastore if it is empty; else check that it is one that this program knows.

    Several processes may do this at once.

    Raises
    ------
    StoreFormatError
        It was made by a newer version, or is no datastore.
    """
    if not is_datastore(storage):
        storage.write(MARKER, [_marker()])
        is_datastore(storage)


def restore(storage: Storage) -> bool:
    """Give a datastore back the statement of its format if that was lost; return whether it was.

    Packs state the version of their own bytes as well, so that none is taken for what it is not.
    """
    marker = storage.read(MARKER)
    if (marker is not None and _version(marker) is not None) or not _holds_results(storage):
        return False
    storage.replace(MARKER, _marker())
    return True


_REMEDY = "If the file was lost, `stepwell reindex` restores it."


def _lacks_marker(storage: Storage, stranger: str) -> str:
    if _holds_results(storage):
        return f"has lost its {MARKER}, by which a datastore is known. `stepwell reindex` restores it."
    return (
        f"is not a Stepwell datastore: it has no {MARKER}, but holds {stranger}. "
        "Choose an empty folder or an existing datastore."
    )


def _strangers(storage: Storage) -> Iterator[str]:
    return (key for key in storage.list("") if not key.startswith(_ALLOWED_BESIDE))


def _holds_results(storage: Storage) -> bool:
    """Whether there are records of runs, which nothing but a datastore has."""
    return any(kept.record is not None for kept in islice(RunRecords(storage).all(), _LOOKED_AT))


def _marker() -> bytes:
    return msgspec.json.encode({"format": FORMAT_VERSION}) + b"\n"


def _version(marker: bytes) -> int | None:
    try:
        content = msgspec.json.decode(marker)
    except msgspec.DecodeError:
        return None
    found = cast("dict[str, object]", content).get("format") if isinstance(content, dict) else None
    return found if isinstance(found, int) else None
