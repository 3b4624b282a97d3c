"""The storage port: named objects of bytes. An object store can keep every promise made here.

No rename, no append, no listing on the per-task path. Keys are ``/``-separated names of ASCII letters,
digits and ``._-=+@``; no part starts with a dot.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence

Buffer = bytes | bytearray | memoryview


class Storage(ABC):
    """Keeps objects. All methods may be called from several threads and processes at once."""

    @abstractmethod
    def write(self, key: str | Callable[[], str], data: Sequence[Buffer]) -> bool:
        """Create the object ``key`` from the concatenated buffers, whole or not at all.

        An object that exists is left as it is: False is returned, and of several writers exactly one gets
        True. ``key`` may be a function, for names that depend on the content: it is called once, as late as
        the storage can, so that hashing and writing go on side by side.

        Raises
        ------
        StoreUnavailable
            Disk full, read-only, no permission, connection lost. Nothing was created.
        """

    @abstractmethod
    def replace(self, key: str, data: Buffer) -> None:
        """Create the object or replace it whole; readers see the old or the new bytes."""

    @abstractmethod
    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes | None:
        """Return the object's bytes (or that range of them), or None if there is no such object."""

    @abstractmethod
    def map(self, key: str) -> memoryview | None:
        """Return the object's bytes, writable and private to the caller (copy-on-write), or None.

        Bytes are loaded when touched where the storage can do that. The view stays valid as long as it, or a
        view of it, is referenced.
        """

    @abstractmethod
    def size(self, key: str) -> int | None:
        """Return the object's size in bytes, or None if there is no such object."""

    @abstractmethod
    def untouched(self, key: str) -> bool:
        """Return True if the storage vouches, without reading it, that the object is as it was written.

        False says nothing: the storage cannot tell, or the object was touched, or there is none.
        """

    @abstractmethod
    def list(self, prefix: str) -> Iterator[str]:
        """Yield every key in the folder ``prefix``, sorted. For tools, not for the task path."""

    @abstractmethod
    def delete(self, keys: Sequence[str]) -> None:
        """Remove the objects. Removing what is not there is not an error."""

    @abstractmethod
    def renew(self, key: str) -> bool:
        """Make the object as young as one written now, its bytes as they are; False if there is none.

        Whoever is told True may rely on the object as if he had written it: `discard` has not removed it,
        and of what is so young it will not.
        """

    @abstractmethod
    def written_at(self, key: str) -> float | None:
        """Return when the object was written or last renewed, by the clock of the storage; None without one.

        Times of one storage can be compared with each other, and with nothing else.
        """

    @abstractmethod
    def discard(self, keys: Sequence[str], before: float) -> Sequence[str]:
        """Remove those objects that were written, and last renewed, before that time; return their keys.

        Atomic for each object: if it is renewed at the same time, either it stays, or `renew` says False.
        Where that cannot be promised it raises, also if it is given no keys.
        """

    @abstractmethod
    def clear_leftovers(self, before: float, dry_run: bool = False) -> int:
        """Remove what killed writers have left half written before that time; return how many bytes it is.

        Parameters
        ----------
        dry_run
            Only count.
        """

    @abstractmethod
    def sync(self) -> None:
        """Return once everything written so far by any process of this machine survives a power cut."""

    @property
    @abstractmethod
    def location(self) -> str:
        """Where it is, for people: a path or a URL."""
