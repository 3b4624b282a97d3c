"""Runs that stop where they were asked to, and go on from there."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from command_line import until, words

from stepwell.client import Run
from stepwell.client.scope import Connection, Scope
from stepwell.exceptions import StepwellNotFound

FLOW = """
import os, time
from pathlib import Path
from stepwell import FlowSpec, step

class F(FlowSpec):
    @step
    def start(self):
        self.next(self.left, self.right)

    @step
    def left(self):
        self.next(self.work, foreach=[1, 2, 3])

    @step
    def work(self):
        if os.environ.get("FAIL") and self.input == 2:
            raise ValueError("asked to")
        while os.environ.get("HOLD") and not Path(os.environ["HOLD"]).exists():
            time.sleep(0.01)
        self.value = self.input
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.total = sum(one.value for one in inputs)
        self.next(self.join)

    @step
    def right(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.total = inputs.gather.total
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""


@pytest.fixture
def flow(folder):
    folder.file(FLOW)
    return folder


def started(done):
    """The steps of which a task began, in order and with repetition."""
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return sorted(event["key"][2] for event in events if event["event"] == "task_started")


def run_of(folder, number):
    return Run(f"F/{number}", Scope(Connection(f"local@{folder.root}")))


# SPEC 7.4-9
def test_a_run_until_a_step_executes_what_that_step_needs_and_can_be_continued(flow):
    first = flow.run("--until", "work", "--json")

    assert first.returncode == 0
    assert started(first) == ["left", "start", "work", "work", "work"]
    assert run_of(flow, 1).status == "interrupted"

    rest = flow.call("flow.py", "continue", "--json")

    assert rest.returncode == 0, words(rest)
    assert started(rest) == ["end", "gather", "join", "right"]
    assert run_of(flow, 1).data.total == 6


# SPEC 7.4-9
def test_a_continued_and_a_resumed_run_stop_there_too(flow):
    assert flow.run(env={**os.environ, "FAIL": "1"}).returncode == 1

    continued = flow.call("flow.py", "continue", "--until", "gather")
    resumed = flow.call("flow.py", "resume", "--until", "gather", "--json")

    assert (continued.returncode, resumed.returncode) == (0, 0)
    assert run_of(flow, 1)["gather"].task.data.total == 6
    assert "end" not in run_of(flow, 1) and "end" not in run_of(flow, 2)
    assert started(resumed) == []


# SPEC 7.4-9
def test_only_one_step_is_executed_on_results_that_are_taken_over(flow):
    flow.run()

    done = flow.call("flow.py", "resume", "--only", "gather", "--json")

    assert done.returncode == 0, words(done)
    assert started(done) == ["gather"]
    assert run_of(flow, 2).status == "interrupted"
    assert flow.call("flow.py", "continue").returncode == 0
    assert run_of(flow, 2).data.total == 6


# SPEC 7.4-9
def test_one_step_alone_is_refused_if_others_would_have_to_be_executed(flow):
    flow.run(env={**os.environ, "FAIL": "1"})

    done = flow.call("flow.py", "resume", "--only", "gather")

    assert done.returncode == 2
    # What had not begun when the task failed did not begin at all.
    assert "`work` (not successful: 1 of " in words(done) and "--until gather" in words(done)
    assert [run.id for run in run_of(flow, 1).parent] == ["1"]


# SPEC 7.4-9
@pytest.mark.parametrize("args", [("run", "--until", "wrk"), ("resume", "--only", "wrk"), ("resume", "wrk")])
def test_a_step_that_there_is_not_is_named_with_the_nearest(flow, args):
    flow.run()

    done = flow.call("flow.py", *args)

    assert done.returncode == 2
    assert "`wrk` is not a step of F. Did you mean `work`?" in words(done)


# SPEC 9.3-2
def test_of_several_that_resume_into_one_run_one_leads_and_the_others_follow(flow):
    flow.run()
    command = [sys.executable, "flow.py", "resume", "work", "--reentrant", "--run-id", "shared-1"]

    both = [
        subprocess.Popen(command, cwd=flow.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = [process.communicate(timeout=60)[1] for process in both]

    assert [process.returncode for process in both] == [0, 0, 0]
    assert sum("is led by another process" in text for text in said) == 2
    assert run_of(flow, "shared-1").data.total == 6


# SPEC 9.3-2
def test_a_follower_goes_on_when_the_leader_dies(flow):
    flow.run()
    gate = flow.path / "gate"
    command = [sys.executable, "flow.py", "resume", "work", "--reentrant", "--run-id", "shared-2"]
    held = {**os.environ, "HOLD": str(gate)}
    leader = subprocess.Popen(command, cwd=flow.path, env=held, stdout=subprocess.DEVNULL)
    until(lambda: begun(flow, "shared-2"), "the leader has begun to work")
    follower = subprocess.Popen(
        command, cwd=flow.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )

    os.kill(leader.pid, signal.SIGKILL)
    leader.wait()
    gate.touch()
    text, _ = follower.communicate(timeout=60)

    assert follower.returncode == 0, text
    assert run_of(flow, "shared-2").data.total == 6


def begun(folder, name):
    try:
        return list(run_of(folder, name)["work"])
    except (StepwellNotFound, KeyError):
        return []


# SPEC 9.3-2
def test_a_leader_that_cannot_begin_says_why_and_follows_nobody(flow):
    flow.run()

    done = flow.call(
        "flow.py", "resume", "work", "--reentrant", "--run-id", "shared-3", "--run-id-file", "no/folder"
    )

    assert done.returncode == 2
    assert "no/folder cannot be written" in words(done) and "another process" not in words(done)


# SPEC 9.3-2
def test_a_lost_run_that_cannot_be_continued_is_told_and_not_tried_again_for_ever(flow):
    flow.run()
    flow.call("flow.py", "init", "--run-id", "shared-4")
    with closing(sqlite3.connect(flow.path / ".stepwell" / "metadata.db")) as index, index:
        index.execute("UPDATE runs SET created_at = 1, heartbeat_at = 1 WHERE run = 'shared-4'")

    done = flow.call(
        "flow.py", "resume", "work", "--origin-run-id", "1", "--reentrant", "--run-id", "shared-4"
    )

    assert done.returncode == 2
    assert "A scheduler starts the tasks of run F/shared-4" in words(done)


# SPEC 9.3-2
def test_following_needs_an_id_to_meet_at(flow):
    flow.run()

    done = flow.call("flow.py", "resume", "--reentrant")

    assert done.returncode == 2
    assert "--reentrant needs --run-id" in words(done)
