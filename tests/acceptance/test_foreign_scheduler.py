"""`init` and `step`: a scheduler of somebody else's runs a flow, one command for each task."""

import json
import os
from concurrent.futures import ThreadPoolExecutor

from command_line import Folder, words

from stepwell.client import Flow, Run
from stepwell.client.scope import Connection, Scope
from stepwell.wiring.stores import open_stores

FLOW = """
import os, random, sys, time
from stepwell import FlowSpec, Parameter, current, step

class F(FlowSpec):
    width = Parameter("width", default=2)
    drawn = random.random()

    @step
    def start(self):
        print("starts", current.run_id)
        self.letters = [chr(97 + index) for index in range(self.width)]
        self.next(self.work, foreach="letters")

    @step
    def work(self):
        self.items = [self.input * 2] * self.index
        self.next(self.inner, foreach="items")

    @step
    def inner(self):
        self.pair = (self.input, self.index)
        self.seen = {self.drawn}
        self.next(self.collect)

    @step
    def collect(self, inputs):
        self.pairs = [one.pair for one in inputs]
        self.seen = set().union(*(one.seen for one in inputs))
        self.next(self.left, self.right)

    @step
    def left(self):
        self.side = "left"
        self.next(self.both)

    @step
    def right(self):
        self.side = "right"
        self.next(self.both)

    @step
    def both(self, inputs):
        self.sides = [one.side for one in inputs]
        self.merge_artifacts(inputs, exclude=["side"])
        self.next(self.join)

    @step
    def join(self, inputs):
        self.sides = [one.sides for one in inputs]
        self.pairs = [one.pairs for one in inputs]
        self.constant = {self.drawn}.union(*(one.seen for one in inputs)) == {self.drawn}
        self.next(self.end)

    @step
    def end(self):
        self.size = self.width

if __name__ == "__main__":
    F()
"""


class Scheduler:
    """Knows nothing of Stepwell but its commands and what they write."""

    def __init__(self, folder: Folder, run: str) -> None:
        self.folder = folder
        self.run = run
        graph = json.loads(folder.call("flow.py", "output-raw", "--json").stdout)["graph"]
        self.joins = {name: said.get("matching_join") for name, said in graph.items()}
        self.count = 0

    def drive(self, *parameters: str) -> None:
        self.call("init", "--run-id", self.run, "--task-id", "params", *parameters)
        self.branch("start", f"{self.run}/_parameters/params", None)

    def branch(self, step: str, parent: str, index: int | None, until: str | None = None) -> str:
        """Run a step and all that follows, up to the step ``until``; return the last task."""
        path, outcome = self.task(step, [parent], index)
        while outcome["targets"] and outcome["targets"] != [until]:
            if outcome["kind"] == "linear":
                path, outcome = self.task(outcome["targets"][0], [path])
                continue
            join = self.joins[path.split("/")[1]]
            path, outcome = self.task(join, self.branches(outcome, path, join) or [path])
        return path

    def branches(self, outcome, path, join):
        if outcome["kind"] == "foreach":
            starts = [(outcome["targets"][0], index) for index in range(outcome["num_splits"])]
        else:
            starts = [(target, None) for target in outcome["targets"]]
        with ThreadPoolExecutor(2) as pool:
            ends = list(pool.map(lambda start: self.branch(start[0], path, start[1], join), starts))
        return ends[::-1]  # whoever ends first comes first: no order may be relied on

    def task(self, step, inputs, index=None):
        self.count += 1
        task = f"t-{os.urandom(4).hex()}"
        outcome = self.folder.path / f"outcome-{task}.json"
        names = self.folder.path / f"inputs-{task}.txt"
        names.write_text("\n".join(inputs))
        self.call(
            "step", step, "--run-id", self.run, "--task-id", task, "--input-paths-filename", str(names),
            "--outcome-file", str(outcome), *([] if index is None else ["--split-index", str(index)]),
        )  # fmt: skip
        return f"{self.run}/{step}/{task}", json.loads(outcome.read_text())

    def call(self, *args: str) -> None:
        done = self.folder.call("flow.py", *args)
        assert done.returncode == 0, words(done)


def scope(folder):
    return Scope(Connection(str(folder.root), open_stores(str(folder.root))))


DRAWN = ("drawn", "seen")
"""Artifacts that are others in each run."""


def results(run):
    """Artifacts of every task, by step and foreach indexes."""
    found = {}
    for step in run:
        for task in step:
            frames = task["_foreach_stack"].data
            path = tuple(frame.index for frame in frames)
            values = {artifact.id: artifact.data for artifact in task if artifact.id not in DRAWN}
            found[step.id, path] = values
    return found


# SPEC 9.3-15
# SPEC 12.3-4
def test_a_foreign_scheduler_gets_the_same_results_as_run(folder):
    folder.file(FLOW)
    assert folder.run("--width", "3").returncode == 0
    Scheduler(folder, "argo-hello").drive("--width", "3")

    own, foreign = Run("F/1", scope(folder)), Run("F/argo-hello", scope(folder))

    assert foreign.successful and foreign.finished_at is not None
    assert results(foreign) == results(own)
    assert foreign.data.pairs == [[], [("bb", 0)], [("cc", 0), ("cc", 1)]]
    assert foreign.data.constant and foreign.data.sides == [["left", "right"]] * 3
    assert Flow("F", scope(folder)).latest_run.id == "argo-hello"
    assert foreign["start"].task.stdout == "starts argo-hello\n"
    assert foreign["work"].task.parent_task_pathspecs
    assert {task.index for task in foreign["work"]} == {0, 1, 2}


# SPEC 7.4-4
# SPEC 7.4-10
def test_a_run_of_a_foreign_scheduler_can_be_resumed(folder):
    folder.file(FLOW)
    Scheduler(folder, "argo-hello").drive("--width", "3")
    origin = Run("F/argo-hello", scope(folder))

    whole = folder.call("flow.py", "resume", "--origin-run-id", "argo-hello")
    part = folder.call("flow.py", "resume", "join", "--origin-run-id", "argo-hello")
    again = folder.call("flow.py", "resume", "collect")

    assert whole.returncode == part.returncode == again.returncode == 0, (
        words(whole) + words(part) + words(again)
    )
    runs = [Run(f"F/{found.id}", scope(folder)) for found in Flow("F", scope(folder)) if found.id.isdigit()]
    assert [run.successful for run in runs] == [True] * 3
    for run in runs:
        # The class body draws anew for each run, so that only a run of one piece is constant.
        found, wanted = results(run), results(origin)
        for values in (*found.values(), *wanted.values()):
            values.pop("constant", None)
        assert found == wanted
    first = next(run for run in runs if run["end"].task.origin_pathspec)
    ids = {step.id: {task.id for task in step} for step in origin}
    assert {step.id: {task.id for task in step} for step in first} == ids
    assert first["start"].task.stdout == "starts argo-hello\n"
    assert first["start"].task.origin_pathspec == origin["start"].task.pathspec
    assert list(first["end"].task.parent_task_pathspecs) == [first["join"].task.pathspec]
    assert list(first["join"].task.child_task_pathspecs) == [first["end"].task.pathspec]
    new = {task.id for run in runs for step in run for task in step} - set().union(*ids.values())
    assert all(id.isdigit() for id in new)


# SPEC 7.3-1
def test_a_run_of_a_foreign_scheduler_is_not_continued_here(folder):
    folder.file(FLOW)
    scheduler = Scheduler(folder, "argo-hello")
    scheduler.call("init", "--run-id", "argo-hello", "--task-id", "params")
    scheduler.task("start", ["argo-hello/_parameters/params"])

    done = folder.call("flow.py", "continue", "argo-hello")

    assert done.returncode == 2, words(done)
    assert "resume --origin-run-id argo-hello" in done.stderr
