"""A connection to PostgreSQL, made so that nothing waits on it for ever."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Mapping
from typing import Any, TypeVar

import psycopg
from psycopg import conninfo
from psycopg.abc import PQGen

from stepwell.exceptions import UsageError
from stepwell.metadata_store.address import without_password
from stepwell.metadata_stores.postgres_text import keep_every_text
from stepwell.metadata_stores.rows import Row

V = TypeVar("V")
_log = logging.getLogger("psycopg")
_ANSWER_S = 30.0
"""Beside the time that the server itself may wait for locks."""
# Unless the address says otherwise: a host that is gone is noticed within seconds.
_OPTIONS: Mapping[str, str] = {
    "application_name": "stepwell",
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}


class Connection(psycopg.Connection[Row]):
    """Is closed when no answer comes: a server that hangs, or what stands before it, may never give one."""

    answer_s = _ANSWER_S

    def wait(self, gen: PQGen[V], *args: Any, **more: Any) -> V:
        return super().wait(self._limited(gen), *args, **more)

    def __del__(self, *_warn: Any) -> None:
        """Say nothing of one that was left open: libpq closes it, as SQLite does with its own."""

    def _limited(self, gen: PQGen[V]) -> Generator[Any, Any, V]:
        deadline = time.monotonic() + self.answer_s
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if time.monotonic() > deadline:
                    self.close()
                    raise psycopg.OperationalError(f"no answer in {self.answer_s:g} s")
                wanted = gen.send(ready)
        except StopIteration as end:
            return end.value


def connected(options: str, lock_s: float) -> Connection:
    """Return a new connection.

    Parameters
    ----------
    options
        As `options_of` gives them.
    lock_s
        How long the server may wait for locks.
    """
    if not _log.handlers:
        _log.addHandler(logging.NullHandler())  # what matters is raised as well
    db = Connection.connect(options, autocommit=True)
    db.answer_s = lock_s + _ANSWER_S
    keep_every_text(db)
    return db


def options_of(address: str) -> str:
    """Return what libpq is given: the address, and what it leaves open.

    Raises
    ------
    UsageError
        It is no address.
    """
    try:
        given = conninfo.conninfo_to_dict(address)
    except psycopg.Error:
        # What libpq says of it may quote a part of the password.
        raise UsageError(
            f"{without_password(address)} is no address of a database. It is written "
            "postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with other characters than letters, digits, `-`, "
            "`_` and `.` in percent-encoding (`%40` for `@`)."
        ) from None
    options: dict[str, Any] = {**_OPTIONS, **given, "client_encoding": "utf8"}
    return conninfo.make_conninfo(**options)
