"""Metadata used by several processes at once, whatever database keeps it."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from itertools import chain

import pytest
from command_line import until

from stepwell.metadata_store.store import MetadataStore, RunQuery, TaskQuery
from stepwell.metadata_stores.postgres import PostgresMetadata
from stepwell.metadata_stores.sqlite import SqliteMetadata
from stepwell.model.run import RunRecord, TaskRecord
from stepwell.model.states import RunState, TaskState

PROCESSES = 4
IDS_EACH = 25
MANY = 100_000
BEGINNING = """
import sys
from stepwell.metadata_stores.postgres import PostgresMetadata
from stepwell.metadata_stores.sqlite import SqliteMetadata
from stepwell.model.run import RunRecord, TaskRecord
from stepwell.model.states import RunState, TaskState

def opened():
    return PostgresMetadata(place) if "://" in place else SqliteMetadata(place)

def task(number, state=TaskState.RUNNING):
    return TaskRecord(flow="F", run="1", step="s", task=str(number), number=number, state=state)

place, me = sys.argv[1:]
"""
READY = """
print("ready", flush=True)
sys.stdin.readline()
"""
TAKE_IDS = f"""
store = opened()
print(*[store.next_run_id() for _ in range({IDS_EACH})])
"""
ADD_TAGS = """
store = opened()
for number in range(10):
    store.change_tags("F", "1", [f"{me}-{number}"], [])
"""
SAVE_THE_SAME = """
store = opened()
tasks = [task(number) for number in range(300)]
for _ in range(10):
    store.save_tasks(tasks if int(me) % 2 else tasks[::-1])
    run = store.run("F", "1")
    store.replace_run(run, RunRecord(flow="F", run="1", state=RunState.LOST, user=me, created_at=1.0))
    store.beat("F", "1", 2.0)
"""
SAVE_MANY = """
store = opened()
store.save_tasks(tasks)
"""
MAKE_MANY = f"tasks = [task(number) for number in range({MANY})]"
RUN = RunRecord(flow="F", run="1", state=RunState.RUNNING, user="ann", created_at=1.0)


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, tmp_path):
    """Where the metadata lies; nothing is there yet."""
    if request.param == "sqlite":
        return str(tmp_path / "metadata.db")
    return request.getfixturevalue("database")


@pytest.fixture
def store(place):
    """The metadata as this process has it."""
    with closing(opened(place)) as store:
        yield store


def opened(place: str) -> MetadataStore:
    return PostgresMetadata(place) if "://" in place else SqliteMetadata(place, patience_s=30.0)


@pytest.fixture
def started(place):
    """Start processes that wait for a line before they do what they are told."""
    processes: list[subprocess.Popen[str]] = []

    def start(code: str, count: int, before: str = "") -> list[subprocess.Popen[str]]:
        fresh = [
            subprocess.Popen(
                [sys.executable, "-c", BEGINNING + before + READY + code, place, str(number)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(count)
        ]
        processes.extend(fresh)
        for process in fresh:
            assert process.stdout.readline() == "ready\n"
        return fresh

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def go(processes: list[subprocess.Popen[str]]) -> list[str]:
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    return said


# SPEC 12.3-4
# SPEC 12.4-1
def test_processes_that_make_it_together_never_get_the_same_run_id(started):
    said = go(started(TAKE_IDS, PROCESSES))

    handed_out = [[int(number) for number in line.split()] for line in said]
    assert sorted(chain(*handed_out)) == list(range(1, PROCESSES * IDS_EACH + 1))
    assert all(mine == sorted(mine) for mine in handed_out)


# SPEC 12.4-1
def test_no_tag_is_forgotten_when_processes_add_them_at_once(started, store):
    store.save_run(RUN)

    go(started(ADD_TAGS, PROCESSES))

    expected = {f"{process}-{number}" for process in range(PROCESSES) for number in range(10)}
    assert set(store.run("F", "1").tags) == expected
    assert all(store.runs(RunQuery(tags=(tag,))) for tag in expected)


# SPEC 12.4-1
def test_processes_that_write_the_same_tasks_in_any_order_are_never_in_each_others_way(started, store):
    store.save_run(RUN)

    go(started(SAVE_THE_SAME, PROCESSES))

    assert len(store.tasks(TaskQuery(flow="F", run="1"))) == 300


# SPEC 12.4-1
def test_a_writer_killed_amid_its_transaction_leaves_nothing_of_it_and_no_lock(started, place, store):
    store.save_run(RUN)
    [writer] = started(SAVE_MANY, 1, before=MAKE_MANY)
    writer.stdin.write("go\n")
    writer.stdin.flush()
    until(lambda: is_writing(place), "the writer is amid its transaction")

    writer.kill()
    writer.wait()
    store.save_tasks([TaskRecord(flow="F", run="1", step="s", task="x", number=1, state=TaskState.SUCCEEDED)])

    assert [task.task for task in store.tasks(TaskQuery(flow="F", run="1"))] == ["x"]


def is_writing(place: str) -> bool:
    """Tell whether another process is amid a transaction that writes."""
    if "://" not in place:
        with closing(sqlite3.connect(place, timeout=0, isolation_level=None)) as db:
            try:
                db.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return True
            return False
    import psycopg

    asked = (
        "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database "
        "WHERE d.datname = current_database() AND locktype = 'advisory'"
    )
    with psycopg.connect(place) as db:
        return db.execute(asked).fetchone()[0] > 0
