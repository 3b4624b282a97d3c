"""Where the client looks: a place of results, and the namespace whose runs it shows."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.exceptions import StepwellNotFound, StoreError
from stepwell.metadata_store.address import is_address, without_password

if TYPE_CHECKING:
    from stepwell.wiring.stores import Stores


class Connection:
    """A place of results. Opened on first use, once in each process and thread, and anew for another user.

    Two connections to one location are equal. A pickled one opens the same location again; a password does
    not go along: it is taken from the settings, or found by libpq, where that is.

    Parameters
    ----------
    location
        As ``metadata()`` takes it.
    stores
        Stores that are open already and lie in this process only; the location is then just a name.
    trust
        As ``metadata()`` takes it.
    root
        Directory of the datastore, where the location is the address of an index.
    tell
        Gets words when such an index is away and is waited for; None: it is not.
    """

    def __init__(
        self,
        location: str,
        stores: Stores | None = None,
        trust: bool | None = None,
        root: str = "",
        tell: Callable[[str], object] | None = None,
    ) -> None:
        self.location: str = without_password(location) if is_address(location) else location
        self._address = location
        self._trust = trust
        self._root = root
        self._tell = tell
        self._given = stores
        self._opened = threading.local()

    @property
    def stores(self) -> Stores:
        """The open stores.

        Raises
        ------
        UsageError, StoreError
            The place cannot be opened.
        """
        if self._given is not None:
            return self._given
        opened: _Opened | None = getattr(self._opened, "stores", None)
        if opened is None or not opened.is_ours:
            from stepwell.wiring.stores import open_stores  # the adapters, for those who read results only

            root = Path(self._root) if self._root else None
            stores = open_stores(self._address, trust=self._trust, root=root, tell=self._tell)
            opened = self._opened.stores = _Opened(stores)
        return opened.stores

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Connection) and self._identity == other._identity

    @property
    def _identity(self) -> tuple[object, ...]:
        return self.location, self._root if is_address(self.location) else "", self._given

    def __hash__(self) -> int:
        return hash(self.location)

    def __reduce__(self) -> tuple[object, ...]:
        if self._given is not None:
            raise StoreError(
                f"Results in {self.location} lie in this process only, so objects of them cannot be pickled."
            )
        return (Connection, (self.location, None, self._trust, self._root))


class _Opened:
    """Stores that one thread of one process opened, and that are closed when nobody can use them any more.

    An open database must be used neither by another thread nor by a forked child; and a process that has
    become another user's reads anew what it may.
    """

    def __init__(self, stores: Stores) -> None:
        self.stores = stores
        self._owner = _present_owner()

    @property
    def is_ours(self) -> bool:
        return self._owner == _present_owner()

    def __del__(self) -> None:
        if self.is_ours:
            self.stores.metadata.close()


def _present_owner() -> tuple[int, int, int]:
    user = os.geteuid() if hasattr(os, "geteuid") else 0
    return os.getpid(), threading.get_ident(), user


class Scope:
    """A connection and a namespace; None is the global namespace."""

    __slots__ = ("connection", "namespace")

    def __init__(self, connection: Connection, namespace: str | None = None) -> None:
        self.connection: Connection = connection
        self.namespace: str | None = namespace

    @property
    def tags(self) -> tuple[str, ...]:
        """Tags that a run must have to be shown."""
        return () if self.namespace is None else (self.namespace,)

    @property
    def flows(self) -> Sequence[str]:
        """Names of the flows that have runs; none where there is no datastore yet."""
        try:
            return self.connection.stores.metadata.flows()
        except StepwellNotFound:
            return ()

    def __reduce__(self) -> tuple[object, ...]:
        return (Scope, (self.connection, self.namespace))
