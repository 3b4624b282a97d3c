"""`@checkpoint`: a task goes on from what it had set aside, however it ended."""

import json
import os
import signal
from pathlib import Path

import pytest
from blake3 import blake3
from command_line import content, until, words
from stored_runs import stored_run, stored_task

HEAD = """
import os, signal, sys, time
from pathlib import Path
from stepwell import FlowSpec, Parameter, checkpoint, current, retry, step

def count(until, stop_at=None):
    place = Path(current.checkpoint.directory, "epoch.txt")
    first = int(place.read_text()) + 1 if current.checkpoint.is_loaded else 0
    for epoch in range(first, until):
        place.write_text(str(epoch))
        current.checkpoint.save(metadata={"epoch": epoch})
        if epoch == stop_at:
            return first, False
    return first, True
"""

TRAIN = """
class F(FlowSpec):
    @step
    def start(self):
        self.items = ["a", "b"]
        self.next(self.train, foreach="items")

    @checkpoint{policy}
    {retry}
    @step
    def train(self):
        broken = Path("mended").exists() or current.retry_count
        self.first, done = count(5, None if broken or self.input == "a" else 2)
        self.folder = current.checkpoint.directory
        if not done:
            {end}
        self.next(self.join)

    @step
    def join(self, inputs):
        self.firsts = [input.first for input in inputs]
        self.folders = [input.folder for input in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""

RAISES, DIES = "raise ValueError('half way')", "os.kill(os.getpid(), signal.SIGKILL)"
HANGS = "Path('waiting').touch(); time.sleep(600)"


def flow(end: str, retry: str = "", policy: str = "") -> str:
    return HEAD + TRAIN.format(end=end, retry=retry, policy=policy)


# SPEC 6.1-13
@pytest.mark.parametrize("isolation", ["fork", "spawn", "inline"])
def test_the_next_attempt_goes_on_from_the_latest_checkpoint_of_its_own_task(folder, isolation):
    folder.file(flow(RAISES, "@retry(times=1, delay=0)"))

    done = folder.run("--isolation", isolation)

    assert done.returncode == 0, words(done)
    join = stored_run(folder)["join"].task
    assert join.data.firsts == [0, 3]
    assert not any(Path(one).exists() for one in join.data.folders)


# SPEC 6.1-13
def test_a_process_that_is_killed_loses_nothing_that_it_had_saved(folder):
    folder.file(flow(DIES, "@retry(times=1, delay=0)"))

    done = folder.run()

    assert done.returncode == 0, words(done)
    assert stored_run(folder)["join"].task.data.firsts == [0, 3]


# SPEC 6.1-13
@pytest.mark.parametrize("command", ["continue", "resume"])
def test_a_run_that_goes_on_has_the_checkpoints_of_the_task_that_failed(folder, command):
    folder.file(flow(RAISES))

    failed = folder.run()
    (folder.path / "mended").touch()
    went_on = folder.call("flow.py", command)

    assert (failed.returncode, went_on.returncode) == (1, 0), words(went_on)
    run = stored_run(folder, "1" if command == "continue" else "2")
    assert run["join"].task.data.firsts == [0, 3]


def test_a_step_that_is_executed_again_by_name_does_not_go_on_from_where_it_had_succeeded(folder):
    folder.file(flow(RAISES))
    (folder.path / "mended").touch()
    folder.run()

    resumed = folder.call("flow.py", "resume", "train")

    assert resumed.returncode == 0, words(resumed)
    assert stored_run(folder, "2")["join"].task.data.firsts == [0, 0]


# SPEC 6.1-13
def test_after_the_run_process_was_killed_and_the_index_is_lost_the_run_still_goes_on_from_it(folder):
    folder.file(flow(HANGS))
    process = folder.begin()
    until((folder.path / "waiting").exists, "the task has saved")
    os.kill(process.pid, signal.SIGKILL)
    process.wait(60)
    for file in folder.root.glob("metadata.db*"):
        file.unlink()

    folder.call("-m", "stepwell", "reindex")
    (folder.path / "mended").touch()
    done = folder.call("flow.py", "continue", "1")

    assert done.returncode == 0, words(done)
    assert stored_run(folder)["join"].task.data.firsts[1] == 3


# SPEC 6.1-13
@pytest.mark.parametrize(
    ("policy", "firsts"),
    [('(load_policy="fresh")', [0, 0]), ('(load_policy="eager")', [5, 3]), ("(load_policy=None)", [0, 0])],
)
def test_only_the_eager_policy_looks_at_other_runs(folder, policy, firsts):
    folder.file(flow(RAISES, policy=policy))
    folder.run()
    (folder.path / "mended").touch()

    again = folder.run()

    assert again.returncode == 0, words(again)
    assert stored_run(folder, "2")["join"].task.data.firsts == firsts


# SPEC 6.1-13
def test_with_no_policy_not_even_an_own_earlier_attempt_is_loaded(folder):
    folder.file(flow(RAISES, "@retry(times=1, delay=0)", "(load_policy=None)"))

    assert folder.run().returncode == 0
    assert stored_run(folder)["join"].task.data.firsts == [0, 0]


# SPEC 6.1-13
def test_the_eager_policy_sees_the_runs_of_its_namespace_only(folder):
    folder.file(flow(RAISES, policy='(load_policy="eager")'))
    (folder.path / "mended").touch()
    folder.run("--tag", "project:x")
    bob = {**os.environ, "STEPWELL_USER": "bob"}

    folder.run(env=bob)
    folder.run("--namespace", "project:x", env=bob)
    folder.run("--namespace", "", env=bob)

    firsts = [stored_run(folder, run)["join"].task.data.firsts for run in ("2", "3", "4")]
    assert firsts == [[0, 0], [5, 5], [5, 5]]


OTHER = (
    HEAD
    + """
class F(FlowSpec):
    @step
    def start(self):
        self.next(self.writes, self.reads)

    @checkpoint
    @step
    def writes(self):
        current.checkpoint.save(metadata={"epoch": 0})
        Path("written").write_text(current.pathspec)
        while not Path("read").exists():
            time.sleep(0.02)
        self.next(self.join)

    @checkpoint
    @step
    def reads(self):
        while not Path("written").exists() or not Path("written").read_text():
            time.sleep(0.02)
        (self.ref,) = current.checkpoint.list(task=Path("written").read_text())
        current.checkpoint.load(self.ref)
        Path("read").touch()
        self.next(self.join)

    @step
    def join(self, inputs):
        self.ref = inputs.reads.ref
        self.next(self.end)

    @checkpoint
    @step
    def end(self):
        self.folder = current.checkpoint.load(self.ref, "loaded")

if __name__ == "__main__":
    F()
"""
)


# SPEC 6.1-13
def test_another_task_reads_a_checkpoint_while_the_one_that_saved_it_runs(folder):
    folder.file(OTHER)

    done = folder.run("--max-workers", "2")

    assert done.returncode == 0, words(done)
    task = stored_task(folder, "1/end/5")
    assert task.data.ref.metadata == {"epoch": 0} and task.data.ref.name == "checkpoint"
    assert (folder.path / "loaded").is_dir()


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(folder):
    folder.file(flow(RAISES))
    folder.run()
    latest = max((folder.root / "runs").rglob("checkpoints/train/*/3/0/*/2"))
    latest.write_bytes(b"torn")
    (folder.path / "mended").touch()

    done = folder.call("flow.py", "continue")

    assert done.returncode == 0, words(done)
    assert "is passed over: " in done.stdout
    assert stored_run(folder)["join"].task.data.firsts == [0, 2]


def test_doctor_finds_what_is_damaged_of_checkpoints_and_whose_it_is(folder):
    folder.file(flow(RAISES))
    folder.run()
    *_, last = sorted(folder.root.glob("runs/F/0/1/checkpoints/train/0/3/0/*/*"))
    assert folder.call("-m", "stepwell", "doctor", "--datastore").returncode == 0
    last.write_bytes(b"torn")
    lost = blake3(b"0").hexdigest()
    next(folder.root.glob(f"blobs/*/*/{lost}")).unlink()

    done = folder.call("-m", "stepwell", "doctor", "--datastore", "F/1", "--json")

    damaged = json.loads(done.stdout)["damaged"]
    assert done.returncode == 1
    assert [(one["task"], one["place"]) for one in damaged if "runs/" in one["place"]] == [
        ("F/1/train/3", str(last.relative_to(folder.root)))
    ]
    assert {one["task"] for one in damaged if one["place"] == lost} == {"F/1/train/2", "F/1/train/3"}


def test_a_step_without_the_decorator_is_told_which_one_it_needs(folder):
    folder.flow("from stepwell import current", "current.checkpoint.save()")

    done = folder.run()

    assert done.returncode == 1
    assert "it exists in a step that carries @checkpoint" in words(done)


def test_a_killed_attempt_leaves_no_folder_for_good(folder, tmp_path):
    folder.file(flow(DIES))
    place = tmp_path / "tmp"
    place.mkdir()
    environment = {**os.environ, "TMPDIR": str(place)}
    folder.run(env=environment)
    left = list(place.glob("stepwell-checkpoint-*"))
    for one in left:
        os.utime(one, (0, 0))
    (folder.path / "mended").touch()

    folder.call("flow.py", "continue", env=environment)

    assert left and not list(place.glob("stepwell-checkpoint-*"))
    assert content(folder.path / "mended") == ""
