"""A pack as bytes: ``SWP1``, length (4), first 16 bytes of its BLAKE3, the pack itself."""

from __future__ import annotations

import blake3
from msgspec import Struct

from stepwell.datastore.remedies import RESULT_LOST
from stepwell.exceptions import BlobCorrupted, StoreFormatError
from stepwell.model import wire
from stepwell.model.pack import Pack

_MAGIC = b"SWP1"
_HEAD = 24


class DamagedPack(Struct, frozen=True):
    """A pack that cannot be read.

    Attributes
    ----------
    key
        Its place in the storage.
    """

    key: str


def pack_bytes(pack: Pack) -> bytes:
    """Return the file's bytes."""
    body = wire.encode(pack)
    return _MAGIC + len(body).to_bytes(4, "little") + blake3.blake3(body).digest(16) + body


def is_torn(data: bytes) -> bool:
    """Return whether a power cut came before all of the file was on disk. Such a pack was never committed."""
    return (
        len(data) < _HEAD
        or not any(data[:_HEAD])
        or (data[:4] == _MAGIC and len(data) < _HEAD + int.from_bytes(data[4:8], "little"))
    )


def is_whole(data: bytes) -> bool:
    """Return whether these are the bytes of a pack as they were written."""
    intact = data[:4] == _MAGIC and blake3.blake3(memoryview(data)[_HEAD:]).digest(16) == data[8:_HEAD]
    return intact and not is_torn(data)


def open_pack(data: bytes, where: str) -> Pack | None:
    """Return the pack, or None if it is torn.

    Raises
    ------
    BlobCorrupted
        The bytes are whole, but not those that were written.
    """
    if is_torn(data):
        return None
    if not is_whole(data):
        raise BlobCorrupted(f"The pack {where} does not have the bytes that were written. {RESULT_LOST}")
    try:
        return wire.decode(memoryview(data)[_HEAD:], Pack)
    except wire.WireError as error:
        raise StoreFormatError(f"The pack {where} cannot be read: {error}.") from error
