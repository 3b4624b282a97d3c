"""Kill anything at any instant: `continue` leads to the artifacts of a run that nobody disturbed."""

import json
import os
import random
import signal
import subprocess
import sys

import pytest
from command_line import Folder, nothing_left, words
from stored_runs import scope, stored_run, tasks_of, values_of

from stepwell.client.objects import Flow

HEAD = """
import hashlib, os, time
from stepwell import FlowSpec, catch, current, retry, step

def digest(*values):
    return hashlib.blake2b(repr(values).encode(), digest_size=8).hexdigest()

class F(FlowSpec):
"""

TAIL = """
if __name__ == "__main__":
    F()
"""

CHAIN = """
    @step
    def start(self):
        self.value = digest("start")
        self.next(self.first)

    @retry(times=2, delay=0.05)
    @step
    def first(self):
        if current.retry_count == 0:
            raise ValueError("the first attempt")
        self.big = self.value * 5_000
        self.next(self.left, self.right)

    @step
    def left(self):
        self.value = digest(self.value, "left")
        self.next(self.join)

    @catch(var="failure")
    @step
    def right(self):
        self.value = digest(self.value, "right")
        self.next(self.join)

    @step
    def join(self, inputs):
        self.value = digest(*[one.value for one in inputs])
        self.merge_artifacts(inputs, exclude=["value", "failure"])
        self.next(self.end)

    @step
    def end(self):
        self.value = digest(self.value, self.big)
"""

NESTED = """
    @step
    def start(self):
        self.outer_items = list(range(4))
        self.next(self.outer, foreach="outer_items")

    @step
    def outer(self):
        self.place = self.input
        self.next(self.inner, foreach=[digest(self.input, i) for i in range(self.input)])

    @step
    def inner(self):
        self.value = digest(self.place, self.input)
        self.next(self.more)

    @step
    def more(self):
        self.value = digest(self.value)
        self.next(self.inner_join)

    @step
    def inner_join(self, inputs):
        self.values = [one.value for one in inputs]
        self.next(self.outer_join)

    @step
    def outer_join(self, inputs):
        self.values = [one.values for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        self.value = digest(self.values)
"""

WIDE = """
    @step
    def start(self):
        self.items = range(24)
        self.next(self.work, foreach="items")

    @step
    def work(self):
        print("works on", self.input)
        self.big = digest(self.input) * 3_000
        self.next(self.join)

    @step
    def join(self, inputs):
        self.value = digest(*[one.big for one in inputs])
        self.next(self.end)

    @step
    def end(self):
        self.value = digest(self.value)
"""

GRAPHS = {"chain": CHAIN, "nested": NESTED, "wide": WIDE}
VICTIMS = ("run", "launcher", "task")


def children_of(pid: int) -> list[int]:
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def kill(process: subprocess.Popen[str], victim: str) -> None:
    """Kill the run process, its launcher, or one of its tasks, if there is one."""
    launchers = children_of(process.pid)
    if victim == "run":
        process.kill()
        return
    for pid in launchers if victim == "launcher" else [pid for one in launchers for pid in children_of(one)]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def disturbed(folder: Folder, args: list[str], victim: str, events: int) -> tuple[int, str]:
    """Start a command and kill after so many events; return its exit code and what it said of mistakes."""
    with subprocess.Popen(
        [sys.executable, "flow.py", *args, "--json", "--drain", "5", "--kill-grace", "1"],
        cwd=folder.path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for number, line in enumerate(process.stdout):
            if number == events:
                kill(process, victim)
            if victim != "run" or number < events:
                json.loads(line)  # else it may be cut
        _, said = process.communicate(timeout=60)
    return process.returncode, said


def killed_in_time(folder: Folder, args: list[str], after_s: float) -> tuple[int, str]:
    """Start a command and kill its process after a time, wherever that finds it."""
    with subprocess.Popen(
        [sys.executable, "flow.py", *args],
        cwd=folder.path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            process.wait(after_s)
        except subprocess.TimeoutExpired:
            process.kill()
        _, said = process.communicate(timeout=60)
    return process.returncode, said


def newest(folder: Folder) -> str:
    return next(iter(Flow("F", scope(folder)))).id


def check_equal(folder: Folder, id: str) -> None:
    """Fail unless the run has the artifacts of run 1, each of one task."""
    undisturbed, run = stored_run(folder), stored_run(folder, id)
    assert run.successful
    assert values_of(run) == values_of(undisturbed)
    assert sum(1 for step in run for _ in step) == len(tasks_of(run)) == len(tasks_of(undisturbed))
    ids = [task.id for step in run for task in step]
    assert len(set(ids)) == len(ids)


def go_on(folder: Folder, id: str) -> None:
    done = folder.call("flow.py", "continue", id)
    assert done.returncode == 0, words(done)


def prepared(folder: Folder, graph: str) -> None:
    """Leave the flow and an undisturbed run of it."""
    folder.file(HEAD + GRAPHS[graph] + TAIL)
    done = folder.run()
    assert done.returncode == 0, words(done)


# SPEC 7.3-4
@pytest.mark.parametrize("events", [1, 6, 14])
@pytest.mark.parametrize("victim", VICTIMS)
def test_a_killed_run_goes_on_to_the_artifacts_of_an_undisturbed_one(folder, mark, victim, events):
    prepared(folder, "nested")

    code, said = disturbed(folder, ["run"], victim, events)
    nothing_left(mark)

    assert code in (0, 1, -signal.SIGKILL), said
    assert "Internal error" not in said
    go_on(folder, newest(folder))
    check_equal(folder, "2")


# SPEC 7.3-4
@pytest.mark.parametrize("isolation", ["spawn", "inline"])
def test_so_does_one_whose_tasks_are_set_apart_in_another_way(folder, mark, isolation):
    prepared(folder, "chain")

    disturbed(folder, ["run", "--isolation", isolation], "run", 7)
    nothing_left(mark)

    go_on(folder, newest(folder))
    check_equal(folder, "2")


# SPEC 7.3-4
@pytest.mark.parametrize("victim", VICTIMS)
def test_a_continue_that_is_killed_is_continued(folder, mark, victim):
    prepared(folder, "wide")
    disturbed(folder, ["run"], "run", 20)

    for events in (2, 9):
        disturbed(folder, ["continue", "2"], victim, events)
        nothing_left(mark)

    go_on(folder, "2")
    check_equal(folder, "2")


# SPEC 7.3-4
# SPEC 7.4-1
@pytest.mark.parametrize("victim", VICTIMS)
def test_a_resume_that_is_killed_is_continued(folder, mark, victim):
    prepared(folder, "nested")

    disturbed(folder, ["resume", "more"], victim, 9)
    nothing_left(mark)

    go_on(folder, "2")
    check_equal(folder, "2")


# SPEC 7.3-4
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("graph", GRAPHS)
def test_whatever_is_killed_at_whatever_instant_nothing_is_lost_and_nothing_is_wrong(
    folder, mark, graph, seed
):
    generator = random.Random(f"{graph} {seed}")
    prepared(folder, graph)
    kills = 0

    while kills < 5:
        args = ["run"] if generator.random() < 0.7 else ["resume", "--origin-run-id", "1", "end"]
        for _ in range(generator.randint(1, 3)):
            if generator.random() < 0.3:
                code, said = killed_in_time(folder, args, generator.uniform(0.02, 0.6))
            else:
                victim, events = generator.choice(VICTIMS), int(generator.expovariate(1 / 12))
                code, said = disturbed(folder, args, victim, events)
            kills += 1
            nothing_left(mark)
            assert "Internal error" not in said and "Traceback (most" not in said, said
            if code == 0 or (code == 2 and "nothing is left" in said):
                break
            args = ["continue", newest(folder)]
        go_on(folder, newest(folder))
        check_equal(folder, newest(folder))
