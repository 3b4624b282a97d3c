"""Metadata in tables, whatever database keeps them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

import msgspec

from stepwell.exceptions import StepwellNotFound, StoreFormatError
from stepwell.metadata_store import tags
from stepwell.metadata_store.run_order import place_of
from stepwell.metadata_store.store import MetadataStore, RunQuery, StepCount, TaskQuery
from stepwell.metadata_stores import sql
from stepwell.metadata_stores.rows import UNREADABLE, Row, run_of, run_row, task_of, task_row, text_of
from stepwell.model.run import RunRecord, TaskRecord
from stepwell.model.states import RunState
from stepwell.model.text import storable

R = TypeVar("R")
RunKey = tuple[str, str]
"""Flow and id of a run."""


class Answer(Protocol):
    """What a statement gives."""

    def fetchall(self) -> list[Row]: ...


class Transaction(Protocol):
    """What is written together."""

    def execute(self, text: str, given: Sequence[object] = (), /) -> Answer: ...

    def executemany(self, text: str, rows: Iterable[Row], /) -> object: ...


class SqlMetadata(MetadataStore):
    """All that does not depend on the database: its adapters connect, and say what it can do wrong."""

    @abstractmethod
    def writing(self, runs: Iterable[RunKey] = ()) -> AbstractContextManager[Transaction]:
        """Return one transaction, kept whole or not at all. Nobody else writes to these runs meanwhile."""

    @abstractmethod
    def rows(self, text: str, given: Sequence[object]) -> list[Row]:
        """Return what a statement that only reads gives; nothing for text that is no Unicode."""

    @abstractmethod
    def unreadable(self, why: str) -> StoreFormatError:
        """Return the error for a record that this version cannot read."""

    def next_run_id(self) -> int:
        with self.writing() as db:
            return db.execute(sql.NEXT_RUN_ID).fetchall()[0][0]

    def save_run(self, run: RunRecord) -> None:
        run = storable(run)
        with self.writing([(run.flow, run.run)]) as db:
            is_new = not db.execute(sql.RUN, (run.flow, run.run)).fetchall()
            _save(db, run)
            if is_new:
                _index_tags(db, run)

    def replace_run(self, seen: RunRecord, run: RunRecord) -> RunRecord:
        with self.writing([(run.flow, run.run)]) as db:
            found = self._existing(db, run.flow, run.run)
            if (found.state, found.heartbeat_at) != (seen.state, seen.heartbeat_at):
                return found
            _save(db, storable(run))
            if run.state is RunState.LOST:
                db.execute(sql.LOSE_TASKS, (run.finished_at, run.flow, run.run))
            return self._existing(db, run.flow, run.run)

    def delete_run(self, seen: RunRecord) -> bool:
        with self.writing([(seen.flow, seen.run)]) as db:
            found = self._decoded(run_of, db.execute(sql.RUN, (seen.flow, seen.run)).fetchall())
            if found and (found[0].state, found[0].heartbeat_at) != (seen.state, seen.heartbeat_at):
                return False
            for text in sql.DELETE_RUN:
                db.execute(text, (seen.flow, seen.run))
            return True

    def beat(self, flow: str, run: str, at: float) -> None:
        with self.writing([(flow, run)]) as db:
            db.execute(sql.FIND_TASKS, (flow, run, flow, run))
            db.execute(sql.BEAT, (at, flow, run))

    def save_tasks(self, tasks: Sequence[TaskRecord]) -> None:
        if not tasks:
            return
        with self.writing({(task.flow, task.run) for task in tasks}) as db:
            db.executemany(sql.SAVE_TASK, map(task_row, map(storable, tasks)))

    def change_tags(self, flow: str, run: str, add: Iterable[str], remove: Iterable[str]) -> RunRecord:
        with self.writing([(flow, run)]) as db:
            before = self._existing(db, flow, run)
            user = tags.changed(before.tags, before.system_tags, add, remove)
            after = msgspec.structs.replace(before, tags=user)
            db.execute(sql.SET_TAGS, (text_of(user), flow, run))
            db.execute(sql.CLEAR_TAGS, (flow, run))
            _index_tags(db, after)
            return after

    def run(self, flow: str, run: str) -> RunRecord | None:
        return next(iter(self._records(run_of, sql.RUN, (flow, run))), None)

    def runs(self, query: RunQuery) -> Sequence[RunRecord]:
        return self._records(run_of, *sql.runs(query))

    def flows(self) -> Sequence[str]:
        return [row[0] for row in self.rows(sql.FLOWS, ())]

    def task(self, flow: str, run: str, step: str, task: str) -> TaskRecord | None:
        return next(iter(self._records(task_of, sql.TASK, (flow, run, step, task))), None)

    def tasks(self, query: TaskQuery) -> Sequence[TaskRecord]:
        return self._records(task_of, *sql.tasks(query))

    def steps(self, flow: str, run: str) -> Sequence[StepCount]:
        return [StepCount(*row[:6]) for row in self.rows(sql.STEPS, (flow, run))]

    def _existing(self, db: Transaction, flow: str, run: str) -> RunRecord:
        found = self._decoded(run_of, db.execute(sql.RUN, (flow, run)).fetchall())
        if not found:
            raise StepwellNotFound(f"There is no run {flow}/{run} in {self.location}.")
        return found[0]

    def _records(self, kind: Callable[[Row], R], text: str, given: Sequence[object]) -> list[R]:
        return self._decoded(kind, self.rows(text, given))

    def _decoded(self, kind: Callable[[Row], R], rows: list[Row]) -> list[R]:
        try:
            return [kind(row) for row in rows]
        except UNREADABLE as error:
            raise self.unreadable(str(error)) from error


def _save(db: Transaction, run: RunRecord) -> None:
    number = place_of(run)
    db.execute(sql.SAVE_RUN, run_row(run))
    db.execute(sql.RAISE_RUN_ID, (number, number))


def _index_tags(db: Transaction, run: RunRecord) -> None:
    db.executemany(sql.ADD_TAG, [(run.flow, run.run, tag) for tag in (*run.tags, *run.system_tags)])
