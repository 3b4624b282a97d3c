"""`continue`, `resume` and the cache in flows with switches and loops."""

import json
import os
import signal
import subprocess
import sys

import pytest
from command_line import Folder, until, words
from stored_runs import begun, events_of, of_kind, states_of, stored_run, values_of

FLOW = """
import os, time
from stepwell import FlowSpec, cache, current, step

class F(FlowSpec):
    @step
    def start(self):
        self.kind, self.n, self.seen = "a", 0, []
        self.next({"a": self.x, "b": self.y}, condition="kind")

    @step
    def x(self):
        self.next(self.head)

    @step
    def y(self):
        self.next(self.head)

    @step
    def head(self):
        self.n += 1
        self.seen = self.seen + [current.iteration]
        self.next(self.body, foreach=range(2))

    @step
    def body(self):
        if self.n == 3 and self.index == 1:
            if "FAIL" in os.environ:
                raise ValueError("in the third iteration")
            if "HANG" in os.environ:
                open("hangs", "w")
                time.sleep(600)
        self.got = 10 * self.n + self.index
        self.next(self.join)

    @step
    def join(self, inputs):
        self.merge_artifacts(inputs, include=["n", "seen"])
        self.got = [one.got for one in inputs]
        if self.n < 5:
            self.next(self.head)
        elif self.n == 99:
            self.next(self.rare)
        else:
            self.next(self.end)

    @step
    def rare(self):
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""
IN_THE_THIRD = [
    ("body", (1,)),
    ("join", ()),
    *[("head", ()), ("body", (0,)), ("body", (1,)), ("join", ())] * 2,
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The values of an undisturbed run."""
    folder = Folder(tmp_path_factory.mktemp("whole"))
    folder.file(FLOW)
    assert folder.run(env={**os.environ, "STEPWELL_USER": "tester"}).returncode == 0
    return folder, values_of(stored_run(folder))


@pytest.fixture
def failed(folder):
    """A run that has failed in the third iteration."""
    folder.file(FLOW)
    assert folder.run(env={**os.environ, "FAIL": "1"}).returncode == 1
    return folder


def executed(done):
    assert done.returncode == 0, words(done)
    return [(step, tuple(path)) for step, path, _ in begun(events_of(done))]


def by_task(run):
    """Values of every task: tasks of a loop have the same place, but their ids are in the same order."""
    return {
        step.id: [{one.id: one.data for one in task} for task in sorted(step, key=lambda task: int(task.id))]
        for step in run
    }


def sorted_by_item(values):
    return {
        step: sorted(tasks, key=lambda task: (task["n"], str(task.get("got"))))
        for step, tasks in values.items()
    }


# SPEC 2.4-10
@pytest.mark.parametrize(("command", "run"), [("continue", "1"), ("resume", "2")])
def test_the_finished_iterations_stay_and_the_loop_goes_on_with_the_failed_one(failed, whole, command, run):
    done = failed.call("flow.py", command, "--json")

    assert sorted(executed(done)) == sorted([*IN_THE_THIRD, ("end", ())])
    assert sorted_by_item(by_task(stored_run(failed, run))) == sorted_by_item(by_task(stored_run(whole[0])))
    assert stored_run(failed, run)["end"].task.data.seen == [0, 1, 2, 3, 4]
    if command == "resume":
        assert states_of(stored_run(failed, run))["head"] == ["reused"] * 3 + ["succeeded"] * 2


# SPEC 2.4-10
# SPEC 7.3-4
def test_a_run_whose_process_is_killed_in_an_iteration_is_continued_there(folder, whole):
    folder.file(FLOW)
    run = subprocess.Popen(
        [sys.executable, "flow.py", "run"],
        cwd=folder.path,
        env={**os.environ, "HANG": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until(lambda: (folder.path / "hangs").exists(), "the third iteration")
    run.send_signal(signal.SIGKILL)
    run.wait()

    done = folder.call("flow.py", "continue", "--json")

    again = executed(done)
    assert again.count(("head", ())) == 2
    assert set(again) <= {*IN_THE_THIRD, ("end", ())}
    assert sorted_by_item(by_task(stored_run(folder))) == sorted_by_item(by_task(stored_run(whole[0])))


# SPEC 7.4-1
# SPEC 7.4-5
# SPEC 7.4-9
def test_plans_and_scopes_know_loops_and_steps_that_were_not_taken(failed):
    def plan(*options):
        done = failed.call("flow.py", *options, "--dry-run", "--json")
        steps = json.loads(done.stdout)["steps"]
        return {step["step"]: (step["reused"], step["executed"], step.get("why", "")) for step in steps}

    going_on = plan("continue")
    said = failed.call("flow.py", "continue", "--dry-run").stdout
    shown = failed.call("flow.py", "show", "1").stdout
    assert failed.call("flow.py", "continue").returncode == 0
    named = plan("resume", "body")
    only = failed.call("flow.py", "resume", "--only", "end", "--json")
    until_join = failed.call("flow.py", "run", "--until", "join", "--json")

    assert going_on["y"] == (0, 0, "")
    assert going_on["head"] == (3, 0, "not reached by all")
    assert going_on["rare"] == (0, 0, "not reached")
    assert "  y      skipped" in said
    assert "y: skipped" in shown and "rare" not in shown
    assert named["head"] == (1, 4, "after a named step")
    assert named["body"] == (0, 10, "named")
    assert executed(only) == [("end", ())]
    assert len(executed(until_join)) == 22
    assert of_kind(events_of(until_join), "run_ended")[0]["state"] == "interrupted"
    after = failed.call("flow.py", "show", "1").stdout
    assert "y: skipped" in after and "rare: skipped" in after


@pytest.mark.parametrize("command", ["why", "show", "logs", "dump"])
def test_a_step_that_no_case_led_to_has_no_task_and_commands_say_which_case_was_taken(whole, command):
    folder, _ = whole
    done = folder.call("flow.py", command, "1/y")
    rare = folder.call("flow.py", command, "1/rare")

    assert done.returncode != 0
    assert "Step `y` of run F/1 has no task. start/1 went to `x` by case `a`." in words(done)
    assert "join/22 went to `end` by case `else`. join/18 went to `head` by case `self.n < 5`." in words(rare)


# SPEC 7.5-1
# SPEC 7.5-3
def test_a_cached_step_takes_its_own_case_and_iteration_from_the_past(folder):
    folder.file(FLOW)
    first = folder.call("flow.py", "run", "--cache", "--json")
    second = folder.call("flow.py", "run", "--cache", "--json")
    folder.file(FLOW.replace("self.n < 5", "self.n < 6"))
    longer = folder.call("flow.py", "run", "--cache", "--json")

    assert len(executed(first)) == 23
    assert executed(second) == []
    assert by_task(stored_run(folder, "2")) == by_task(stored_run(folder, "1"))
    assert executed(longer).count(("head", ())) == 1
    assert executed(longer).count(("join", ())) == 6
    assert stored_run(folder, "3")["end"].task.data.seen == [0, 1, 2, 3, 4, 5]
    assert states_of(stored_run(folder, "3"))["head"] == ["cached"] * 5 + ["succeeded"]


# SPEC 7.6-4
def test_spin_takes_the_last_iteration_of_a_step_or_the_one_that_is_named(whole):
    folder, _ = whole
    last, first = (int(task.id) for task in (max(stored_run(folder)["join"], key=id_of), first_join(folder)))

    said = words(folder.call("flow.py", "spin", "join"))
    named = words(folder.call("flow.py", "spin", f"1/join/{first}"))

    assert f"with the inputs of F/1/join/{last}" in said and "step join succeeded" in said
    assert f"with the inputs of F/1/join/{first}" in named and "step join succeeded" in named


def id_of(task):
    return int(task.id)


def first_join(folder):
    return min(stored_run(folder)["join"], key=id_of)
