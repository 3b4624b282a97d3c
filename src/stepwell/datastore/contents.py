"""What a datastore holds, in blobs and packs, for tools that look at all of it."""

from __future__ import annotations

from collections.abc import Iterator

from stepwell.datastore import foreach_items, layout
from stepwell.datastore.blobs import Blobs, digest_of
from stepwell.datastore.storage import Storage
from stepwell.exceptions import BlobCorrupted, StepwellDataMissing
from stepwell.model import wire
from stepwell.model.artifact import ArtifactEntry
from stepwell.model.pack import Pack

DIGEST_BYTES = 32


class Contents:
    """The blobs of one storage, and what refers to them."""

    def __init__(self, storage: Storage, blobs: Blobs) -> None:
        self._storage = storage
        self._blobs = blobs

    @property
    def storage(self) -> Storage:
        """Where it all lies."""
        return self._storage

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
        yield from self.beside_artifacts(pack)

    def beside_artifacts(self, pack: Pack) -> Iterator[tuple[str, bytes]]:
        """Yield what a pack keeps in blobs besides artifacts: its list of inherited ones, and foreach items.

        Raises what `references` raises.
        """
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

    def inherited(self, pack: Pack) -> tuple[ArtifactEntry, ...]:
        """Return the entries that a task has passed on.

        Raises
        ------
        BlobCorrupted, StepwellDataMissing
        """
        if not pack.inherited_blob:
            return pack.inherited
        data = self._blobs.get(pack.inherited_blob, -1, lambda: f"the manifest of {pack.key.pathspec}")
        return wire.decode(data, tuple[ArtifactEntry, ...])

    def has_values(self, pack: Pack) -> bool:
        """Whether all that a task stored beside its pack is whole, as far as that is quickly told."""
        sizes = {entry.digest: entry.size for entry in pack.own}
        digests = self._digests(pack)
        return digests is not None and all(
            self._blobs.is_whole(digest, sizes.get(digest, -1)) for digest in digests
        )

    def rely_on(self, pack: Pack) -> bool:
        """Make young what a task stored beside its pack, for another to name it; False if it is not whole.

        What is young is not collected as garbage before that other pack is sealed.
        """
        digests = self._digests(pack)
        return digests is not None and all(map(self._blobs.renew, digests)) and self.has_values(pack)

    def _digests(self, pack: Pack) -> list[bytes] | None:
        try:
            return [digest for _, digest in self.references(pack)]
        except (BlobCorrupted, StepwellDataMissing):
            return None  # it is the table that names the items of a foreach

    def item_digest(self, pack: Pack, index: int) -> bytes:
        """Return what stands for one item of the foreach that the task of ``pack`` opened.

        Raises
        ------
        IndexError, StoreError
        """
        serializer, data, is_digest = foreach_items.record(self._storage, pack, index)
        return serializer.encode() + (data if is_digest else digest_of([data]))

    def check_blob(self, digest: bytes) -> str:
        """Read a blob whole; return ``missing``, ``damaged``, or an empty text if it is as it was written.

        What was dropped on purpose is not missing.
        """
        view = self._storage.map(layout.blob_key(digest))
        if view is None:
            from stepwell.datastore.dropped import dropped_of  # few values are missing

            return "missing" if dropped_of(self._storage, digest) is None else ""
        return "" if digest_of([view]) == digest else "damaged"

    def blobs(self) -> Iterator[bytes]:
        """Yield the digest of every blob."""
        for key in self._storage.list(layout.BLOBS):
            name = key.rpartition("/")[2]
            if len(name) == 2 * DIGEST_BYTES:
                yield bytes.fromhex(name)
