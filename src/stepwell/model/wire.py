"""Values to bytes and back: MessagePack behind one byte that states the version."""

from __future__ import annotations

import functools
from typing import TypeVar

import msgspec

WIRE_VERSION = 1
_PREFIX = bytes([WIRE_VERSION])
_encoder = msgspec.msgpack.Encoder()

T = TypeVar("T")


class WireError(Exception):
    """Bytes that are no value of the expected kind, or of a version that this program does not know."""


@functools.cache
def _decoder(kind: type[T]) -> msgspec.msgpack.Decoder[T]:
    return msgspec.msgpack.Decoder(kind)


def encode(value: object) -> bytes:
    """Return the value's bytes."""
    return _PREFIX + _encoder.encode(value)


def decode(data: bytes | memoryview, kind: type[T]) -> T:
    """Return the value of type ``kind`` that ``data`` holds.

    Raises
    ------
    WireError
        The bytes are damaged, of another kind, or of a newer version.
    """
    if not data or data[0] != WIRE_VERSION:
        found = data[0] if data else "nothing"
        raise WireError(f"version {WIRE_VERSION} of the wire format was expected, found {found}")
    try:
        return _decoder(kind).decode(memoryview(data)[1:])
    except msgspec.MsgspecError as error:
        raise WireError(f"these bytes are no {kind.__name__}: {error}") from error
