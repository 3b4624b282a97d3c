"""Values to bytes and back: MessagePack behind one byte that states the version."""

from __future__ import annotations

import functools
from typing import Any, TypeVar, cast

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
    return _PREFIX + packed(value)


def packed(value: object) -> bytes:
    r"""Return the value as MessagePack; what is no Unicode in its texts is escaped, such as ``\udcff``.

    Messages of errors, names of files and arguments may hold such text. No result is lost for it.
    """
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        return _encoder.encode(escaped(value))


def escaped(value: object) -> object:
    """Return the value as plain lists, dicts and scalars, with every text in it made Unicode."""
    return _escaped(msgspec.to_builtins(value, builtin_types=(bytes, bytearray)))


def _escaped(value: object) -> object:
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, dict):
        items = cast("dict[Any, Any]", value).items()
        return {_escaped(key): _escaped(kept) for key, kept in items}
    if isinstance(value, list | tuple):
        return [_escaped(item) for item in cast("list[Any]", value)]
    return value


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
