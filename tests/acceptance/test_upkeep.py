"""The index can be made anew, damage is found, and ids stay apart: on what real runs leave."""

import json
import os
import signal
import sqlite3
from contextlib import closing

import pytest
from command_line import Folder, until, words

from stepwell.client.objects import Run, Stepwell
from stepwell.client.scope import Connection, Scope

FLOW = """
import os, time
import numpy as np
from stepwell import FlowSpec, Parameter, step

class F(FlowSpec):
    alpha = Parameter("alpha", default=2)

    @step
    def start(self):
        self.items = ["a", "b" * 20_000, "c"]
        self.big = np.arange(50_000)
        self.next(self.work, foreach="items")

    @step
    def work(self):
        if os.environ.get("FAIL") == str(self.index):
            raise ValueError("as asked")
        while os.path.exists("hold"):
            time.sleep(0.01)
        self.double = self.input * self.alpha
        self.next(self.join)

    @step
    def join(self, inputs):
        self.lengths = [len(one.double) for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""


def scope(folder: Folder) -> Scope:
    return Scope(Connection(f"local@{folder.root}"), None)


def told(folder: Folder) -> object:
    """What the client tells of every run and task, without times that are known to the index alone."""
    return {
        run.pathspec: (
            run.status,
            sorted(run.user_tags),
            sorted(run.system_tags),
            run.created_at,
            {
                task.pathspec: (
                    task.status,
                    task.index,
                    task.current_attempt,
                    sorted(task.parent_task_pathspecs),
                    task.metadata_dict,
                    sorted(artifact.id for artifact in task),
                )
                for step in run.steps()
                for task in step
            },
            run["_parameters"].task.metadata_dict,
        )
        for flow in Stepwell(scope(folder))
        for run in flow
    }


def lose_the_index(folder: Folder) -> None:
    for file in folder.root.glob("metadata.db*"):
        file.unlink()


# SPEC 12.4-4
def test_the_index_can_be_made_anew_from_the_datastore_alone(folder, monkeypatch):
    folder.file(FLOW)
    assert folder.run("--tag", "first").returncode == 0
    monkeypatch.setenv("FAIL", "1")
    assert folder.run().returncode == 1
    Run("F/1", scope(folder)).replace_tag("first", "second")
    before = told(folder)
    lose_the_index(folder)

    done = folder.call("-m", "stepwell", "reindex")

    assert done.returncode == 0, words(done)
    assert told(folder) == before
    assert "2 runs" in done.stdout
    monkeypatch.delenv("FAIL")
    assert folder.run().returncode == 0
    assert Run("F/3", scope(folder)).successful


# SPEC 12.4-4
# SPEC 7.4-2
def test_an_index_made_anew_knows_what_was_tried_again_caught_reused_and_continued(folder, monkeypatch):
    text = FLOW.replace(
        "    @step\n    def join", "    @catch(var='bad')\n    @retry(times=1)\n    @step\n    def join"
    )
    text = text.replace("import FlowSpec,", "import FlowSpec, catch, current, retry,")
    text = text.replace("[len(one.double)", "current.retry_count and [len(one.double)")
    text = text.replace("self.next(self.end)", "self.next(self.later)\n\n    @step\n    def later(self):\n"
        "        if 'LATE' in os.environ:\n            os._exit(int(os.environ['LATE']))\n"
        "        self.next(self.end)")  # fmt: skip
    folder.file(text)
    monkeypatch.setenv("LATE", "3")
    assert folder.run().returncode == 1
    assert folder.call("flow.py", "resume", "later").returncode == 1
    assert folder.call("flow.py", "continue").returncode == 1
    monkeypatch.delenv("LATE")
    assert folder.call("flow.py", "continue", "2").returncode == 0
    monkeypatch.setenv("FAIL", "1")
    assert folder.call("flow.py", "resume", "work").returncode == 1
    before = told(folder)
    lose_the_index(folder)

    done = folder.call("-m", "stepwell", "reindex")

    assert done.returncode == 0, words(done)
    assert told(folder) == before
    assert Run("F/2", scope(folder)).successful
    assert {task.status for task in Run("F/2", scope(folder))["work"]} == {"reused"}
    monkeypatch.delenv("FAIL")
    assert folder.call("flow.py", "continue").returncode == 0


# SPEC 12.4-4
def test_making_it_anew_beside_a_run_disturbs_neither(folder):
    folder.file(FLOW)
    hold = folder.path / "hold"
    hold.touch()
    running = folder.begin()
    until(lambda: b"work" in (folder.path / "out.txt").read_bytes(), "the run works on items")

    for _ in range(3):
        done = folder.call("-m", "stepwell", "reindex")
        assert done.returncode == 0, words(done)
    assert Run("F/1", scope(folder)).status == "running"
    hold.unlink()

    assert running.wait(60) == 0
    run = Run("F/1", scope(folder))
    assert run.successful and run.data.lengths == [2, 40_000, 2]
    assert {task.status for step in run for task in step} == {"succeeded"}


# SPEC 12.4-3
def test_a_run_that_was_killed_is_lost_in_the_new_index_too(folder):
    folder.file(FLOW)
    (folder.path / "hold").touch()
    running = folder.begin()
    until(lambda: b"work" in (folder.path / "out.txt").read_bytes(), "the run works on items")
    os.kill(running.pid, signal.SIGKILL)
    running.wait(60)
    lose_the_index(folder)

    assert folder.call("-m", "stepwell", "reindex").returncode == 0

    run = Run("F/1", scope(folder))
    assert run.status == "lost"
    assert run["start"].task.successful


# SPEC 12.3-4
# SPEC 12.3-5
def test_ids_of_runs_stay_apart_without_a_common_index(folder):
    """As on another machine, whose index knows nothing of the runs that the common directory has."""
    folder.flow()
    folder.flow(name="other.py")
    assert folder.run().returncode == 0
    lose_the_index(folder)

    done = folder.call("other.py", "run")

    assert done.returncode == 0
    assert "run started (run-id 2)" in words(done)


# SPEC 12.3-3
# SPEC 10.3-5
def test_doctor_finds_what_is_damaged_or_missing_and_whom_it_concerns(folder):
    folder.file(FLOW)
    assert folder.run().returncode == 0
    assert folder.call("-m", "stepwell", "doctor", "--datastore").returncode == 0
    big = Run("F/1", scope(folder))["start"].task["big"].sha
    (blob,) = folder.root.glob(f"blobs/*/*/{big}")
    content = bytearray(blob.read_bytes())
    content[1000] ^= 1
    blob.chmod(0o600)
    blob.write_bytes(content)
    code = Run("F/1", scope(folder)).code.path.rpartition("#")[2]
    next(folder.root.glob(f"blobs/*/*/{code}")).unlink()
    (pack,) = folder.root.glob("runs/F/0/1/packs/end/*/*")
    pack.write_bytes(pack.read_bytes()[:-1] + b"?")
    files = {file: file.read_bytes() for file in folder.root.rglob("*") if file.is_file()}

    done = folder.call("-m", "stepwell", "doctor", "--datastore", "--json")
    of_the_run = folder.call("-m", "stepwell", "doctor", "--datastore", "F/1")

    assert done.returncode == of_the_run.returncode == 1, words(done)
    damaged = json.loads(done.stdout)["damaged"]
    assert {(d["task"], d["what"].partition(" (")[0]) for d in damaged if big in d["place"]} == {
        ("F/1/start/1", "artifact 'big' is damaged")
    }
    assert [d["what"] for d in damaged if d["place"] == code] == ["the code of run F/1 is missing"]
    assert [d["task"] for d in damaged if "packs/end" in d["place"]] == ["F/1/end/6"]
    assert words(of_the_run).count("packs/end") == 1
    assert "`python flow.py continue RUN` computes it again" in words(of_the_run)
    assert len(damaged) == 3
    assert "F/1/start/1: artifact 'big' is damaged" in words(of_the_run)
    unchanged = {file: file.read_bytes() for file in files if "metadata" not in file.name}
    assert unchanged == {file: data for file, data in files.items() if "metadata" not in file.name}


# SPEC 12.3-3
# SPEC 7.4-2
def test_doctor_finds_reused_results_that_are_gone_or_damaged(folder):
    folder.file(FLOW)
    assert folder.run().returncode == 0
    assert folder.call("flow.py", "resume", "end").returncode == 0
    assert folder.call("-m", "stepwell", "doctor", "--datastore", "F/2").returncode == 0
    (start,) = folder.root.glob("runs/F/0/1/packs/start/*/*")
    start.unlink()
    (join,) = folder.root.glob("runs/F/0/1/packs/join/*/*")
    join.write_bytes(join.read_bytes()[:-1] + b"?")

    done = folder.call("-m", "stepwell", "doctor", "--datastore", "F/2", "--json")
    reindexed = folder.call("-m", "stepwell", "reindex")

    assert done.returncode == 1, words(done)
    found = {damage["task"]: damage["what"] for damage in json.loads(done.stdout)["damaged"]}
    assert set(found) == {"F/2/start/1", f"F/2/join/{join.name}"}
    assert "F/1/start/1, is missing" in found["F/2/start/1"]
    assert "F/1/start/1: it is reused by run 2, and is gone" in words(reindexed)


# SPEC 9.4-7
def test_doctor_says_what_a_run_needs_and_how_to_mend_it(folder, monkeypatch):
    monkeypatch.setenv("STEPWELL_SERVICE_AUTH_KEY", "hidden words")
    monkeypatch.setenv("STEPWELL_DATASTORE_ROT", "x")

    done = folder.call("-m", "stepwell", "doctor")
    found = json.loads(folder.call("-m", "stepwell", "doctor", "--json").stdout)["findings"]

    assert done.returncode == 0, words(done)
    assert "WARNING settings: Unknown setting STEPWELL_DATASTORE_ROT" in done.stdout
    assert "SERVICE_AUTH_KEY is set" in done.stdout and "hidden words" not in words(done)
    assert {"python", "versions", "datastore", "clock", "disk", "metadata", "engines"} <= {
        finding["check"] for finding in found
    }
    assert not folder.root.exists()


# SPEC 9.4-7
def test_doctor_ends_with_1_where_no_run_is_possible(folder):
    (folder.path / "file").touch()

    done = folder.call("-m", "stepwell", "--datastore-root", "file", "doctor")

    assert done.returncode == 1
    assert "FATAL" in done.stdout and "--datastore-root" in words(done)


def reindexed(folder: Folder, complaint: str) -> str:
    """Let a command complain that it needs `reindex`, and then succeed after it; return what that said."""
    refused = folder.call("-m", "stepwell", "show", "F/1")
    assert refused.returncode == 2, words(refused)
    assert complaint in words(refused) and "`stepwell reindex`" in words(refused)

    done = folder.call("-m", "stepwell", "reindex")
    assert done.returncode == 0, words(done)
    assert "succeeded" in folder.call("-m", "stepwell", "show", "F/1").stdout
    return words(done)


# SPEC 12.1-2
@pytest.mark.parametrize("content", [None, "", "\0\0\0\0"])
def test_a_lost_statement_of_the_format_is_restored(folder, content):
    folder.file(FLOW)
    assert folder.run().returncode == 0
    marker = folder.root / "stepwell.json"
    before = marker.read_text()
    marker.unlink()
    if content is not None:
        marker.write_text(content)

    said = reindexed(folder, "stepwell.json")

    assert "stepwell.json was lost; it is restored" in said
    assert marker.read_text() == before
    assert folder.run().returncode == 0


# SPEC 12.4-4
def test_a_lost_index_is_told_and_made_anew(folder):
    folder.file(FLOW)
    assert folder.run().returncode == 0
    lose_the_index(folder)

    reindexed(folder, "The index of")


# SPEC 12.4-4
@pytest.mark.parametrize("damage", ["no database", "a torn page", "a record"])
def test_a_damaged_index_is_kept_beside_the_new_one(folder, damage):
    folder.file(FLOW)
    assert folder.run().returncode == 0
    index = folder.root / "metadata.db"
    if damage == "no database":
        index.write_bytes(b"x" * 10_000)
    elif damage == "a torn page":
        os.truncate(index, index.stat().st_size // 4096 // 2 * 4096)
    else:
        with closing(sqlite3.connect(index, isolation_level=None)) as db:
            db.execute("UPDATE runs SET state = 'dreaming'")
    damaged = index.read_bytes()

    said = reindexed(folder, "metadata.db")

    assert "it is kept as metadata.db.damaged" in said
    assert (folder.root / "metadata.db.damaged").read_bytes() == damaged
    assert Run("F/1", scope(folder)).successful
