"""Objects in the memory of one process: the twin of the local storage, for tests and for rehearsing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence

from stepwell.datastore.storage import Buffer, Storage


class MemoryStorage(Storage):
    """Keeps objects in a dictionary."""

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}
        self._written: dict[str, float] = {}
        self._lock = threading.Lock()

    @property
    def location(self) -> str:
        return "memory"

    def write(self, key: str | Callable[[], str], data: Sequence[Buffer]) -> bool:
        content = b"".join(data)
        name = key if isinstance(key, str) else key()
        with self._lock:
            if name in self._objects:
                return False
            self._put(name, content)
            return True

    def replace(self, key: str, data: Buffer) -> None:
        with self._lock:
            self._put(key, bytes(data))

    def _put(self, key: str, content: bytes) -> None:
        self._objects[key] = content
        self._written[key] = time.monotonic()

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes | None:
        found = self._objects.get(key)
        if found is None:
            return None
        return found[start:] if length is None else found[start : start + length]

    def map(self, key: str) -> memoryview | None:
        found = self._objects.get(key)
        return None if found is None else memoryview(bytearray(found))

    def size(self, key: str) -> int | None:
        found = self._objects.get(key)
        return None if found is None else len(found)

    def untouched(self, key: str) -> bool:  # noqa: ARG002 - the port names it
        return False

    def list(self, prefix: str) -> Iterator[str]:
        folder = prefix.strip("/")
        with self._lock:
            keys = sorted(key for key in self._objects if not folder or key.startswith(f"{folder}/"))
        yield from keys

    def delete(self, keys: Sequence[str]) -> None:
        with self._lock:
            for key in keys:
                self._remove(key)

    def _remove(self, key: str) -> None:
        self._objects.pop(key, None)
        self._written.pop(key, None)

    def renew(self, key: str) -> bool:
        with self._lock:
            if key in self._objects:
                self._written[key] = time.monotonic()
            return key in self._objects

    def written_at(self, key: str) -> float | None:
        return self._written.get(key)

    def discard(self, keys: Sequence[str], before: float) -> Sequence[str]:
        gone: list[str] = []
        for key in keys:
            with self._lock:
                if self._written.get(key, before) < before:
                    self._remove(key)
                    gone.append(key)
        return gone

    def clear_leftovers(self, before: float, dry_run: bool = False) -> int:  # noqa: ARG002 - the port names them
        return 0

    def sync(self) -> None:
        """Nothing survives a power cut here, and nobody is told otherwise."""
