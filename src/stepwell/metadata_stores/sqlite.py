"""Metadata in one SQLite file, for many processes of one machine."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from stepwell.exceptions import StepwellNotFound, StoreError, StoreFormatError, StoreUnavailable
from stepwell.metadata_store import tags
from stepwell.metadata_store.run_order import place_of, run_number
from stepwell.metadata_store.store import MetadataStore, RunQuery, StepCount, TaskQuery
from stepwell.metadata_stores import schema, sql
from stepwell.model.run import RunRecord, TaskRecord
from stepwell.model.states import RunState, TaskState
from stepwell.model.text import storable

R = TypeVar("R")
Row = tuple[Any, ...]
_RETRY_S = 0.005
_json = msgspec.json.Encoder()
_names = msgspec.json.Decoder(tuple[str, ...])
_fields = msgspec.json.Decoder(dict[str, str])


class SqliteMetadata(MetadataStore):
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
        if not readonly:
            _make_private(self._path)
        mode = "rwc" if not readonly else "ro&immutable=1" if self._never_changes() else "ro"
        with self._errors():
            self._db = sqlite3.connect(
                f"{self._path.as_uri()}?mode={mode}",
                uri=True,
                timeout=patience_s,
                isolation_level=None,
                check_same_thread=False,
            )
        try:
            with self._errors():
                self._prepare(self._db, readonly)
        except StoreError:
            self.close()
            raise

    def next_run_id(self) -> int:
        # On disk before it is used: after a power cut the datastore may have packs of this run.
        self._synchronous("FULL")
        try:
            with self._writing() as db:
                return db.execute(sql.NEXT_RUN_ID).fetchall()[0][0]
        finally:
            self._synchronous("NORMAL")

    def save_run(self, run: RunRecord) -> None:
        run = storable(run)
        with self._writing() as db:
            is_new = db.execute(sql.RUN, (run.flow, run.run)).fetchone() is None
            _save(db, run)
            if is_new:
                _index_tags(db, run)

    def replace_run(self, seen: RunRecord, run: RunRecord) -> RunRecord:
        with self._writing() as db:
            found = self._existing(db, run.flow, run.run)
            if (found.state, found.heartbeat_at) != (seen.state, seen.heartbeat_at):
                return found
            _save(db, storable(run))
            if run.state is RunState.LOST:
                db.execute(sql.LOSE_TASKS, (run.finished_at, run.flow, run.run))
            return self._existing(db, run.flow, run.run)

    def beat(self, flow: str, run: str, at: float) -> None:
        with self._writing() as db:
            db.execute(sql.FIND_TASKS, (flow, run, flow, run))
            db.execute(sql.BEAT, (at, flow, run))

    def save_tasks(self, tasks: Sequence[TaskRecord]) -> None:
        if not tasks:
            return
        with self._writing() as db:
            db.executemany(sql.SAVE_TASK, map(_task_row, map(storable, tasks)))

    def change_tags(self, flow: str, run: str, add: Iterable[str], remove: Iterable[str]) -> RunRecord:
        with self._writing() as db:
            before = self._existing(db, flow, run)
            user = tags.changed(before.tags, before.system_tags, add, remove)
            after = msgspec.structs.replace(before, tags=user)
            db.execute(sql.SET_TAGS, (_text(user), flow, run))
            db.execute(sql.CLEAR_TAGS, (flow, run))
            _index_tags(db, after)
            return after

    def run(self, flow: str, run: str) -> RunRecord | None:
        return next(iter(self._records(_run, sql.RUN, (flow, run))), None)

    def runs(self, query: RunQuery) -> Sequence[RunRecord]:
        return self._records(_run, *sql.runs(query))

    def flows(self) -> Sequence[str]:
        return [row[0] for row in self._rows(sql.FLOWS, ())]

    def task(self, flow: str, run: str, step: str, task: str) -> TaskRecord | None:
        return next(iter(self._records(_task, sql.TASK, (flow, run, step, task))), None)

    def tasks(self, query: TaskQuery) -> Sequence[TaskRecord]:
        return self._records(_task, *sql.tasks(query))

    def steps(self, flow: str, run: str) -> Sequence[StepCount]:
        return [StepCount(*row[:6]) for row in self._rows(sql.STEPS, (flow, run))]

    @property
    def location(self) -> str:
        return f"local@{self._path.parent}"

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def _never_changes(self) -> bool:
        """Tell whether the file is whole and on a read-only disk, where SQLite cannot put its locks."""
        try:
            fixed = bool(os.statvfs(self._path).f_flag & os.ST_RDONLY)
        except OSError:
            return False  # not there: opening it says so
        return fixed and not self._path.with_name(f"{self._path.name}-wal").exists()

    def _synchronous(self, level: Literal["NORMAL", "FULL"]) -> None:
        with self._errors():
            self._open().execute(f"PRAGMA synchronous = {level}")

    def _existing(self, db: sqlite3.Connection, flow: str, run: str) -> RunRecord:
        found = self._decoded(_run, db.execute(sql.RUN, (flow, run)).fetchall())
        if not found:
            raise StepwellNotFound(f"There is no run {flow}/{run} in {self.location}.")
        return found[0]

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
        with self._writing():
            # Another process may have been first: read again under the lock.
            for statements in schema.MIGRATIONS[self._version(db) :]:
                for statement in statements:
                    db.execute(statement)
            db.execute(f"PRAGMA user_version = {schema.VERSION}")

    def _records(self, kind: Callable[[Row], R], text: str, given: Sequence[object]) -> list[R]:
        return self._decoded(kind, self._rows(text, given))

    def _decoded(self, kind: Callable[[Row], R], rows: list[Row]) -> list[R]:
        try:
            return [kind(row) for row in rows]
        except (ValueError, msgspec.MsgspecError) as error:
            raise StoreFormatError(
                f"{self._path} holds a record that this version of Stepwell cannot read ({error}). "
                "Move it away and run `stepwell reindex`."
            ) from error

    def _rows(self, text: str, given: Sequence[object]) -> list[Row]:
        with self._errors():
            try:
                return self._open().execute(text, tuple(given)).fetchall()  # type: ignore[arg-type]  # plain values
            except UnicodeEncodeError:
                return []  # text that is no Unicode was never written as it is

    @contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
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

    def _open(self) -> sqlite3.Connection:
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
            return StoreFormatError(
                f"{self._path} is damaged or no SQLite file ({error}). "
                "Move it away and run `stepwell reindex`."
            )
        said = _CAUSES.get(code)
        if said is None:
            return StoreError(f"The metadata in {self._path} refused: {error}.")
        return StoreUnavailable(f"The metadata in {self._path} {said} ({error}).")


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


def _text(value: object) -> str:
    return _json.encode(value).decode() if value else ""


def _save(db: sqlite3.Connection, run: RunRecord) -> None:
    number = place_of(run)
    db.execute(sql.SAVE_RUN, _run_row(run))
    db.execute(sql.RAISE_RUN_ID, (number, number))


def _index_tags(db: sqlite3.Connection, run: RunRecord) -> None:
    db.executemany(sql.ADD_TAG, [(run.flow, run.run, tag) for tag in (*run.tags, *run.system_tags)])


def _run_row(r: RunRecord) -> Row:
    return (
        r.flow, r.run, r.state.value, r.user, r.created_at, r.finished_at, r.heartbeat_at, r.host, r.pid,
        r.pid_started, r.reason, _text(r.tags), _text(r.system_tags), _text(r.fields), place_of(r),
    )  # fmt: skip


def _task_row(t: TaskRecord) -> Row:
    return (
        t.flow, t.run, t.step, t.task, t.number, t.state.value, t.attempt, t.created_at, t.started_at,
        t.finished_at, t.index_path, t.label, t.pid, t.host, t.exit_code, t.error, t.parents, _text(t.fields),
    )  # fmt: skip


def _run(row: Row) -> RunRecord:
    (
        flow, run, state, user, created_at, finished_at, heartbeat_at, host, pid, pid_started, reason,
        user_tags, system_tags, fields, number,
    ) = row  # fmt: skip
    return RunRecord(
        flow=flow,
        run=run,
        state=RunState(state),
        user=user,
        created_at=created_at,
        finished_at=finished_at,
        heartbeat_at=heartbeat_at,
        host=host,
        pid=pid,
        pid_started=pid_started,
        reason=reason,
        tags=_names.decode(user_tags) if user_tags else (),
        system_tags=_names.decode(system_tags) if system_tags else (),
        fields=_fields.decode(fields) if fields else {},
        number=0 if number == run_number(run) else number,
    )


def _task(row: Row) -> TaskRecord:
    (
        flow, run, step, task, number, state, attempt, created_at, started_at, finished_at, index_path,
        label, pid, host, exit_code, error, parents, fields,
    ) = row  # fmt: skip
    return TaskRecord(
        flow=flow,
        run=run,
        step=step,
        task=task,
        number=number,
        state=TaskState(state),
        attempt=attempt,
        created_at=created_at,
        started_at=started_at,
        finished_at=finished_at,
        index_path=index_path,
        label=label,
        pid=pid,
        host=host,
        exit_code=exit_code,
        error=error,
        parents=parents,
        fields=_fields.decode(fields) if fields else {},
    )
