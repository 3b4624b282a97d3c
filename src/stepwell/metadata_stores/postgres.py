"""Metadata in a PostgreSQL database, for the processes and machines of a team."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg

from stepwell.exceptions import (
    StepwellNotFound,
    StoreFormatError,
    StoreUnavailable,
)
from stepwell.metadata_store.address import without_password
from stepwell.metadata_stores import schema
from stepwell.metadata_stores.postgres_connection import Connection, connected, options_of
from stepwell.metadata_stores.postgres_errors import mapped, refusal
from stepwell.metadata_stores.rows import Row
from stepwell.metadata_stores.sql_metadata import RunKey, SqlMetadata

V = TypeVar("V")
_SCHEMA = "stepwell"
# Who dies amid a transaction, with the whole machine, holds nobody up for longer than this.
_SESSION = (
    f"SELECT set_config('search_path', '{_SCHEMA}', false), set_config('lock_timeout', ?, false), "
    "set_config('idle_in_transaction_session_timeout', '60s', false)"
)
_LOCK = "SELECT pg_advisory_xact_lock(1464159308, hashtext(?))"
"""The first number keeps our locks apart from those of other programs in the database."""
_HAS_TABLES = f"SELECT to_regclass('{_SCHEMA}.counters') IS NOT NULL"
_HAS_SCHEMA = f"SELECT to_regnamespace('{_SCHEMA}') IS NOT NULL"
_VERSION = "SELECT value FROM counters WHERE name = 'format'"
_SET_VERSION = (
    "INSERT INTO counters VALUES ('format', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)


class _Marked:
    """Takes the marks of parameters that `sql` has."""

    def __init__(self, cursor: psycopg.Cursor[Row]) -> None:
        self._cursor = cursor

    def execute(self, text: str, given: Sequence[object] = (), /) -> psycopg.Cursor[Row]:
        return self._cursor.execute(_marked(text), given)

    def executemany(self, text: str, rows: Iterable[Row], /) -> None:
        self._cursor.executemany(_marked(text), rows)


class PostgresMetadata(SqlMetadata):
    """Metadata in the schema ``stepwell`` of a database.

    A connection that was cut is made anew by the next call. None is taken along into a forked process.

    Parameters
    ----------
    address
        ``postgresql://USER:PASSWORD@HOST:PORT/DATABASE``, with any parameter of libpq after a ``?``.
    make
        Whether to make the tables if they are not there.
    patience_s
        How long to wait for other writers.

    Raises
    ------
    UsageError
        It is no address.
    StepwellNotFound
        The tables are not there, and are not to be made.
    StoreUnavailable
        The database cannot be reached, or does not let us in.
    StoreFormatError
        The tables were made by a newer version, or the database cannot keep every text.
    """

    def __init__(self, address: str, make: bool = True, patience_s: float = 60.0) -> None:
        self._location = without_password(address)
        self._options = options_of(address)
        self._make = make
        self._patience_s = patience_s
        self._db: Connection | None = None
        self._pid = os.getpid()
        self._is_closed = False
        self._open()

    @contextmanager
    def writing(self, runs: Iterable[RunKey] = ()) -> Generator[_Marked]:
        """One transaction with a lock for each of the runs, taken in order, so that none is in deadlock."""
        with self._errors():
            db = self._fresh(_begun)
            try:
                with db.cursor() as cursor:
                    transaction = _Marked(cursor)
                    for flow, run in sorted(runs):
                        transaction.execute(_LOCK, [f"{flow}/{run}"])
                    yield transaction
                db.execute("COMMIT")
            except BaseException:
                if not db.closed:
                    db.execute("ROLLBACK")
                raise

    def rows(self, text: str, given: Sequence[object]) -> list[Row]:
        with self._errors():
            try:
                return self._fresh(lambda db: db.execute(_marked(text), given).fetchall())
            except UnicodeEncodeError:
                return []  # text that is no Unicode was never written as it is

    def unreadable(self, why: str) -> StoreFormatError:
        return StoreFormatError(
            f"{self._location} holds a record that this version of Stepwell cannot read ({why}). Install the "
            f"newest version, or drop the schema `{_SCHEMA}` and call `stepwell reindex`."
        )

    @property
    def location(self) -> str:
        return self._location

    def close(self) -> None:
        self._is_closed = True
        self._drop()

    def _fresh(self, act: Callable[[Connection], V]) -> V:
        """Return what comes of it; begin anew if the connection had been cut while nobody used it."""
        was_open = self._is_open
        try:
            return act(self._open())
        except psycopg.OperationalError:
            if not (was_open and self._is_cut):
                raise
        return act(self._open())

    @property
    def _is_open(self) -> bool:
        return self._db is not None and self._pid == os.getpid() and not self._db.closed

    @property
    def _is_cut(self) -> bool:
        return self._db is not None and self._db.closed

    def _open(self) -> Connection:
        if self._is_closed:
            raise StoreUnavailable(f"The metadata in {self._location} was closed.")
        if self._db is not None and self._is_open:
            return self._db
        self._drop()
        self._pid = os.getpid()
        self._db = self._connected()
        try:
            with self._errors():
                self._prepare(self._db)
        except BaseException:
            self._drop()
            raise
        return self._db

    def _drop(self) -> None:
        db, self._db = self._db, None
        if db is not None and self._pid == os.getpid():  # else it is the parent's, and goes on there
            db.close()

    def _connected(self) -> Connection:
        try:
            return connected(self._options, self._patience_s)
        except psycopg.Error as error:
            raise refusal(error, self._location) from error

    def _prepare(self, db: Connection) -> None:
        encoding = db.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise StoreFormatError(
                f"The database of {self._location} has the encoding {encoding}, which cannot keep every "
                "text. Make one with `CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0`."
            )
        db.execute(_marked(_SESSION), [f"{max(1, int(self._patience_s * 1000))}ms"])  # 0 is for ever
        found = self._version(db)
        if found == schema.VERSION:
            return
        if not (found or self._make):
            raise StepwellNotFound(f"There is no metadata in {self._location} yet. The first run makes it.")
        self._migrate(db)

    def _version(self, db: Connection) -> int:
        if not _one(db, _HAS_TABLES):
            return 0
        found: int = _one(db, _VERSION)
        if found > schema.VERSION:
            raise StoreFormatError(
                f"{self._location} has metadata of format {found}; this version of Stepwell knows formats up "
                f"to {schema.VERSION}. Install a newer Stepwell."
            )
        return found

    def _migrate(self, db: Connection) -> None:
        with db.transaction():
            db.execute(_marked(_LOCK), [_SCHEMA])
            # Who may not make schemas can still fill one that was made for them.
            if not _one(db, _HAS_SCHEMA):
                db.execute(f"CREATE SCHEMA {_SCHEMA}".encode())
            # Another process may have been first: read again under the lock.
            for statements in schema.MIGRATIONS[self._version(db) :]:
                for statement in statements:
                    # Text is compared by its bytes, as in SQLite, whatever the database's language.
                    db.execute(statement.replace(" TEXT", ' TEXT COLLATE "C"').encode())
            db.execute(_marked(_SET_VERSION), [schema.VERSION])

    @contextmanager
    def _errors(self) -> Generator[None]:
        try:
            yield
        except psycopg.Error as error:
            is_cut = self._is_cut
            if is_cut:
                self._drop()
            raise mapped(error, self._location, is_cut) from error


def _begun(db: Connection) -> Connection:
    db.execute("BEGIN")
    return db


def _one(db: Connection, text: str) -> Any:
    return db.execute(text.encode()).fetchall()[0][0]


def _marked(text: str) -> bytes:
    return text.replace("?", "%s").encode()
