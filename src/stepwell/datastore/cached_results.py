"""Which results can be taken again: found by what their step depends on.

A key has two halves. The *prefix* is known before a task runs: code, environment, version. What the task
then reads is known only afterwards; without its values this is a *shape*, and a prefix has few of them. With
values, prefix and shape make the digest under which an entry lies. A look-up tries each shape with the values
of now: its cost is that of the shapes, however many results there are.

Each shape is an object of its own, numbered, so that nothing is listed, appended to or changed on this path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from msgspec import Struct

from stepwell.datastore import layout
from stepwell.datastore.blobs import digest_of
from stepwell.datastore.storage import Storage
from stepwell.model import wire
from stepwell.model.ids import TaskKey
from stepwell.model.observed import CacheEntry, Observed, Shape

T = TypeVar("T")

_SHAPES_LOOKED_AT = 1000
_ENTRIES_KEPT = 8


class Claim(Struct, frozen=True, array_like=True):
    """Who computes a result that others wait for."""

    task: TaskKey
    user: str


class CachedResults:
    """The cache of one storage. It points at tasks: what is lost of it is computed again."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._shapes: dict[bytes, list[Shape]] = {}

    def shapes(self, prefix: bytes) -> list[Shape]:
        """Return what tasks with this prefix have read; later ones come behind."""
        known = self._shapes.setdefault(prefix, [])
        while len(known) < _SHAPES_LOOKED_AT:
            data = self._storage.read(layout.cache_shape_key(prefix, len(known)))
            if data is None:
                break
            known.append(_opened(data, Shape) or Shape())
        return known

    def entries(self, digest: bytes) -> tuple[CacheEntry, ...]:
        """Return the tasks whose results lie under a digest, the newest first: at most one of each user."""
        data = self._storage.read(layout.cache_entry_key(digest))
        return () if data is None else _opened(data, tuple[CacheEntry, ...]) or ()

    def keep(self, observed: Observed, entry: CacheEntry) -> None:
        """Let the result of a task be found. Its pack is sealed: a reader finds it whole or not at all."""
        prefix, shape = observed.key.prefix, observed.shape
        while shape not in (known := self.shapes(prefix)) and len(known) < _SHAPES_LOOKED_AT:
            self._storage.write(layout.cache_shape_key(prefix, len(known)), [wire.encode(shape)])
        digest = digest_under(prefix, shape, observed.place, observed.digests)
        others = [other for other in self.entries(digest) if other.user != entry.user]
        # Of two writers at once one may be forgotten: then its result is computed once more.
        kept = (entry, *others[: _ENTRIES_KEPT - 1])
        self._storage.replace(layout.cache_entry_key(digest), wire.encode(kept))

    def claim(self, digest: bytes, claim: Claim) -> Claim:
        """Announce that a task computes what lies under a digest; return who does: it, or one before it."""
        key = layout.cache_claim_key(digest)
        while not self._storage.write(key, [wire.encode(claim)]):
            found = self.claimed(digest)
            if found is not None:
                return found
        return claim

    def claimed(self, digest: bytes) -> Claim | None:
        """Return who has announced that it computes it."""
        data = self._storage.read(layout.cache_claim_key(digest))
        found = None if data is None else _opened(data, Claim)
        if data is not None and found is None:
            self.release(digest)
        return found

    def renew_claim(self, digest: bytes) -> None:
        """Give a sign of life for a claim."""
        self._storage.renew(layout.cache_claim_key(digest))

    def claim_renewed_at(self, digest: bytes) -> float | None:
        """Return when the last sign came, by the clock of the storage."""
        return self._storage.written_at(layout.cache_claim_key(digest))

    def release(self, digest: bytes) -> None:
        """Take a claim back, one's own or that of somebody who is gone."""
        self._storage.delete([layout.cache_claim_key(digest)])


def _opened(data: bytes, kind: type[T]) -> T | None:
    """Return what an object holds; a power cut may have torn it."""
    try:
        return wire.decode(data, kind)
    except wire.WireError:
        return None


Digests = Callable[[Shape], Sequence[bytes] | None]
"""What was read, as it is now: digests in the order of the shape's reads, None if it cannot be read so."""


def digest_under(
    prefix: bytes, shape: Shape, place: Sequence[tuple[str, bytes]], digests: Sequence[bytes]
) -> bytes:
    """Return the digest of a whole key."""
    return digest_of([wire.encode((prefix, shape, tuple(place), tuple(digests)))])


def candidates(
    cache: CachedResults, prefix: bytes, place: Sequence[tuple[str, bytes]], digests: Digests
) -> Iterator[CacheEntry]:
    """Yield the tasks that had the same prefix and place, and read what reads the same now."""
    for shape in reversed(cache.shapes(prefix)):
        found = digests(shape)
        if found is not None:
            yield from cache.entries(digest_under(prefix, shape, place, found))
