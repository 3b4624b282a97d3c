"""Values to bytes and back, by type. The default is pickle protocol 5 with large buffers out of band."""

from __future__ import annotations

import pickle
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import cast

from stepwell.datastore import flow_file
from stepwell.datastore.storage import Buffer
from stepwell.exceptions import DataException

# Buffers smaller than this stay inside the pickle: a mapping is not worth it.
OUT_OF_BAND_FROM = 16 * 1024
ALIGNMENT = 64

# A pickle starts with 0x80, so one byte tells the two layouts apart.
_MAGIC = b"SWB1"
_HEAD = len(_MAGIC) + 4 + 8
_SIMPLE = frozenset((type(None), bool, int, float, str))

Pieces = Sequence[Buffer]


class Serializer(ABC):
    """Writes and reads values of some types."""

    name: str

    @abstractmethod
    def accepts(self, value: object) -> bool:
        """Return whether this serializer wants the value; decide by type, quickly."""

    @abstractmethod
    def dump(self, value: object) -> Pieces:
        """Return the bytes in pieces, without copying large buffers. Any exception means it cannot."""

    @abstractmethod
    def load(self, data: memoryview) -> object:
        """Return the value. ``data`` is private and writable; the value may keep views of it."""


class PickleSerializer(Serializer):
    """Pickle, protocol 5.

    Without large buffers the bytes are a plain pickle. Otherwise they are ``SWB1``, the number of buffers (4
    bytes), the length of the pickle (8), offset and length of each buffer (8 + 8), the pickle, and
    the buffers at multiples of 64.
    """

    name = "pickle"

    def accepts(self, value: object) -> bool:  # noqa: ARG002 - the port names it
        return True

    def dump(self, value: object) -> Pieces:
        kind = type(value)
        if kind in _SIMPLE:
            return (pickle.dumps(value, 5),)
        if kind is bytes:
            return _pickled_bytes(cast("bytes", value))
        try:
            stream, buffers = _dump(pickle.Pickler, value)
        except Exception:  # noqa: BLE001 - whatever plain pickle cannot do, the slower one may
            stream, buffers = flow_file.dump(_dump, value)
        else:
            if flow_file.mentioned_in(stream):
                stream, buffers = flow_file.dump(_dump, value)
        return _laid_out(stream, buffers) if buffers else stream

    def load(self, data: memoryview) -> object:
        if bytes(data[:4]) != _MAGIC:
            return pickle.loads(data)
        count = int.from_bytes(data[4:8], "little")
        length = int.from_bytes(data[8:16], "little")
        start = _HEAD + 16 * count
        return pickle.loads(
            data[start : start + length],
            buffers=[data[offset : offset + size] for offset, size in buffer_places(data)],
        )


def buffer_places(data: memoryview | bytes) -> list[tuple[int, int]]:
    """Offset and length of each out-of-band buffer of a pickled value."""
    if bytes(data[:4]) != _MAGIC:
        return []
    count = int.from_bytes(data[4:8], "little")
    table = memoryview(data)[_HEAD : _HEAD + 16 * count].cast("Q")
    return [(table[i], table[i + 1]) for i in range(0, 2 * count, 2)]


class _Chunks:
    """A file for the pickler: keeps what it is given, so that large bytes are not copied."""

    __slots__ = ("pieces", "write")

    def __init__(self) -> None:
        self.pieces: list[Buffer] = []
        self.write = self.pieces.append


PicklerClass = Callable[..., pickle.Pickler]
Dumped = tuple[list[Buffer], list[memoryview]]


def _dump(pickler: PicklerClass, value: object) -> Dumped:
    chunks = _Chunks()
    buffers: list[memoryview] = []

    def out_of_band(buffer: pickle.PickleBuffer) -> bool:
        view = buffer.raw()
        if view.nbytes < OUT_OF_BAND_FROM:
            return True
        buffers.append(view)
        return False

    pickler(chunks, protocol=5, buffer_callback=out_of_band).dump(value)
    return chunks.pieces, buffers


def _pickled_bytes(value: bytes) -> Pieces:
    if len(value) < OUT_OF_BAND_FROM:
        return (pickle.dumps(value, 5),)
    # PROTO 5, BINBYTES8, length, the bytes themselves, STOP: a pickle made without copying them.
    return (b"\x80\x05\x8e" + len(value).to_bytes(8, "little"), value, b".")


def _laid_out(stream: list[Buffer], buffers: list[memoryview]) -> Pieces:
    length = sum(len(piece) for piece in stream)
    table = bytearray()
    pieces: list[Buffer] = [b"", *stream]
    at = _HEAD + 16 * len(buffers) + length
    for buffer in buffers:
        padding = -at % ALIGNMENT
        at += padding
        table += at.to_bytes(8, "little") + buffer.nbytes.to_bytes(8, "little")
        pieces += (bytes(padding), buffer)
        at += buffer.nbytes
    pieces[0] = _MAGIC + len(buffers).to_bytes(4, "little") + length.to_bytes(8, "little") + bytes(table)
    return pieces


class Serializers:
    """The ordered choice: the first that accepts a value and can write it does.

    Parameters
    ----------
    special
        Serializers asked before pickle, in this order.
    """

    def __init__(self, special: Sequence[Serializer] = ()) -> None:
        self._pickle = PickleSerializer()
        self._special = tuple(special)
        self._by_name: dict[str, Serializer] = {s.name: s for s in (self._pickle, *special)}

    def dump(self, value: object) -> tuple[str, Pieces]:
        """Return the name of the serializer that took the value, and the bytes in pieces."""
        for serializer in self._special:
            if serializer.accepts(value):
                return serializer.name, serializer.dump(value)
        return "pickle", self._pickle.dump(value)

    def load(self, name: str, data: memoryview) -> object:
        """Return the value that the serializer ``name`` wrote.

        Raises
        ------
        DataException
            There is no such serializer here.
        """
        serializer = self._by_name.get(name)
        if serializer is None:
            raise DataException(
                f"the value was written by the serializer {name!r}, which is not installed here; "
                f"known: {', '.join(sorted(self._by_name))}."
            )
        return serializer.load(data)
