"""One storage laid over another: everything below can be read, nothing of it is ever written or removed."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence

from stepwell.datastore.storage import Buffer, Storage


class OverlayStorage(Storage):
    """What is written goes above; what is not there is read from below.

    An object from below that is deleted, or replaced, is so for this storage only.
    """

    def __init__(self, above: Storage, below: Storage) -> None:
        self._above = above
        self._below = below
        self._hidden: set[str] = set()

    @property
    def location(self) -> str:
        return self._above.location

    def write(self, key: str | Callable[[], str], data: Sequence[Buffer]) -> bool:
        name = key if isinstance(key, str) else key()
        if name not in self._hidden and self._below.size(name) is not None:
            return False
        return self._above.write(name, data)

    def replace(self, key: str, data: Buffer) -> None:
        self._above.replace(key, data)

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes | None:
        found = self._above.read(key, start, length)
        return found if found is not None or key in self._hidden else self._below.read(key, start, length)

    def map(self, key: str) -> memoryview | None:
        found = self._above.map(key)
        return found if found is not None or key in self._hidden else self._below.map(key)

    def size(self, key: str) -> int | None:
        found = self._above.size(key)
        return found if found is not None or key in self._hidden else self._below.size(key)

    def untouched(self, key: str) -> bool:
        if self._above.size(key) is not None:
            return self._above.untouched(key)
        return key not in self._hidden and self._below.untouched(key)

    def list(self, prefix: str) -> Iterator[str]:
        last = None
        for key in heapq.merge(self._above.list(prefix), self._below.list(prefix)):
            if key != last and (key not in self._hidden or self._above.size(key) is not None):
                yield key
            last = key

    def delete(self, keys: Sequence[str]) -> None:
        self._hidden.update(keys)
        self._above.delete(keys)

    def renew(self, key: str) -> bool:
        # The bytes stay as they are below as well; but who cleans up there sees that they are in use.
        return self._above.renew(key) or (key not in self._hidden and self._below.renew(key))

    def written_at(self, key: str) -> float | None:
        found = self._above.written_at(key)
        return found if found is not None or key in self._hidden else self._below.written_at(key)

    def discard(self, keys: Sequence[str], before: float) -> Sequence[str]:
        gone = [*self._above.discard(keys, before)]
        for key in keys:
            found = None if self._above.size(key) is not None else self._below.written_at(key)
            if found is not None and found < before and key not in self._hidden:
                self._hidden.add(key)
                gone.append(key)
        return list(dict.fromkeys(gone))

    def clear_leftovers(self, before: float, dry_run: bool = False) -> int:
        return self._above.clear_leftovers(before, dry_run)

    def sync(self) -> None:
        self._above.sync()
