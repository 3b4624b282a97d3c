"""Several runs that differ in their parameters, under one limit on workers."""

import os
import signal
import subprocess
import sys
import time

import pytest
from command_line import PATIENCE_S, words

from stepwell.client import Flow
from stepwell.client.scope import Connection, Scope
from stepwell.wiring.stores import open_stores

MANY = """
import os, time
from stepwell import FlowSpec, Parameter, step

class F(FlowSpec):
    alpha = Parameter("alpha", type=float, required=True)
    name = Parameter("name", default="none")
    width = Parameter("width", default=4)
    hang = Parameter("hang", default=False)

    @step
    def start(self):
        self.next(self.work, foreach=range(self.width))

    @step
    def work(self):
        here = f"here.{os.getpid()}"
        open(here, "w").close()
        self.seen = len([name for name in os.listdir(".") if name.startswith("here.")])
        if self.hang:
            time.sleep(600)
        time.sleep(0.02)  # a chance for others to begin beside it, if they could
        os.unlink(here)
        if self.alpha < 0:
            raise ValueError("below nothing")
        self.next(self.join)

    @step
    def join(self, inputs):
        self.most = max(one.seen for one in inputs)
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""


@pytest.fixture
def many(folder):
    folder.file(MANY)
    return folder


def runs_of(folder) -> list:
    scope = Scope(Connection(str(folder.root), open_stores(str(folder.root))))
    return sorted(Flow("F", scope), key=lambda run: int(run.id))


# SPEC 9.4-11
def test_a_grid_makes_a_run_for_each_combination_under_one_limit_and_with_one_tag(many):
    done = many.call("flow.py", "run-many", "--grid", "alpha=1,2", "--grid=name=x,-y", "--max-workers=3")

    runs = runs_of(many)
    values = {(run.data.alpha, run.data.name) for run in runs}
    common = set.intersection(*(set(run.user_tags) for run in runs))
    assert done.returncode == 0, words(done)
    assert values == {(1.0, "x"), (1.0, "-y"), (2.0, "x"), (2.0, "-y")}
    assert max(run.data.most for run in runs) <= 3
    assert [tag for tag in common if tag.startswith("many:")]
    assert [line.split()[1] for line in done.stdout.splitlines()] == ["state", *["succeeded"] * 4]


# SPEC 9.4-11
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rows.csv", 'alpha,name\n1,"a, b"\n-1,\n'),
        ("rows.jsonl", '{"alpha": 1, "name": "a, b"}\n\n{"alpha": -1, "name": null}\n'),
    ],
    ids=["CSV", "JSON lines"],
)
def test_a_file_makes_a_run_for_each_row_and_one_that_fails_is_told(many, name, text):
    many.file(text, name)

    done = many.call(
        *("-m", "stepwell", "run-many", "flow.py", "--params-file", name, "--tag", "mine"),
        *("--", "--width", "1"),
    )

    good, bad = sorted(runs_of(many), key=lambda run: run.successful, reverse=True)
    assert done.returncode == 1, words(done)
    assert (good.data.alpha, good.data.name, good.data.width) == (1.0, "a, b", 1)
    assert (bad.successful, "mine" in bad.user_tags) == (False, True)
    assert "failed" in done.stdout
    assert "(alpha=-1): task " in done.stderr
    assert "ValueError: below nothing" in done.stderr


# SPEC 9.4-11
@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "Nothing says how the runs differ"),
        (["--grid", "alpha"], "has not the form NAME=VALUE"),
        (["--grid", "alpha=1", "--grid", "alpha=2"], "--grid gives `alpha` twice"),
        (["--grid", "alpha=1,x"], "run 2 of 2 (alpha=x)"),
        (["--grid", "alpah=1"], "the flow has no parameter `alpah`. Did you mean `alpha`?"),
        (["--grid", "name=a"], "run 1 of 1 (name=a)"),
        (["--params-file", "none.csv"], "none.csv cannot be read: No such file or directory."),
        (["--params-file", "bad.csv"], "bad.csv, line 2: 1 value, but 2 names"),
        (["--params-file", "bad.jsonl"], "bad.jsonl, line 2 is no JSON"),
        (["--params-file", "empty.csv"], "empty.csv has no rows"),
        (["--grid", "alpha=1", "--", "--detach"], "--detach and --dry-run are not for them"),
    ],
)
def test_what_is_wrong_is_told_before_any_run_starts(many, options, told):
    many.file("alpha,name\n1\n", "bad.csv")
    many.file('{"alpha": 1}\n{"alpha"\n', "bad.jsonl")
    many.file("alpha\n", "empty.csv")

    done = many.call("flow.py", "run-many", *options)

    assert done.returncode == 2
    assert told in words(done)
    assert not many.root.exists()


def begun(many) -> subprocess.Popen:
    """Start two runs that hang, and wait until both are registered and use all workers."""
    process = subprocess.Popen(
        [sys.executable, "flow.py", "run-many", "--grid=alpha=1,2", "--max-workers=2", "--", "--hang=True"],
        cwd=many.path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_for(lambda: len(hanging(many)) >= 2)
    wait_for(lambda: many.states() == ["running", "running"])
    return process


def hanging(many) -> list[int]:
    return [int(file.suffix[1:]) for file in many.path.glob("here.*")]


def wait_for(condition) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


# SPEC 9.4-11
def test_ctrl_c_ends_all_runs_in_an_orderly_way(many):
    process = begun(many)

    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)

    assert process.returncode == 130, err
    assert set(many.states()) == {"interrupted"}
    assert [line.split()[1] for line in out.splitlines()] == ["state", "interrupted", "interrupted"]
    assert all(map(is_gone, hanging(many)))


# SPEC 9.4-11
def test_a_run_that_is_killed_leaves_its_workers_to_the_others(many):
    process = begun(many)
    victim = min(hanging(many))
    launcher = parent_of(victim)

    os.kill(parent_of(launcher), signal.SIGKILL)
    wait_for(lambda: len(hanging(many)) >= 3)  # the other run has started another task in its place
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)

    assert "lost" in out, err
    assert process.returncode == 130


# SPEC 9.4-11
def test_runs_whose_command_is_killed_end_as_interrupted(many):
    process = begun(many)

    process.kill()
    process.communicate(timeout=PATIENCE_S)

    wait_for(lambda: set(many.states()) == {"interrupted"})
    wait_for(lambda: all(map(is_gone, hanging(many))))


def parent_of(pid: int) -> int:
    with open(f"/proc/{pid}/stat") as file:
        return int(file.read().rpartition(")")[2].split()[1])
