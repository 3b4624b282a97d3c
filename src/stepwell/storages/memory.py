"""Objects in the memory of one process: the twin of the local storage, for tests and for rehearsing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

from stepwell.datastore.storage import Buffer, Storage


class MemoryStorage(Storage):
    """Keeps objects in a dictionary."""

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}
        self._lock = threading.Lock()

    @property
    def location(self) -> str:
        return "memory"

    def write(self, key: str | Callable[[], str], data: Sequence[Buffer]) -> bool:
        content = b"".join(data)
        name = key if isinstance(key, str) else key()
        with self._lock:
            return self._objects.setdefault(name, content) is content

    def replace(self, key: str, data: Buffer) -> None:
        with self._lock:
            self._objects[key] = bytes(data)

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
                self._objects.pop(key, None)

    def sync(self) -> None:
        """Nothing survives a power cut here, and nobody is told otherwise."""
