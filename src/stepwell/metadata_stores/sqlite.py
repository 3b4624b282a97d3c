"""Metadata in one SQLite file, for many processes of one machine."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from stepwell.exceptions import StoreError, StoreFormatError, StoreUnavailable
from stepwell.metadata_stores import schema
from stepwell.metadata_stores.rows import Row
from stepwell.metadata_stores.sql_metadata import RunKey, SqlMetadata

_RETRY_S = 0.005
_REMEDY = "`stepwell reindex` makes the index anew and keeps this file beside it."


class SqliteMetadata(SqlMetadata):
    """Metadata in the file ``path``, which is made if it does not exist.

    Parameters
    ----------
    path
        The file; its folder must exist.
    readonly
        Never write; the file must exist.
    patience_s
        How long to wait for other writers.

    Raises
    ------
    StoreUnavailable
        The file cannot be opened.
    StoreFormatError
        It was made by a newer version, or is no metadata file.
    """

    def __init__(self, path: str | Path, readonly: bool = False, patience_s: float = 60.0) -> None:
        self._path = Path(path).absolute()
        self._patience_s = patience_s
        self._db: sqlite3.Connection | None = None
        self._as_it_was: tuple[int, ...] | None = None
        if readonly:
            self._connect_to_read()
        else:
            _make_private(self._path)
            self._connect("rwc")

    def next_run_id(self) -> int:
        # On disk before it is used: after a power cut the datastore may have packs of this run.
        self._synchronous("FULL")
        try:
            return super().next_run_id()
        finally:
            self._synchronous("NORMAL")

    @contextmanager
    def writing(self, runs: Iterable[RunKey] = ()) -> Generator[sqlite3.Connection]:  # noqa: ARG002 - locks all
        """One transaction that has the write lock from its start, so that it cannot fail half-way for it."""
        with self._errors():
            db = self._open()
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    def rows(self, text: str, given: Sequence[object]) -> list[Row]:
        with self._errors():
            try:
                return self._open().execute(text, tuple(given)).fetchall()  # type: ignore[arg-type]  # plain values
            except UnicodeEncodeError:
                return []  # text that is no Unicode was never written as it is

    def unreadable(self, why: str) -> StoreFormatError:
        return StoreFormatError(
            f"{self._path} holds a record that this version of Stepwell cannot read ({why}). {_REMEDY}"
        )

    @property
    def location(self) -> str:
        return f"local@{self._path.parent}"

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def _connect(self, mode: Literal["rwc", "ro", "ro&immutable=1"]) -> None:
        with self._errors():
            self._db = sqlite3.connect(
                f"{self._path.as_uri()}?mode={mode}",
                uri=True,
                timeout=self._patience_s,
                isolation_level=None,
                check_same_thread=False,
            )
        try:
            with self._errors():
                self._prepare(self._db, readonly=mode != "rwc")
        except StoreError:
            self.close()
            raise

    def _connect_to_read(self) -> None:
        """Connect with locks if they can be had; else, while nobody has it open, to the file as it is."""
        self._as_it_was = None
        seen = self._stamp()
        if not (seen and self._is_on_read_only_disk()):
            try:
                self._connect("ro")
            except StoreUnavailable:
                if not seen:
                    raise
            else:
                return
        self._as_it_was = seen
        self._connect("ro&immutable=1")

    def _stamp(self) -> tuple[int, ...] | None:
        """What tells that the file has changed; None if it is not there, or if somebody has it open."""
        try:
            found = self._path.stat()
        except OSError:
            return None
        if self._path.with_name(f"{self._path.name}-wal").exists():
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _is_on_read_only_disk(self) -> bool:
        return hasattr(os, "statvfs") and bool(os.statvfs(self._path).f_flag & os.ST_RDONLY)

    def _synchronous(self, level: Literal["NORMAL", "FULL"]) -> None:
        with self._errors():
            self._open().execute(f"PRAGMA synchronous = {level}")

    def _prepare(self, db: sqlite3.Connection, readonly: bool) -> None:
        if not readonly:
            self._synchronous("NORMAL")
        found = self._version(db)
        if found == schema.VERSION:
            return
        if readonly:
            raise StoreFormatError(
                f"{self._path} has metadata of format {found}; this version of Stepwell reads format "
                f"{schema.VERSION}. Open it for writing once to bring it up to date."
                if found
                else f"{self._path} holds no metadata of Stepwell."
            )
        self._keep_log_beside(db)
        self._migrate(db)

    def _keep_log_beside(self, db: sqlite3.Connection) -> None:
        """Let readers and a writer work side by side. The file remembers it, for all who open it later."""
        deadline = time.monotonic() + self._patience_s
        while True:
            try:
                db.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                # Of several who do this at once one gets through; SQLite lets the others not wait for it.
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                    raise
            time.sleep(_RETRY_S)

    def _version(self, db: sqlite3.Connection) -> int:
        found: int = db.execute("PRAGMA user_version").fetchone()[0]
        if found > schema.VERSION:
            raise StoreFormatError(
                f"{self._path} has metadata of format {found}; this version of Stepwell knows formats up to "
                f"{schema.VERSION}. Install a newer Stepwell."
            )
        return found

    def _migrate(self, db: sqlite3.Connection) -> None:
        with self.writing():
            # Another process may have been first: read again under the lock.
            for statements in schema.MIGRATIONS[self._version(db) :]:
                for statement in statements:
                    db.execute(statement)
            db.execute(f"PRAGMA user_version = {schema.VERSION}")

    def _open(self) -> sqlite3.Connection:
        if self._db is not None and self._as_it_was is not None and self._stamp() != self._as_it_was:
            self.close()
            self._connect_to_read()
        if self._db is None:
            raise StoreUnavailable(f"The metadata in {self._path} was closed.")
        return self._db

    @contextmanager
    def _errors(self) -> Generator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._mapped(error) from error

    def _mapped(self, error: sqlite3.Error) -> StoreError:
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
        if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            return StoreFormatError(f"{self._path} is damaged or no SQLite file ({error}). {_REMEDY}")
        said = _CAUSES.get(code)
        if said is None:
            return StoreError(f"The metadata in {self._path} refused: {error}.")
        trouble = StoreUnavailable(f"The metadata in {self._path} {said} ({error}).")
        trouble.may_pass = code in _PASSING or self._has_no_space()
        return trouble

    def _has_no_space(self) -> bool:
        """Whether the disk is full, which SQLite reports as one trouble or another."""
        if not hasattr(os, "statvfs"):
            return False
        try:
            found = os.statvfs(self._path.parent)
        except OSError:
            return False
        return not found.f_bavail or bool(found.f_files and not found.f_favail)


_PASSING = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
_CAUSES = {
    sqlite3.SQLITE_BUSY: "is locked by another process; nothing was written. Try again",
    sqlite3.SQLITE_LOCKED: "is locked; nothing was written. Try again",
    sqlite3.SQLITE_FULL: "cannot grow: the disk is full. Free some space",
    sqlite3.SQLITE_READONLY: "cannot be written: it is read-only",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened. Check that its folder exists and can be written",
    sqlite3.SQLITE_IOERR: "cannot be read or written. Check the disk and the space on it",
    sqlite3.SQLITE_PERM: "cannot be opened: no permission",
}


def _make_private(path: Path) -> None:
    """Make the file for this user only, if it is not there. What SQLite puts beside it is like it."""
    with suppress(OSError):  # it is there, or SQLite will say why it cannot be
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
