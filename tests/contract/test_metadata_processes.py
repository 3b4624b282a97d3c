"""Metadata in SQLite, used by several processes at once."""

import subprocess
import sys
from itertools import chain

import pytest

from stepwell.metadata_store.store import RunQuery, TaskQuery
from stepwell.metadata_stores.sqlite import SqliteMetadata
from stepwell.model.run import RunRecord
from stepwell.model.states import RunState

PROCESSES = 4
IDS_EACH = 25
BEGINNING = """
import sys
from stepwell.metadata_stores.sqlite import SqliteMetadata
from stepwell.model.run import RunRecord, TaskRecord
from stepwell.model.states import RunState, TaskState
path, me = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
"""
TAKE_IDS = f"""
store = SqliteMetadata(path)
print(*[store.next_run_id() for _ in range({IDS_EACH})])
"""
ADD_TAGS = """
store = SqliteMetadata(path)
for number in range(10):
    store.change_tags("F", "1", [f"{me}-{number}"], [])
"""
WRITE_FOREVER = """
store = SqliteMetadata(path)
def records():
    for number in range(10_000):
        task = str(number)
        yield TaskRecord(flow="F", run="1", step="s", task=task, number=number, state=TaskState.RUNNING)
    print("inside", flush=True)
    sys.stdin.readline()
store.save_tasks(records())
"""


@pytest.fixture
def started(tmp_path):
    """Start processes that wait for a line before they do what they are told."""
    processes: list[subprocess.Popen[str]] = []

    def start(code: str, count: int) -> list[subprocess.Popen[str]]:
        fresh = [
            subprocess.Popen(
                [sys.executable, "-c", BEGINNING + code, str(tmp_path / "metadata.db"), str(number)],
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
def test_processes_that_make_the_file_together_never_get_the_same_run_id(started):
    said = go(started(TAKE_IDS, PROCESSES))

    handed_out = [[int(number) for number in line.split()] for line in said]
    assert sorted(chain(*handed_out)) == list(range(1, PROCESSES * IDS_EACH + 1))
    assert all(mine == sorted(mine) for mine in handed_out)


def test_no_tag_is_forgotten_when_processes_add_them_at_once(started, tmp_path):
    store = SqliteMetadata(tmp_path / "metadata.db")
    store.save_run(RunRecord(flow="F", run="1", state=RunState.RUNNING, user="ann", created_at=1.0))

    go(started(ADD_TAGS, PROCESSES))

    expected = {f"{process}-{number}" for process in range(PROCESSES) for number in range(10)}
    assert set(store.run("F", "1").tags) == expected
    store.close()


def test_a_writer_killed_amid_its_transaction_leaves_nothing_of_it_and_no_lock(started, tmp_path):
    store = SqliteMetadata(tmp_path / "metadata.db", patience_s=30.0)
    [writer] = started(WRITE_FOREVER, 1)
    writer.stdin.write("go\n")
    writer.stdin.flush()
    assert writer.stdout.readline() == "inside\n"

    writer.kill()
    writer.wait()
    store.save_run(RunRecord(flow="F", run="1", state=RunState.RUNNING, user="ann", created_at=1.0))

    assert [run.run for run in store.runs(RunQuery())] == ["1"]
    assert not store.tasks(TaskQuery(flow="F", run="1"))
    store.close()
