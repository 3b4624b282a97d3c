"""Switches and loops in real runs."""

import itertools
import json
import os

import pytest
from command_line import Folder, words
from stored_runs import stored_run

FLOW = """
from stepwell import FlowSpec, Parameter, catch, current, step

class F(FlowSpec):
    turns = Parameter("turns", default=3)

    @step
    def start(self):
        self.next(self.work, foreach=["a", "b", "c", "other"])

    @step
    def work(self):
        self.kind = self.input
        self.next({"a": self.x, "b": self.y, "c": self.meet}, condition="kind", default=self.join)

    @step
    def x(self):
        self.made = "x"
        self.next(self.meet)

    @step
    def y(self):
        self.made = "y"
        self.next(self.meet)

    @step
    def meet(self):
        self.made = getattr(self, "made", "nothing") + f" of {self.index}"
        self.next(self.join)

    @step
    def join(self, inputs):
        self.made = [getattr(one, "made", None) for one in inputs]
        self.n = 0
        if self.made[0] is None:
            raise ValueError("nothing was made")
        elif len(self.made) > 99:
            self.next(self.wide, foreach="made")
        else:
            self.next(self.left, self.right)

    @step
    def wide(self):
        self.next(self.close)

    @step
    def close(self, inputs):
        self.next(self.last)

    @step
    def left(self):
        self.side = "left"
        self.n = 1
        self.next({1: self.inner, 2: self.gather}, condition="n")

    @step
    def inner(self):
        self.side = f"{self.side} {current.iteration}"
        self.is_long = current.iteration >= self.turns
        self.next({True: self.gather, False: self.inner}, condition="is_long")

    @step
    def right(self):
        self.side = "right"
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.sides = [one.side for one in inputs]
        self.named = [inputs.left.side, inputs.inner.side, inputs.right.side]
        self.log = []
        self.next(self.last)

    @step
    def last(self):
        self.log = getattr(self, "log", []) + [current.iteration]
        self.next(self.score, foreach=range(2))

    @step
    def score(self):
        self.at = current.iteration
        self.next(self.decide)

    @catch(var="failure", default="else")
    @step
    def decide(self, inputs):
        self.merge_artifacts(inputs, include=["log"])
        self.at = [one.at for one in inputs]
        if current.iteration < self.turns - 1:
            self.next(self.last)
            return
        self.lost = 1 / 0
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A folder in which the flow has run."""
    folder = Folder(tmp_path_factory.mktemp("switch"))
    folder.file(FLOW)
    ran = folder.run("--trace=trace.jsonl", env={**os.environ, "STEPWELL_USER": "tester"})
    assert ran.returncode == 0, words(ran)
    return folder


@pytest.fixture(scope="module")
def run(done):
    return stored_run(done)


def ids(step):
    return [int(task.id) for task in reversed(list(step))]


# SPEC 2.4-1
# SPEC 2.4-4
# SPEC 2.4-7
def test_each_branch_goes_one_way_and_the_join_waits_for_it_whichever_it_is(run):
    assert run["join"].task.data.made == ["x of 0", "y of 1", "nothing of 2", None]
    assert {step: len(list(run[step])) for step in ("work", "x", "y", "meet")} == {
        "work": 4, "x": 1, "y": 1, "meet": 3,
    }  # fmt: skip


# SPEC 2.4-6
# SPEC 2.5-3
# SPEC 2.5-10
def test_a_case_opens_a_split_whose_inputs_have_the_names_of_first_and_last_steps(run):
    data = run["gather"].task.data

    assert data.sides == ["left 0 1 2 3", "right"]
    assert data.named == ["left 0 1 2 3", "left 0 1 2 3", "right"]
    assert "wide" not in [step.id for step in run]


# SPEC 2.4-8
# SPEC 2.4-9
# SPEC 11.3-3
def test_each_turn_of_a_loop_is_a_task_that_sees_the_turn_before_and_counts_from_0(run):
    assert [task.data.side for task in reversed(list(run["inner"]))] == [
        "left 0", "left 0 1", "left 0 1 2", "left 0 1 2 3",
    ]  # fmt: skip
    assert run["decide"].task.data.log == [0, 1, 2]
    assert [task.data.at for task in reversed(list(run["decide"]))] == [[0, 0], [1, 1], [2, 2]]
    assert ids(run["last"]) == sorted(ids(run["last"]))


# SPEC 6.1-8
def test_a_caught_switch_goes_on_by_the_case_of_default(run):
    first, *_, last = reversed(list(run["decide"]))

    assert first.data.failure is None
    assert "ZeroDivisionError" in last.data.failure.type
    assert run["end"].task.data.log == [0, 1, 2]


# SPEC 10.3-2
def test_parents_and_children_are_exact_in_switches_and_loops(run):
    loop = list(reversed(list(run["inner"])))
    left, gather = run["left"].task, run["gather"].task

    assert [task.id for task in left.child_tasks] == [loop[0].id]
    for before, after in itertools.pairwise(loop):
        assert [task.pathspec for task in before.child_tasks] == [after.pathspec]
        assert [task.pathspec for task in after.parent_tasks] == [before.pathspec]
    assert list(loop[0].parent_task_pathspecs) == [left.pathspec]
    assert list(loop[-1].child_task_pathspecs) == [gather.pathspec]
    assert sorted(gather.parent_task_pathspecs) == sorted([loop[-1].pathspec, run["right"].task.pathspec])
    turns = list(reversed(list(run["decide"])))
    scores = {task.pathspec for task in run["score"]}
    parents = [set(turn.parent_task_pathspecs) for turn in turns]
    assert set().union(*parents) == scores
    assert [len(of) for of in parents] == [2, 2, 2]
    for turn, after in zip(turns, reversed(list(run["last"])[:-1]), strict=False):
        assert list(turn.child_task_pathspecs) == [after.pathspec]


# SPEC 2.4-1
# SPEC 9.3-6
def test_commands_show_cases_conditions_and_steps_that_were_not_taken(done, run):
    said = {
        command: done.call("flow.py", *command.split(" ")).stdout
        for command in ("show", "output-dot", "output-raw --json", "show 1", "show 1/inner", "check --json")
    }
    task = done.call("flow.py", "show", run["inner"].task.pathspec.partition("/")[2]).stdout

    assert "Step work => x, y, meet, join\n  switch by kind\n    a: x\n" in said["show"]
    assert "switch by its own code\n    self.made[0]" not in said["show"]
    assert "    len(self.made) > 99: wide (foreach made)\n    else: left, right\n" in said["show"]
    assert '"work" -> "x" [label="a"];' in said["output-dot"]
    assert '"work" -> "join" [label="default"];' in said["output-dot"]
    assert '"join" -> "wide" [label="len(self.made) > 99 (foreach)"];' in said["output-dot"]
    steps = json.loads(said["output-raw --json"])["graph"]
    assert (steps["work"]["type"], steps["work"]["condition"]) == ("split-switch", "kind")
    assert steps["join"]["switch_cases"] == {"len(self.made) > 99": "wide", "else": ["left", "right"]}
    assert "wide: skipped" in said["show 1"]
    assert "inner: 4 succeeded" in said["show 1"]
    assert "iteration 3" in task
    assert "case      True => gather" in task
    assert json.loads(said["check --json"])["valid"]


# SPEC 7.6-6
def test_a_trace_tells_which_case_was_taken(done):
    events = map(json.loads, (done.path / "trace.jsonl").read_text().splitlines())
    taken = [event for event in events if event["event"] == "transition_taken"]

    assert {event["case"] for event in taken if event["step"] == "work"} == {"a", "b", "c", "default"}
    assert all("case" not in event for event in taken if event["step"] == "start")


# SPEC 5.2-11
def test_check_warns_of_a_switch_without_a_choice_and_names_its_rule(folder):
    folder.file(FLOW.replace('"b": self.y', '"b": self.x').replace("def y(self)", "def z(self)"))
    wrong = folder.call("flow.py", "check", "--json")
    folder.file(
        "from stepwell import FlowSpec, step\n"
        "class F(FlowSpec):\n"
        "    @step\n    def start(self):\n"
        "        self.kind = 'a'\n"
        "        self.next({'a': self.end}, condition='kind')\n"
        "    @step\n    def end(self):\n        pass\n"
        "if __name__ == '__main__':\n    F()\n"
    )
    warned = folder.call("flow.py", "check", "--warnings", "--json")
    strict = folder.call("flow.py", "check", "--strict")

    assert [one["rule"] for one in json.loads(wrong.stdout)["problems"]] == ["unreachable"]
    assert wrong.returncode == 2
    [warning] = json.loads(warned.stdout)["problems"]
    assert (warning["rule"], warning["line"], warning["severity"]) == ("switch-without-choice", 6, "warning")
    assert (warned.returncode, strict.returncode) == (0, 2)


# SPEC 6.1-7
@pytest.mark.parametrize(
    ("decorator", "words_of"),
    [
        ("@catch", "nobody would know the case; `default=` names one of `True`, `False`"),
        ('@catch(default="no")', "has no case 'no'"),
        ("@catch(default=[])", "has no case []"),
    ],
)
def test_a_switch_is_caught_by_one_of_its_cases_only(folder, decorator, words_of):
    folder.file(FLOW.replace("    @step\n    def inner", f"    {decorator}\n    @step\n    def inner"))

    done = folder.call("flow.py", "check")

    assert done.returncode == 2
    assert words_of in done.stderr
