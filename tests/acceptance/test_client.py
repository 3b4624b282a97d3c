"""The client reads what a real run leaves, in other processes and in the run's own tasks."""

import os
import pickle
import subprocess
import sys

import pytest
from command_line import words

from stepwell.client.objects import Flow, Run, Stepwell
from stepwell.client.pathspec import resolve
from stepwell.client.scope import Connection, Scope

FOREACH = """
class F(FlowSpec):
    alpha = Parameter("alpha", default=0.5)

    @step
    def start(self):
        self.items = ["a", "b", "c"]
        print("hello from start")
        self.next(self.work, foreach="items")

    @step
    def work(self):
        self.double = self.input * 2
        self._private = self.index
        self.next(self.join)

    @step
    def join(self, inputs):
        self.doubles = [one.double for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def scope_of(ran, namespace=None):
    return Scope(Connection(f"local@{ran.root}"), namespace)


# SPEC 10.1-2
# SPEC 10.3-2
# SPEC 1.3-16
def test_a_run_can_be_walked_from_its_flow_down_to_values(flows):
    ran = flows.run(FOREACH, "--alpha", "0.25")
    assert ran.code == 0, ran.output

    run = Stepwell(scope_of(ran))["F"].latest_successful_run

    assert [step.id for step in run] == ["end", "join", "work", "start"]
    assert run.data.doubles == ["aa", "bb", "cc"]
    assert run["_parameters"].task["alpha"].data == run["start"].task["alpha"].data == 0.25
    assert run["start"].task.stdout == "hello from start\n"
    assert sorted(task.data._private for task in run["work"]) == [0, 1, 2]
    assert [step.id for step in run["work"].parent_steps] == ["start"]
    (join,) = run["join"]
    assert {frame.value for one in join.parent_tasks for frame in one.data._foreach_stack} == {"a", "b", "c"}
    assert all(list(task.child_tasks) == [join] for task in run["work"])
    assert run["_parameters"].task.metadata_dict["end_step"] == "end"


NESTED = """
class F(FlowSpec):
    @step
    def start(self):
        self.outer = [0, 1]
        self.none = []
        self.next(self.fork, foreach="outer")

    @step
    def fork(self):
        self.next(self.split, self.empty)

    @step
    def split(self):
        self.inner = ["x", "y", "z"]
        self.next(self.leaf, foreach="inner")

    @step
    def leaf(self):
        self.next(self.inner_join)

    @step
    def inner_join(self, inputs):
        self.next(self.fork_join)

    @step
    def empty(self):
        self.next(self.never, foreach="none")

    @step
    def never(self):
        self.next(self.empty_join)

    @step
    def empty_join(self, inputs):
        self.next(self.fork_join)

    @step
    def fork_join(self, inputs):
        self.next(self.outer_join)

    @step
    def outer_join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass
"""


# SPEC 10.3-2
def test_parents_and_children_say_the_same_in_every_task_of_a_nested_flow(flows):
    ran = flows.run(NESTED)
    assert ran.code == 0, ran.output
    tasks = [task for step in Run("F/1", at=scope_of(ran)) for task in step]

    up = {(parent, task.pathspec) for task in tasks for parent in task.parent_task_pathspecs}
    down = {(task.pathspec, child) for task in tasks for child in task.child_task_pathspecs}

    assert len(tasks) == 1 + 2 * (1 + 1 + 3 + 1 + 2 + 1) + 2
    assert up == down
    assert {task.pathspec for task in tasks} - {child for _, child in up} == {"F/1/start/1"}
    assert {task.pathspec for task in tasks} - {parent for parent, _ in up} == {tasks[0].pathspec}


# SPEC 9.1-4
def test_a_task_is_addressed_by_its_foreach_indexes(flows):
    ran = flows.run(NESTED)

    task = resolve("F/latest/leaf[1,2]", at=scope_of(ran))

    assert [frame.value for frame in task.data._foreach_stack] == [1, "z"]


# SPEC 10.3-1
def test_a_failed_run_shows_which_task_failed_and_why(flows):
    ran = flows.run(
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.made = "before"
                if self.made:
                    raise ValueError("no luck")
                self.next(self.end)

            @step
            def end(self):
                pass
        """
    )
    assert ran.code == 1, ran.output

    run = Run("F/1", at=scope_of(ran))
    task = run["start"].task

    assert (run.successful, run.finished, run.end_task) == (False, True, None)
    assert (task.exception.exception, task.exception.type) == ("no luck", "builtins.ValueError")
    assert task.data.made == "before"
    assert "ValueError: no luck" in task.stderr


# SPEC 10.1-5
# SPEC 10.2-1
def test_a_task_reads_earlier_runs_and_what_its_own_run_has_committed(flows):
    body = """
    class F(FlowSpec):
        @step
        def start(self):
            from stepwell import Flow, get_namespace
            self.namespace = get_namespace()
            self.before = [run.id for run in Flow("F")]
            self.next(self.end)

        @step
        def end(self):
            from stepwell import Task
            self.first = Task(f"F/{current.run_id}/start/1").data.before
    """
    flows.run(body, STEPWELL_USER="bob")
    flows.run(body)
    own = Flow("F", at=scope_of(flows.run(body))).latest_run.data
    everybodys = Flow("F", at=scope_of(flows.run(body, "--namespace", ""))).latest_run.data

    assert (own.namespace, own.before, own.first) == ("user:tester", ["3", "2"], ["3", "2"])
    assert (everybodys.namespace, everybodys.before) == (None, ["4", "3", "2", "1"])


# SPEC 10.1-6, 12.1-1
@pytest.mark.parametrize("isolation", ["fork", "spawn", "inline"])
def test_a_task_reads_the_place_of_its_run_also_if_only_the_command_line_names_it(folder, isolation):
    folder.file("""
import os
from stepwell import Flow, FlowSpec, default_metadata, step

class F(FlowSpec):
    @step
    def start(self):
        os.chdir("/")
        print("reads", default_metadata(), [run.id for run in Flow("F")])
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
""")
    there = folder.path / "there"

    ran = folder.call("flow.py", "--datastore-root", str(there), "run", "--isolation", isolation)
    spun = folder.call("flow.py", "--datastore-root", str(there), "spin", "start")

    assert (ran.returncode, spun.returncode) == (0, 0), words(ran) + words(spun)
    assert f"reads local@{there} ['1']" in words(ran)
    assert f"reads local@{there} ['1']" in words(spun)


# SPEC 10.1-4
@pytest.mark.parametrize("pathspec", ["F", "F/1", "F/1/start", "F/1/start/1", "F/1/start/1/items"])
def test_a_pickled_object_works_in_a_process_that_knows_nothing_of_its_place(flows, tmp_path, pathspec):
    ran = flows.run(FOREACH)
    found = Stepwell(scope_of(ran))
    for name in pathspec.split("/"):
        found = found[name]
    (tmp_path / "object.pickle").write_bytes(pickle.dumps(found))
    (tmp_path / "elsewhere").mkdir()
    code = (
        "import pickle; found = pickle.load(open('../object.pickle', 'rb'));"
        "print(found, found.finished_at is not None, found.is_in_namespace())"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path / "elsewhere",
        env={**os.environ, "STEPWELL_USER": "bob"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == [str(found), "True", "False"]


# SPEC 10.1-6
def test_names_of_the_client_come_from_the_package_itself(flows):
    ran = flows.run(FOREACH)
    code = (
        "import stepwell.metadata_store.store; from stepwell import Metaflow, Run, metadata, namespace\n"
        f"print(metadata({str(ran.root)!r})); namespace(None)\n"
        "print(Run('F/1').data.doubles, Metaflow().flows)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == [f"local@{ran.root}", "['aa', 'bb', 'cc'] [Flow('F')]"]
