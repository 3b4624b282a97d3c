"""What a datastore holds, in blobs and packs, for tools that look at all of it."""

from __future__ import annotations

from collections.abc import Iterator

from stepwell.datastore import foreach_items, layout
from stepwell.datastore.blobs import digest_of
from stepwell.datastore.storage import Storage
from stepwell.model.pack import Pack

DIGEST_BYTES = 32


class Contents:
    """The blobs of one storage, and what refers to them."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def references(self, pack: Pack) -> Iterator[tuple[str, bytes]]:
        """Yield what a pack keeps in blobs, in words, and the digest of each. Foreach items are among it.

        Raises
        ------
        StoreError
            The table of the items, which names their blobs, is missing or damaged.
        """
        for entry in pack.own:
            if entry.inline is None and not entry.home:
                yield f"artifact {entry.name!r}", entry.digest
        if pack.inherited_blob:
            yield "the list of inherited artifacts", pack.inherited_blob
        if pack.items is None:
            return
        if pack.items.digest:
            yield "the foreach items", pack.items.digest
        for index in range(pack.items.count):
            _, data, is_digest = foreach_items.record(self._storage, pack, index)
            if is_digest:
                yield f"item {index} of the foreach", data

    def item_digest(self, pack: Pack, index: int) -> bytes:
        """Return what stands for one item of the foreach that the task of ``pack`` opened.

        Raises
        ------
        IndexError, StoreError
        """
        serializer, data, is_digest = foreach_items.record(self._storage, pack, index)
        return serializer.encode() + (data if is_digest else digest_of([data]))

    def check_blob(self, digest: bytes) -> str:
        """Read a blob whole; return ``missing``, ``damaged``, or an empty text if it is as it was written."""
        view = self._storage.map(layout.blob_key(digest))
        if view is None:
            return "missing"
        return "" if digest_of([view]) == digest else "damaged"

    def blobs(self) -> Iterator[bytes]:
        """Yield the digest of every blob."""
        for key in self._storage.list(layout.BLOBS):
            name = key.rpartition("/")[2]
            if len(name) == 2 * DIGEST_BYTES:
                yield bytes.fromhex(name)
