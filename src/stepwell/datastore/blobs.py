"""Large values: stored once under the BLAKE3 of their bytes, and checked against it when read."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from typing import Literal

import blake3

from stepwell.datastore.layout import blob_key
from stepwell.datastore.remedies import RESULT_LOST
from stepwell.datastore.storage import Buffer, Storage
from stepwell.exceptions import BlobCorrupted, StepwellDataMissing

Verify = Literal["always", "new", "never"]

# From here on hashing runs beside writing; below, asking whether the blob exists saves the write.
_SIDE_BY_SIDE_FROM = 8 * 1024 * 1024
# A hash of this many bytes costs less than a millisecond: not worth trusting the storage's word.
_ALWAYS_HASHED_UP_TO = 1024 * 1024
# Whoever goes on from a run reads no more than this of a blob only to see whether it is whole.
_SEARCHED_UP_TO = 64 * 1024 * 1024
# Blobs of which it is remembered that their hash was right: a few megabytes, however long a process reads.
_VERIFIED_KEPT = 20_000


def digest_of(pieces: Sequence[Buffer]) -> bytes:
    """BLAKE3 over the concatenated pieces. One thread: a pool of threads would not survive a fork."""
    if len(pieces) == 1:
        return blake3.blake3(pieces[0]).digest()
    hasher = blake3.blake3()
    for piece in pieces:
        hasher.update(piece)
    return hasher.digest()


class Blobs:
    """Blobs of one storage.

    Parameters
    ----------
    verify
        ``always``: hash on every read. ``new``: on the first read in this process, unless the storage vouches
        that nobody touched a large blob since it was written. ``never``.
    """

    def __init__(self, storage: Storage, verify: Verify = "new") -> None:
        self._storage = storage
        self._verify = verify
        self._verified: dict[bytes, None] = {}

    def put(self, pieces: Sequence[Buffer], size: int) -> bytes:
        """Store the bytes unless they are stored already; return their digest."""
        if size >= _SIDE_BY_SIDE_FROM:
            hashing = _Hashing(pieces)
            if self._storage.write(lambda: blob_key(hashing.result()), pieces):
                return hashing.result()
            digest = hashing.result()
        else:
            digest = digest_of(pieces)
        key = blob_key(digest)
        found = self._storage.size(key)
        if found is not None and not self._is_as_written(digest, key, found == size):
            self._clear_away(key)
            found = None
        # One that is there must be young before it is relied upon, else it may be collected as garbage.
        if found is None or not self._storage.renew(key):
            self._storage.write(key, pieces)
        return digest

    def renew(self, digest: bytes) -> bool:
        """Make a blob as young as one written now, so that it may be referred to; False if there is none."""
        return self._storage.renew(blob_key(digest))

    def _clear_away(self, key: str) -> None:
        """Remove a blob that is not as it was written: it must not stand in the way of a good one."""
        while not self._storage.discard([key], math.inf) and self._storage.size(key) is not None:
            pass  # somebody else is looking at it

    def _is_as_written(self, digest: bytes, key: str, has_size: bool) -> bool:
        """Whether the blob that is there may stand for the bytes; it is read only where that is in doubt."""
        if not has_size or self._verify == "never" or self._storage.untouched(key):
            return has_size
        view = self._storage.map(key)
        return view is not None and digest_of([view]) == digest

    def is_whole(self, digest: bytes, size: int) -> bool:
        """Whether a blob is there as it was written, as far as that can be told without reading much.

        A large one that the storage does not vouch for is taken for whole if it has its size: who reads it
        finds out.

        Parameters
        ----------
        size
            How many bytes it has; negative if unknown.
        """
        key = blob_key(digest)
        found = self._storage.size(key)
        has_size = found is not None and size in (found, -1)
        if found is None or found > _SEARCHED_UP_TO:
            return has_size
        return self._is_as_written(digest, key, has_size)

    def get(self, digest: bytes, size: int, describe: Callable[[], str]) -> memoryview:
        """Return the blob's bytes, mapped where possible, writable and private.

        Parameters
        ----------
        size
            How many bytes it has; negative if unknown.
        describe
            Says which artifact of which task is read, for the error.

        Raises
        ------
        StepwellDataMissing
            There is no such blob.
        BlobCorrupted
            The bytes are not those that were written.
        """
        key = blob_key(digest)
        view = self._storage.map(key)
        if view is None:
            from stepwell.datastore.dropped import dropped_of  # few values are missing

            dropped = dropped_of(self._storage, digest)
            raise StepwellDataMissing(
                f"{describe()} cannot be read: the blob {digest.hex()} is not in {self._storage.location}. "
                + RESULT_LOST
                if dropped is None
                else f"{describe()} cannot be read: {dropped}"
            )
        if 0 <= size != view.nbytes or (
            self._must_hash(digest, view.nbytes, key) and digest_of([view]) != digest
        ):
            raise BlobCorrupted(
                f"{describe()} cannot be read: the blob {digest.hex()} in {self._storage.location} does not "
                f"have the bytes that were written. {RESULT_LOST}"
            )
        if digest not in self._verified:
            if len(self._verified) >= _VERIFIED_KEPT:
                del self._verified[next(iter(self._verified))]
            self._verified[digest] = None
        return view

    def _must_hash(self, digest: bytes, size: int, key: str) -> bool:
        if self._verify != "new":
            return self._verify == "always"
        if digest in self._verified:
            return False
        return size <= _ALWAYS_HASHED_UP_TO or not self._storage.untouched(key)


class _Hashing:
    """A hash that is computed by a thread of its own; BLAKE3 leaves the interpreter to others meanwhile."""

    def __init__(self, pieces: Sequence[Buffer]) -> None:
        self._pieces = pieces
        self._digest = b""
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="stepwell-hash", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._digest = digest_of(self._pieces)
        except BaseException as error:  # noqa: BLE001 - raised again where the result is asked for
            self._failure = error

    def result(self) -> bytes:
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        return self._digest
