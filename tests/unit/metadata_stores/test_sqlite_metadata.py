"""What SQLite can do wrong, and what becomes of it."""

import os
import sqlite3
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest

from stepwell.exceptions import StoreError, StoreFormatError, StoreUnavailable
from stepwell.metadata_store.store import RunQuery, TaskQuery
from stepwell.metadata_stores import schema
from stepwell.metadata_stores.sqlite import SqliteMetadata
from stepwell.model.run import RunRecord, TaskRecord
from stepwell.model.states import RunState, TaskState

NOBODY = 65534
VERSION_1 = Path(__file__).with_name("version_1.sql")
RUN = RunRecord(flow="F", run="1", state=RunState.RUNNING, user="ann", created_at=1.0)


def a_task(number: int, error: str = "") -> TaskRecord:
    return TaskRecord(
        flow="F", run="1", step="s", task=str(number), number=number, state=TaskState.FAILED, error=error
    )


@pytest.fixture
def path(tmp_path):
    """A file with one run; nobody has it open."""
    path = tmp_path / "metadata.db"
    store = SqliteMetadata(path)
    store.save_run(RUN)
    store.close()
    return path


@pytest.fixture
def opened():
    """Open stores that are closed when the test ends."""
    stores: list[SqliteMetadata] = []

    def opened(*args, **options) -> SqliteMetadata:
        stores.append(SqliteMetadata(*args, **options))
        return stores[-1]

    yield opened
    for store in stores:
        store.close()


@pytest.fixture
def writer(path):
    """Another program amid a transaction that writes."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield other
    other.close()


@pytest.fixture
def disk(tmp_path):
    """A disk of half a MiB, which can be made read-only."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = os.geteuid() == 0 and _mount("-t", "tmpfs", "-o", "size=512k", "none", place)
    if not mounted:
        pytest.skip("making a small disk needs the right to mount")
    yield place
    subprocess.run(["umount", place], check=True)


def _mount(*arguments: object) -> bool:
    return subprocess.run(["mount", *arguments], stderr=subprocess.DEVNULL).returncode == 0


def set_version(path, version: int) -> None:
    other = sqlite3.connect(path)
    other.execute(f"PRAGMA user_version = {version}")
    other.close()


def test_what_was_written_is_there_when_it_is_opened_again(path, opened):
    assert opened(path).run("F", "1") == RUN
    assert opened(str(path)).next_run_id() == 2


def test_an_empty_file_is_made_ready(tmp_path, opened):
    path = tmp_path / "metadata.db"
    path.touch()

    store = opened(path)

    assert store.next_run_id() == 1


def test_a_file_left_by_a_program_killed_while_it_made_it_is_made_ready(tmp_path, opened):
    path = tmp_path / "metadata.db"
    other = sqlite3.connect(path)
    other.execute("PRAGMA journal_mode = WAL")
    other.close()

    store = opened(path)

    assert store.next_run_id() == 1


def test_making_it_ready_is_all_or_nothing(tmp_path, opened):
    path = tmp_path / "metadata.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE tasks (something_else)")
    other.close()

    with pytest.raises(StoreError, match="table tasks already exists"):
        opened(path)

    other = sqlite3.connect(path)
    tables = other.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    version = other.execute("PRAGMA user_version").fetchone()
    other.close()
    assert (tables, version) == ([("tasks",)], (0,))


# SPEC 12.1-2
def test_what_version_1_wrote_is_read_and_goes_on(tmp_path, opened):
    other = sqlite3.connect(tmp_path / "metadata.db")
    other.executescript(VERSION_1.read_text())
    other.close()

    store = opened(tmp_path / "metadata.db")

    [run], [task] = store.runs(RunQuery(tags=("t", "user:ann"))), store.tasks(TaskQuery(flow="F", run="41"))
    assert (run.run, run.state, run.pid_started, run.fields) == ("41", "failed", 99.0, {"command": "run"})
    assert (task.step, task.exit_code, task.error) == ("a", 1, "ValueError: no")
    assert store.next_run_id() == 42


# SPEC 12.1-2
@pytest.mark.parametrize("readonly", [True, False])
def test_a_newer_format_is_refused_with_both_versions(path, opened, readonly):
    set_version(path, 7)

    with pytest.raises(StoreFormatError, match=rf"format 7; .* formats up to {schema.VERSION}\. Install"):
        opened(path, readonly=readonly)


def test_a_file_without_metadata_is_refused_to_who_only_reads(tmp_path, opened):
    path = tmp_path / "metadata.db"
    path.touch()

    with pytest.raises(StoreFormatError, match="holds no metadata"):
        opened(path, readonly=True)
    assert path.read_bytes() == b""


def test_a_file_of_something_else_is_refused_and_left_alone(tmp_path, opened):
    path = tmp_path / "metadata.db"
    path.write_text("name,value\n" * 100)

    with pytest.raises(StoreFormatError, match=r"no SQLite file .*stepwell reindex"):
        opened(path)
    assert path.read_text() == "name,value\n" * 100


def test_damage_amid_the_file_is_a_format_error(path, opened):
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xaa" * (size - 4096))

    with pytest.raises(StoreFormatError, match="damaged"):
        opened(path).runs(RunQuery())


@pytest.mark.parametrize(("column", "value"), [("state", "dreaming"), ("tags", "[1"), ("fields", "[]")])
def test_a_record_that_cannot_be_read_is_a_format_error(path, opened, column, value):
    other = sqlite3.connect(path, isolation_level=None)
    other.execute(f"UPDATE runs SET {column} = ?", [value])
    other.close()
    store = opened(path)

    for use in (lambda: store.run("F", "1"), lambda: store.change_tags("F", "1", ["a"], [])):
        with pytest.raises(StoreFormatError, match=r"metadata\.db holds a record .*stepwell reindex"):
            use()


def test_a_folder_that_is_not_there_is_named(tmp_path, opened):
    with pytest.raises(StoreUnavailable, match=r"no/metadata\.db cannot be opened.*folder"):
        opened(tmp_path / "no" / "metadata.db")


def test_a_file_in_place_of_the_folder_is_unavailable(tmp_path, opened):
    (tmp_path / "file").touch()

    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        opened(tmp_path / "file" / "metadata.db")


def test_who_only_reads_makes_no_file(tmp_path, opened):
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        opened(tmp_path / "metadata.db", readonly=True)
    assert list(tmp_path.iterdir()) == []


def test_who_only_reads_cannot_write(path, opened):
    store = opened(path, readonly=True)

    assert store.run("F", "1") == RUN
    with pytest.raises(StoreUnavailable, match="read-only"):
        store.next_run_id()


def test_who_may_only_read_sees_what_is_written_later(opened):
    with tempfile.TemporaryDirectory() as place:  # unlike pytest's own, in a folder that anybody may enter
        path = Path(place) / "metadata.db"
        SqliteMetadata(path).close()
        for protected, mode in ((path, 0o444), (Path(place), 0o555)):
            protected.chmod(mode)
        if os.geteuid() == 0:
            os.seteuid(NOBODY)
        try:
            reader = opened(path, readonly=True)
            before = list(reader.runs(RunQuery()))
        finally:
            os.seteuid(os.getuid())
        for protected in (Path(place), path):
            protected.chmod(0o755)
        writer = SqliteMetadata(path)
        writer.save_run(RUN)
        writer.close()

        assert (before, list(reader.runs(RunQuery()))) == ([], [RUN])


def test_places_with_odd_names_can_be_opened(tmp_path, opened):
    folder = tmp_path / "50% of #1? ü"
    folder.mkdir()

    store = opened(folder / "metadata.db")

    assert store.location == f"local@{folder}"
    assert (folder / "metadata.db").exists()


@pytest.mark.parametrize("patience_s", [0.0, 0.3])
def test_a_writer_waits_for_another_as_long_as_it_has_patience(path, opened, writer, patience_s):
    store = opened(path, patience_s=patience_s)
    began = time.monotonic()

    with pytest.raises(StoreUnavailable, match="locked by another process; nothing was written"):
        store.next_run_id()

    assert patience_s <= time.monotonic() - began < patience_s + 20.0


def test_a_writer_goes_on_when_the_other_has_finished(path, opened, writer):
    store = opened(path, patience_s=0.0)
    with pytest.raises(StoreUnavailable):
        store.save_run(RUN)

    writer.execute("COMMIT")

    assert store.next_run_id() == 2


def test_opening_and_reading_wait_for_no_writer(path, opened, writer):
    store = opened(path, patience_s=0.0)

    assert list(store.runs(RunQuery())) == [RUN]


@pytest.fixture
def reader_of_nothing(tmp_path):
    """Another program that reads a file not made ready yet, so that nobody can make it ready now."""
    other = sqlite3.connect(tmp_path / "metadata.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN")
    other.execute("SELECT * FROM sqlite_master").fetchall()
    yield other
    other.close()


def test_a_file_that_cannot_be_made_ready_in_time_is_unavailable(tmp_path, opened, reader_of_nothing):
    with pytest.raises(StoreUnavailable, match="locked"):
        opened(tmp_path / "metadata.db", patience_s=0.05)


def test_who_makes_it_ready_waits_until_others_are_out_of_the_way(tmp_path, opened, reader_of_nothing):
    leaving = threading.Timer(0.2, reader_of_nothing.execute, ["COMMIT"])
    leaving.start()

    store = opened(tmp_path / "metadata.db", patience_s=30.0)

    assert store.next_run_id() == 1
    leaving.join()


def test_of_tasks_that_cannot_all_be_written_none_is(path, opened):
    store = opened(path)

    with pytest.raises(OverflowError):
        store.save_tasks([a_task(1), a_task(2**70)])

    assert not store.tasks(TaskQuery(flow="F", run="1"))
    store.save_tasks([a_task(1)])
    assert list(store.tasks(TaskQuery(flow="F", run="1"))) == [a_task(1)]


def test_what_is_closed_says_so(path, opened):
    store = opened(path)
    store.close()

    with pytest.raises(StoreUnavailable, match=r"metadata\.db was closed"):
        store.runs(RunQuery())


def test_a_full_disk_is_unavailable_and_what_was_written_stays(disk, opened):
    store = opened(disk / "metadata.db")
    store.save_run(RUN)

    with pytest.raises(StoreUnavailable, match="the disk is full"):
        for number in range(100):
            store.save_tasks([a_task(number, error="x" * 50_000)])

    assert store.run("F", "1") == RUN
    assert 0 < number < 20
    assert len(store.tasks(TaskQuery(flow="F", run="1"))) == number


def test_on_a_read_only_disk_it_can_be_read_but_not_made_or_written(disk, opened):
    store = SqliteMetadata(disk / "metadata.db")
    store.save_run(RUN)
    store.close()
    assert _mount("-o", "remount,ro", disk)

    reader = opened(disk / "metadata.db", readonly=True)

    assert reader.run("F", "1") == RUN
    with pytest.raises(StoreUnavailable, match="read-only"):
        reader.beat("F", "1", 5.0)
    with pytest.raises(StoreUnavailable, match="folder exists and can be written"):
        opened(disk / "new.db")


def test_on_a_read_only_disk_what_is_not_whole_is_refused(disk, opened):
    store = SqliteMetadata(disk / "metadata.db")
    store.save_run(RUN)
    for part in ("", "-wal"):
        (disk / f"copy.db{part}").write_bytes((disk / f"metadata.db{part}").read_bytes())
    store.close()
    assert _mount("-o", "remount,ro", disk)

    with pytest.raises(StoreUnavailable):
        opened(disk / "copy.db", readonly=True)
