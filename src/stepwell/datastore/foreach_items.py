"""The items of a foreach, laid out so that a child reads its own item and 16 bytes more.

A table is ``n + 1`` offsets of 8 bytes, then the records. A record is a checksum (4 bytes), ``V`` (value) or
``B`` (blob), the length of the serializer's name, the name, and the value's bytes or the blob's digest.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import NamedTuple

from stepwell.datastore.layout import blob_key
from stepwell.datastore.preview import label_of
from stepwell.datastore.storage import Buffer, Storage
from stepwell.exceptions import BlobCorrupted, StepwellDataMissing
from stepwell.model.artifact import ItemsRef
from stepwell.model.pack import Pack
from stepwell.model.task import LABELS_KEPT

ITEM_INLINE = 16 * 1024
TABLE_INLINE = 16 * 1024

Dump = Callable[[str, object], tuple[str, Sequence[Buffer], int]]
Put = Callable[[Sequence[Buffer], int], bytes]


class Table(NamedTuple):
    """A finished table: its bytes in pieces, the number of items, and the labels of the first."""

    pieces: tuple[Buffer, ...]
    size: int
    items: int
    labels: tuple[str, ...]


def build(items: Iterable[object], dump: Dump, put: Put) -> Table:
    """Consume the iterable once. What it raises gets a note that says which item was being taken."""
    records = bytearray()
    ends = array("Q", [0])
    labels: list[str] = []
    taken = 0
    try:
        for item in items:
            name, pieces, size = dump(f"item {taken}", item)
            body: Iterable[Buffer] = pieces
            kind = b"V"
            if size > ITEM_INLINE:
                kind, body = b"B", (put(pieces, size),)
            record = b"".join(chain((kind, bytes([len(name)]), name.encode()), body))
            records += zlib.crc32(record).to_bytes(4, "little")
            records += record
            ends.append(len(records))
            if taken < LABELS_KEPT:
                labels.append(label_of(item))
            taken += 1
    except Exception as error:
        error.add_note(f"This happened while item {taken} of the foreach was taken.")
        raise
    start = 8 * len(ends)
    for index in range(len(ends)):
        ends[index] += start
    return Table((ends.tobytes(), bytes(records)), start + len(records), taken, tuple(labels))


def record(storage: Storage, pack: Pack, index: int) -> tuple[str, bytes, bool]:
    """Return serializer, bytes or digest of one item, and whether it is a digest; nothing else is read.

    Raises
    ------
    IndexError
        The task of ``pack`` has opened no foreach with such an item.
    BlobCorrupted, StepwellDataMissing
    """
    items = pack.items
    if items is None or not 0 <= index < items.count:
        raise IndexError(f"{pack.key.pathspec} has no foreach item {index}")
    start, length = _place(_table_bytes(storage, pack, items, 8 * index, 16))
    found = _opened(_table_bytes(storage, pack, items, start, length))
    if found is None:
        raise BlobCorrupted(f"Item {index} of {pack.key.pathspec} does not have the bytes that were written.")
    return found


def _table_bytes(storage: Storage, pack: Pack, items: ItemsRef, start: int, length: int) -> bytes:
    if not items.digest:
        return pack.item_table[start : start + length]
    found = storage.read(blob_key(items.digest), start, length)
    if found is None:
        raise StepwellDataMissing(f"The foreach items of {pack.key.pathspec} are not in {storage.location}.")
    return found


def _place(offsets: bytes) -> tuple[int, int]:
    """Return start and length of a record, from its two offsets."""
    start = int.from_bytes(offsets[:8], "little")
    return start, int.from_bytes(offsets[8:16], "little") - start


def _opened(record: bytes) -> tuple[str, bytes, bool] | None:
    """Return serializer, bytes or digest, and whether it is a digest; None if the record is damaged."""
    if len(record) < 6 or zlib.crc32(memoryview(record)[4:]) != int.from_bytes(record[:4], "little"):
        return None
    end = 6 + record[5]
    return record[6:end].decode(), record[end:], record[4:5] == b"B"
