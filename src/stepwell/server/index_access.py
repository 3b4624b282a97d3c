"""Threads that use the index for the server, each with a connection of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from stepwell.exceptions import StoreFormatError, StoreUnavailable
from stepwell.metadata_store.store import MetadataStore

T = TypeVar("T")
_READERS = 4


class IndexAccess:
    """Lets many clients use an index whose connections serve one thread at a time.

    Reads go on side by side. Writes are carried out one after another in the order in which they came: a
    client that gave up waiting for a write, and made a newer one, must not find the older one on top of it.

    Parameters
    ----------
    open_store
        Opens the index, in the thread that will use it.
    """

    def __init__(self, open_store: Callable[[], MetadataStore]) -> None:
        self._open_store = open_store
        self._readers = ThreadPoolExecutor(_READERS, "stepwell-read")
        self._writer = ThreadPoolExecutor(1, "stepwell-write")
        self._turn = asyncio.Lock()  # first come, first served
        self._of_thread = threading.local()
        self._opened: set[MetadataStore] = set()

    async def read(self, act: Callable[[MetadataStore], T]) -> T:
        """Return what ``act`` makes of the index."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._carry_out, act)

    async def write(
        self, act: Callable[[MetadataStore], T], given_up: Callable[[], Awaitable[bool]]
    ) -> T | None:
        """Return what ``act`` makes of the index; None, and nothing is done, if it was given up meanwhile."""
        async with self._turn:
            if await given_up():
                return None
            return await asyncio.get_running_loop().run_in_executor(self._writer, self._carry_out, act)

    def close(self) -> None:
        """Wait for what is being done, and free all connections."""
        for threads in (self._readers, self._writer):
            threads.shutdown()
        for store in self._opened:
            store.close()

    def _carry_out(self, act: Callable[[MetadataStore], T]) -> T:
        store: MetadataStore | None = getattr(self._of_thread, "store", None)
        if store is None:
            store = self._of_thread.store = self._open_store()
            self._opened.add(store)
        try:
            return act(store)
        except (StoreUnavailable, StoreFormatError):
            # Whatever was wrong with this connection, the next call has a fresh one.
            self._of_thread.store = None
            self._opened.discard(store)
            store.close()
            raise
