"""A run whose process is gone without a word, as the command line shows it."""

import os
import signal
import socket
import subprocess
import sys

import pytest
from command_line import content, nothing_left, until, words

from stepwell.metadata_store.store import TaskQuery
from stepwell.metadata_stores.sqlite import SqliteMetadata
from stepwell.model.run import RunRecord
from stepwell.model.states import RunState
from stepwell.settings.places import METADATA_FILE
from stepwell.settings.sources import load_settings
from stepwell.wiring.stores import make_stores


@pytest.mark.parametrize("command", [("runs",), ("show", "Gone/1")])
def test_a_run_whose_process_is_gone_is_shown_and_recorded_as_lost(tmp_path, command):  # SPEC 12.4-3
    root = tmp_path / ".stepwell"
    make_stores(root, load_settings()).metadata.close()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    record = RunRecord(
        flow="Gone", run="1", state=RunState.RUNNING, user="ada", created_at=1e9, heartbeat_at=1e9,
        host=socket.gethostname(), pid=ended.pid, pid_started=1.0,
    )  # fmt: skip
    store = SqliteMetadata(root / METADATA_FILE)
    store.save_run(record)

    said = subprocess.run(
        [sys.executable, "-m", "stepwell", "--datastore-root", str(root), *command],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert "lost" in said.stdout
    found = store.run("Gone", "1")
    assert found is not None and found.state is RunState.LOST
    store.close()


# SPEC 12.4-2
# SPEC 12.4-3
# SPEC 7.3-1
def test_the_tasks_of_a_lost_run_are_lost_with_it_and_continue_goes_on_from_there(folder, mark):
    folder.flow("open('began', 'w').close()", "while not os.path.exists('go'): time.sleep(0.01)")
    process = folder.begin()
    until((folder.path / "began").exists, "the task has begun")
    store = SqliteMetadata(folder.root / "metadata.db", readonly=True)
    until(lambda: store.task("Small", "1", "start", "1"), "the task is on record")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    nothing_left(mark)

    shown = words(folder.call("flow.py", "show", "1"))
    task = store.task("Small", "1", "start", "1")
    (folder.path / "go").touch()
    went_on = folder.call("flow.py", "continue", "1")

    assert "start: 1 lost" in shown
    assert "took      at least" in shown
    assert task is not None and task.state.value == "lost"
    assert went_on.returncode == 0, words(went_on)
    ended = store.task("Small", "1", "start", "1")
    store.close()
    assert ended is not None and (ended.state.value, ended.attempt) == ("succeeded", 1)
    assert "Traceback" not in content(folder.path / "err.txt")


def test_a_lost_run_that_gave_no_sign_of_life_took_an_unknown_time(tmp_path):
    root = tmp_path / ".stepwell"
    make_stores(root, load_settings()).metadata.close()
    store = SqliteMetadata(root / METADATA_FILE)
    store.save_run(
        RunRecord(flow="Gone", run="1", state=RunState.RUNNING, user="ada", created_at=1e9, heartbeat_at=1e9)
    )
    store.close()

    for command in (("runs",), ("show", "Gone/1")):
        said = subprocess.run(
            [sys.executable, "-m", "stepwell", "--datastore-root", str(root), *command],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert "unknown" in said.stdout


JOINING = """
import os, time
from stepwell import FlowSpec, step

class F(FlowSpec):
    @step
    def start(self):
        self.next(self.work, foreach={items})

    @step
    def work(self):
        self.value = self.input
        self.next(self.join)

    @step
    def join(self, inputs):
        open("began", "w").close()
        while not os.path.exists("go"):
            time.sleep(0.01)
        self.values = [one.value for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""


# SPEC 7.3-1
# SPEC 7.3-4
@pytest.mark.parametrize("items", [[1, 2, 3], [1]])
def test_a_join_that_was_lost_with_its_run_goes_on_under_its_id(folder, mark, items):
    folder.file(JOINING.format(items=items))
    process = folder.begin()
    until((folder.path / "began").exists, "the join has begun")
    store = SqliteMetadata(folder.root / "metadata.db", readonly=True)
    until(lambda: store.tasks(TaskQuery(flow="F", run="1", step="join")), "the join is on record")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    nothing_left(mark)
    (folder.path / "go").touch()

    went_on = folder.call("flow.py", "continue", "1")

    assert went_on.returncode == 0, words(went_on)
    joins = store.tasks(TaskQuery(flow="F", run="1", step="join"))
    store.close()
    assert [(join.task, join.state.value, join.attempt) for join in joins] == [
        (str(len(items) + 2), "succeeded", 1)
    ]
