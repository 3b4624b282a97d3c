"""`init` and `step`, the entry for engines and schedulers: one task, given by name."""

import json
import signal
import subprocess
import sys

import pytest
from command_line import until, words

from stepwell.client import Flow, Run, Stepwell, Task
from stepwell.client.scope import Connection, Scope
from stepwell.wiring.stores import open_stores

BRIEF = """
import ctypes, os, signal, sys, time
from stepwell import FlowSpec, Parameter, current, step

class F(FlowSpec):
    how = Parameter("how", default="well")

    @step
    def start(self):
        print("attempt", current.retry_count, sorted(current.tags), current.namespace)
        print("to the other stream", file=sys.stderr)
        if self.how == "badly" and current.retry_count < 2:
            raise ValueError("not yet")
        if self.how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.how == "slowly":
            open("began", "w").close()
            time.sleep(600)
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""


def scope(folder):
    return Scope(Connection(str(folder.root), open_stores(str(folder.root))))


def state(folder, run):
    return Run(f"F/{run}", scope(folder)).status


@pytest.fixture
def brief(folder):
    folder.file(BRIEF)
    return folder


def init(folder, run="r-1", *more):
    return folder.call("flow.py", "init", "--run-id", run, *more)


def step(folder, *more, run="r-1", name="start", task="s", parent="_parameters/0"):
    paths = ("--run-id", run, "--task-id", task, "--input-paths", f"{run}/{parent}")
    return folder.call("flow.py", "step", name, *paths, *more)


# SPEC 9.3-15
def test_the_state_of_a_run_follows_its_tasks(brief):
    done = init(brief, "r-1", "--tag", "nice")
    assert (done.returncode, done.stdout) == (0, "r-1\n")
    assert state(brief, "r-1") == "pending"

    assert step(brief).returncode == 0
    assert state(brief, "r-1") == "running"

    assert step(brief, name="end", task="e", parent="start/s").returncode == 0
    run = Run("F/r-1", scope(brief))
    assert (run.status, run.user_tags) == ("succeeded", {"nice"})
    assert "driven-by" not in run["start"].task.metadata_dict
    late = step(brief, task="other")
    assert late.returncode == 2
    assert "has succeeded" in late.stderr


# SPEC 9.3-15
def test_what_a_task_writes_is_shown_as_it_is_and_kept(brief):
    init(brief, "r-1", "--tag", "nice")

    done = step(brief, "--tag", "later", "--namespace", "production:x")

    assert done.returncode == 0, words(done)
    assert done.stdout.startswith("attempt 0 ['later', 'nice'") and done.stdout.endswith("production:x\n")
    assert done.stderr.startswith("to the other stream\n")
    task = Task("F/r-1/start/s", at=scope(brief))
    assert (task.stdout, task.stderr) == (done.stdout, "to the other stream\n")
    assert Run("F/r-1", scope(brief)).user_tags == {"nice", "later"}


# SPEC 9.3-15
def test_a_failed_attempt_is_a_failure_of_the_run_only_if_it_is_the_last(brief):
    init(brief, "r-1", "--how", "badly")

    first = step(brief, "--max-user-code-retries", "1")
    assert first.returncode == 1
    assert "ValueError: not yet" in first.stderr
    assert state(brief, "r-1") == "running"
    assert Task("F/r-1/start/s", at=scope(brief)).status == "retrying"

    last = step(brief, "--retry-count", "1", "--max-user-code-retries", "1")
    assert last.returncode == 1
    assert "was its last attempt" in words(last)
    assert state(brief, "r-1") == "failed"
    assert "task r-1/start/s failed: ValueError: not yet" in brief.call("flow.py", "show", "r-1").stdout

    more = step(brief, "--retry-count", "2", "--max-user-code-retries", "2")
    assert more.returncode == 0, words(more)
    assert state(brief, "r-1") == "running"
    texts = [Task("F/r-1/start/s", attempt, scope(brief)).stdout[:9] for attempt in range(3)]
    assert texts == ["attempt 0", "attempt 1", "attempt 2"]


# SPEC 9.3-15
def test_a_task_that_has_succeeded_is_not_run_again(brief):
    init(brief)
    step(brief)
    before = Task("F/r-1/start/s", at=scope(brief)).finished_at

    again = step(brief, "--retry-count", "1")

    assert (again.returncode, again.stdout) == (0, "")
    assert "had succeeded before" in again.stderr
    assert Task("F/r-1/start/s", at=scope(brief)).finished_at == before


# SPEC 9.3-15
def test_a_task_that_dies_without_a_word_is_recorded_with_the_cause(brief):
    init(brief, "r-1", "--how", "killed")

    done = step(brief)

    assert done.returncode == 1
    assert "killed by signal 9" in words(done)
    task = Task("F/r-1/start/s", at=scope(brief))
    assert task.status == "failed" and "attempt 0" in task.stdout
    lines = brief.call("flow.py", "logs", "r-1/start").stdout
    assert "killed by signal 9" in lines
    assert state(brief, "r-1") == "failed"


# SPEC 9.3-15
def test_a_task_that_is_ended_from_outside_leaves_nothing_and_interrupts_the_run(brief, mark):
    init(brief, "r-1", "--how", "slowly")
    process = subprocess.Popen(
        [sys.executable, "flow.py", "step", "start", "--run-id", "r-1", "--task-id", "s", "--input-paths",
         "r-1/_parameters/0"],
        cwd=brief.path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    until((brief.path / "began").exists, "the task has begun")

    process.send_signal(signal.SIGTERM)

    assert process.wait(30) == 130
    assert state(brief, "r-1") == "interrupted"
    assert Task("F/r-1/start/s", at=scope(brief)).status == "killed"


@pytest.mark.parametrize("isolation", ["spawn", "inline"])
def test_a_single_task_runs_in_every_isolation(brief, isolation):
    init(brief)

    done = step(brief, "--isolation", isolation)

    assert done.returncode == 0, words(done)
    assert done.stdout.startswith("attempt 0")


# SPEC 9.3-15
def test_an_engine_may_start_a_task_of_a_run_that_a_run_process_drives(brief):
    assert brief.run().returncode == 0

    done = step(brief, run="1", task="99")

    assert done.returncode == 0, words(done)
    assert Task("F/1/start/99", at=scope(brief)).successful
    assert [task.id for task in Run("F/1", scope(brief))["start"]] == ["1"]
    assert state(brief, "1") == "succeeded"


# SPEC 12.3-4
def test_the_id_of_a_run_is_its_own(brief):
    brief.flow(name="other.py")
    assert brief.run().returncode == 0
    assert init(brief).returncode == 0

    for taken in ("1", "r-1"):
        for flow in ("flow.py", "other.py"):
            done = brief.call(flow, "init", "--run-id", taken)
            assert (done.returncode, done.stdout) == (2, "")
            assert f"a run with the id `{taken}`" in words(done)

    assert init(brief, "7").returncode == 0
    assert "run started (run-id 8)" in words(brief.run())


# SPEC 12.3-4
def test_runs_of_schedulers_stand_among_the_others_in_the_order_of_their_start(brief):
    brief.run()
    init(brief, "airflow-1")
    brief.run()
    init(brief, "airflow-0")

    listed = [line.split()[0] for line in brief.call("flow.py", "runs").stdout.splitlines()[1:]]

    assert listed == ["F/airflow-0", "F/3", "F/airflow-1", "F/1"]
    assert brief.call("flow.py", "show", "latest").stdout.startswith("Run F/airflow-0: pending")
    assert [run.id for run in Flow("F", scope(brief))] == ["airflow-0", "3", "airflow-1", "1"]


# SPEC 12.4-4
def test_the_index_of_a_schedulers_run_can_be_made_anew(brief):
    init(brief, "r-1", "--task-id", "p", "--tag", "nice")
    step(brief, parent="_parameters/p")
    brief.run()
    init(brief, "r-2")

    def told():
        return {
            run.pathspec: (run.status, run.tags, [(task.pathspec, task.status) for task in
            (task for step in run for task in step)], run.created_at)
            for flow in Stepwell(scope(brief)) for run in flow
        }  # fmt: skip

    before = told()
    order = list(before)
    for file in brief.root.glob("metadata.db*"):
        file.unlink()
    done = brief.call("-m", "stepwell", "reindex")

    assert done.returncode == 0, words(done)
    assert told() == before
    assert list(told()) == order


# SPEC 9.3-15
# SPEC 9.1-3
@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("init", "--run-id", "latest"), "stands for a run in addresses"),
        (("init", "--run-id", "a/b"), "An id has 1 to 128 letters"),
        (("init", "--run-id", "x", "--task-id", "3-5"), "stands for a range of tasks"),
        (("init",), "--run-id"),
        (("init", "--run-id", "x", "--what", "1"), "--what"),
        (("step", "start", "--run-id", "nope", "--task-id", "s", "--input-paths", "x/_parameters/0"),
         "`init --run-id nope` registers it"),
        (("step", "strt", "--run-id", "r-1", "--task-id", "s", "--input-paths", "r-1/_parameters/0"),
         "`start`"),
        (("step", "start", "--run-id", "r-1", "--task-id", "s"), "--input-paths"),
        (("step", "start", "--run-id", "r-1", "--task-id", "s", "--input-paths-filename", "none.txt"),
         "none.txt"),
        (("step", "end", "--run-id", "r-1", "--task-id", "s", "--input-paths", "r-1/start/s"),
         "has no results"),
    ],
)  # fmt: skip
def test_a_wrong_order_ends_with_2_and_says_what_is_wrong(brief, args, said):
    init(brief)

    done = brief.call("flow.py", *args)

    assert (done.returncode, done.stdout) == (2, "")
    assert said in words(done)
    assert state(brief, "r-1") == "pending"


def test_the_other_front_door_has_the_entry_too(brief):
    assert brief.call("-m", "stepwell", "init", "flow.py", "--run-id", "r-1").stdout == "r-1\n"

    done = brief.call(
        "-m", "stepwell", "step", "flow.py:F", "start", "--run-id", "r-1", "--task-id", "s",
        "--input-paths", "r-1/_parameters/0",
    )  # fmt: skip

    assert done.returncode == 0, words(done)
    assert "init" not in brief.call("-m", "stepwell", "--help").stdout


HOOKED = BRIEF.replace("import FlowSpec", "import FlowSpec, exit_hook").replace(
    "class F(",
    """
def told(run):
    with open("called", "a") as file:
        print(run.pathspec, run.status, file=file)

@exit_hook(on_success=[told], on_error=[told])
class F(""",
)


# SPEC 6.1-12
def test_the_task_that_ends_a_run_calls_its_exit_hooks_once(folder):
    folder.file(HOOKED)
    for run, how in (("r-1", "well"), ("r-2", "badly")):
        init(folder, run, "--how", how)

    step(folder)
    step(folder, "--max-user-code-retries", "1", run="r-2")
    assert not (folder.path / "called").exists()
    assert step(folder, name="end", task="e", parent="start/s").returncode == 0
    assert step(folder, name="end", task="e", parent="start/s").returncode == 0  # it is asked for twice
    assert step(folder, "--retry-count", "1", "--max-user-code-retries", "1", run="r-2").returncode == 1

    assert (folder.path / "called").read_text() == "F/r-1 succeeded\nF/r-2 failed\n"


CACHED = BRIEF.replace("import FlowSpec", "import FlowSpec, cache").replace(
    "    @step\n    def start", "    @cache\n    @step\n    def start"
)


# SPEC 7.5-1
def test_a_cached_step_takes_the_result_of_an_equal_task_and_keeps_its_own(folder):
    folder.file(CACHED)
    for run in ("r-1", "r-2"):
        init(folder, run)

    first = step(folder)
    again = step(folder, "--outcome-file", "outcome.json", run="r-2", task="t")

    assert first.returncode == again.returncode == 0, words(again)
    assert "attempt 0" in first.stdout and again.stdout == ""
    assert "task r-2/start/t has the result of an equal task" in again.stderr
    assert json.loads((folder.path / "outcome.json").read_text())["state"] == "cached"
    task = Task("F/r-2/start/t", at=scope(folder))
    assert (task.status, task.origin_pathspec) == ("cached", "F/r-1/start/s")
    assert step(folder, run="r-2", name="end", task="e", parent="start/t").returncode == 0
    assert state(folder, "r-2") == "succeeded"
    # A run of ours finds what a scheduler's task has kept.
    assert "cached" in folder.run().stdout
