"""The default serializer: pickle protocol 5 with large buffers out of band."""

from __future__ import annotations

import copyreg
import pickle
from collections import ChainMap
from collections.abc import Callable
from typing import NoReturn, cast

from stepwell.datastore import flow_file
from stepwell.datastore.out_of_band import reducers
from stepwell.datastore.serializer import Pieces, Serializer
from stepwell.datastore.storage import Buffer

# Buffers smaller than this stay inside the pickle: a mapping is not worth it.
OUT_OF_BAND_FROM = 16 * 1024
ALIGNMENT = 64

# A pickle starts with 0x80, so one byte tells the two layouts apart.
_MAGIC = b"SWB1"
_HEAD = len(_MAGIC) + 4 + 8
_SIMPLE = frozenset((type(None), bool, int, float, str))


class PickleSerializer(Serializer):
    """Pickle, protocol 5.

    Without large buffers the bytes are a plain pickle. Otherwise they are ``SWB1``, the number of buffers (4
    bytes), the length of the pickle (8), offset and length of each buffer (8 + 8), the pickle, and
    the buffers at multiples of 64.
    """

    types = ("object",)

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
        stream, buffers = _taken_apart(data)
        return pickle.loads(stream, buffers=buffers)


class NotPlain(Exception):
    """The bytes are no pickle of plain data."""


def load_plain(data: memoryview) -> object:
    """Return a value made of None, numbers, text, bytes, lists, tuples, dicts and sets alone.

    Everything else in a pickle comes from a function or class that it names, and none is looked up: whoever
    wrote the bytes cannot have anything run.

    Raises
    ------
    NotPlain
        The value is of another kind, or the bytes are no pickle.
    """
    from io import BytesIO  # values of one's own are read without it

    try:
        stream, buffers = _taken_apart(data)
        return _PlainUnpickler(BytesIO(stream), buffers=buffers).load()
    except Exception as error:
        # Bytes made to do harm may fail in any way.
        raise NotPlain(str(error)) from error


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> NoReturn:
        raise NotPlain(f"it is made with {module_name}.{global_name}")


def buffer_places(data: memoryview | bytes) -> list[tuple[int, int]]:
    """Offset and length of each out-of-band buffer of a pickled value."""
    if bytes(data[:4]) != _MAGIC:
        return []
    count = int.from_bytes(data[4:8], "little")
    table = memoryview(data)[_HEAD : _HEAD + 16 * count].cast("Q")
    return [(table[i], table[i + 1]) for i in range(0, 2 * count, 2)]


def _taken_apart(data: memoryview) -> tuple[memoryview, list[memoryview]]:
    """Return the pickle itself, and its out-of-band buffers."""
    places = buffer_places(data)
    if not places:
        return data, []
    start = _HEAD + 16 * len(places)
    length = int.from_bytes(data[8:16], "little")
    return data[start : start + length], [data[offset : offset + size] for offset, size in places]


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

    writer = pickler(chunks, protocol=5, buffer_callback=out_of_band)
    if special := reducers():
        writer.dispatch_table = ChainMap(special, getattr(writer, "dispatch_table", copyreg.dispatch_table))
    writer.dump(value)
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
