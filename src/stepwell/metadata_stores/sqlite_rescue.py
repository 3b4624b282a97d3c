"""Makes room for a new index where the file of the old one is damaged."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

from stepwell.exceptions import StoreUnavailable
from stepwell.metadata_stores import schema
from stepwell.metadata_stores.rows import UNREADABLE, run_of, task_of
from stepwell.metadata_stores.sql import RUN_COLUMNS, TASK_COLUMNS

_DAMAGE = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)


def set_aside_if_damaged(path: Path) -> Path | None:
    """Rename a file that cannot be read whole; return its new path, or None if there is nothing to do.

    A file of a newer version is no damage: opening it says what to do.

    Raises
    ------
    StoreUnavailable
        It cannot be renamed.
    """
    if not path.exists() or not _is_damaged(path):
        return None
    kept = next(place for place in _names(path) if not place.exists())
    try:
        # What SQLite has put beside it goes first: a new file must never meet the log of an old one.
        for end in ("-wal", "-shm", ""):
            part = path.with_name(path.name + end)
            if part.exists():
                part.rename(kept.with_name(kept.name + end))
    except OSError as error:
        raise StoreUnavailable(
            f"{path} is damaged and cannot be moved aside: {error.strerror}. "
            "Give yourself access to its folder."
        ) from error
    return kept


def _names(path: Path) -> Iterator[Path]:
    yield path.with_name(f"{path.name}.damaged")
    yield from (path.with_name(f"{path.name}.damaged-{number}") for number in count(2))


def _is_damaged(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            version: int = db.execute("PRAGMA user_version").fetchone()[0]
            if not 0 < version <= schema.VERSION:
                return False
            whole = db.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
            return not (whole and _is_readable(db))
    except sqlite3.DatabaseError as error:
        return (error.sqlite_errorcode & 0xFF) in _DAMAGE


def _is_readable(db: sqlite3.Connection) -> bool:
    try:
        for table, columns, record_of in (("runs", RUN_COLUMNS, run_of), ("tasks", TASK_COLUMNS, task_of)):
            for row in db.execute(f"SELECT {', '.join(columns)} FROM {table}"):
                record_of(row)
    except UNREADABLE:
        return False
    return True
