"""The options of `run`."""

import json
import os
import sys

from command_line import words

from stepwell.client import Run, Task
from stepwell.client.scope import Connection, Scope
from stepwell.wiring.stores import open_stores

SEEING = """
import os
from stepwell import FlowSpec, Parameter, current, step

class F(FlowSpec):
    name = Parameter("name", default="world")

    @step
    def start(self):
        self.tags = sorted(tag for tag in current.tags if ":" not in tag)
        self.namespace = current.namespace
        self.cpu = current.resources.cpu
        self.id_file = os.path.exists("id.txt")
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""

CROWD = """
import os, time
from stepwell import FlowSpec, Parameter, step

class F(FlowSpec):
    width = Parameter("width", default=6)
    together = Parameter("together", default=2)

    @step
    def start(self):
        os.mkdir("here")
        os.mkdir("come")
        self.next(self.work, foreach=range(self.width))

    @step
    def work(self):
        open(f"here/{self.index}", "w").close()
        open(f"come/{self.index}", "w").close()
        while len(os.listdir("come")) < self.together:
            time.sleep(0.01)  # the first ones are waited for, so that so many have run at once
        self.seen = len(os.listdir("here"))
        os.unlink(f"here/{self.index}")
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


def scope(folder):
    return Scope(Connection(str(folder.root), open_stores(str(folder.root))))


# SPEC 9.3-1
def test_run_takes_tags_a_namespace_decorators_and_parameters(folder):
    folder.file(SEEING)

    done = folder.run(
        "--tag", "b", "--tag", "a", "--namespace", "production:x", "--with", "resources:cpu=4",
        "--name", "you",
    )  # fmt: skip

    assert done.returncode == 0, words(done)
    run = Run("F/1", scope(folder))
    assert run.user_tags == {"a", "b"}
    assert (run.data.tags, run.data.namespace, run.data.cpu, run.data.name) == (
        ["a", "b"],
        "production:x",
        4,
        "you",
    )


# SPEC 9.3-1
def test_an_empty_namespace_is_global_and_none_is_the_users_own(folder):
    folder.file(SEEING)
    assert folder.run("--namespace", "").returncode == 0
    assert folder.run().returncode == 0

    assert [Run(f"F/{run}", scope(folder)).data.namespace for run in (1, 2)] == [None, "user:tester"]


# SPEC 9.3-1
# SPEC 7.1-11
def test_the_files_for_programs_are_there_before_the_first_task(folder):
    folder.file(SEEING)

    done = folder.run("--run-id-file", "id.txt", "--runner-attribute-file", "attributes.json")

    assert done.returncode == 0, words(done)
    assert (folder.path / "id.txt").read_text() == "1"
    attributes = json.loads((folder.path / "attributes.json").read_text())
    assert attributes == {"run_id": "1", "flow_name": "F", "metadata": f"local@{folder.root}"}
    assert Run("F/1", scope(folder)).data.id_file is True


# SPEC 9.3-1
# SPEC 8.1-4
def test_a_log_keeps_no_more_than_was_asked_for_and_says_so(folder):
    folder.flow("print('x' * 99, *['a line'] * 30_000, sep=chr(10))")

    assert folder.run("--max-log-size", "0.05").returncode == 0

    text = Task("Small/1/start/1", at=scope(folder)).stdout
    assert 40_000 < len(text) < 53_000
    assert text.startswith("x" * 99) and text.endswith("a line\n")
    assert "bytes are missing here: the log is larger than --max-log-size" in text


# SPEC 7.1-8
def test_no_more_tasks_run_at_once_than_max_workers_says(folder):
    folder.file(CROWD)

    done = folder.run("--max-workers", "2", "--together", "2")

    assert done.returncode == 0, words(done)
    assert Run("F/1", scope(folder)).data.most == 2


# SPEC 7.1-9
def test_more_workers_than_cores_are_taken_at_their_word(folder):
    folder.file(CROWD)

    done = folder.run("--max-workers", "6", "--together", "6", preexec_fn=one_core)

    assert done.returncode == 0, words(done)
    assert Run("F/1", scope(folder)).data.most == 6


# SPEC 7.1-9
def test_without_the_option_as_many_tasks_run_as_there_are_usable_cores(folder):
    folder.file(CROWD)

    done = folder.run("--together", "1", preexec_fn=one_core)

    assert done.returncode == 0, words(done)
    assert Run("F/1", scope(folder)).data.most == 1


def one_core():
    """Leave the process that is about to start one of its cores."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
