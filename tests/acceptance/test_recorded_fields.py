"""What is recorded of each task and attempt, on what real runs leave."""

import json
import os
import re
import socket
import subprocess

import pytest

from stepwell.client.objects import Run
from stepwell.client.scope import Connection, Scope
from stepwell.version import VERSION

FLOW = """
import os, signal, time
from stepwell import FlowSpec, resources, step

class F(FlowSpec):
    @step
    def start(self):
        self.letters = ["a", "b"]
        self.next(self.outer, foreach="letters")

    @step
    def outer(self):
        self.next(self.work, foreach=[10, 20])

    @resources(cpu=2, memory=500)
    @step
    def work(self):
        {body}
        self.next(self.inner_join)

    @step
    def inner_join(self, inputs):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""

OF_EVERY_TASK = {
    *("attempt", "attempt_ok", "attempt-done", "ds-type", "ds-root", "runtime", "user", "python_version"),
    *(
        "stepwell_version",
        "code-package",
        "script-name",
        "git-info",
        "host",
        "pid",
        "exit-code",
        "code-version",
    ),
    *("cpu-s", "peak-rss-kib"),
}


def task_of(folder, step, run="1", task=None):
    found = Run(f"F/{run}", Scope(Connection(f"local@{folder.root}")))[step]
    return found.task if task is None else found[task]


def git(folder, *args):
    return subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@t", *args],
        cwd=folder.path,
        check=True,
        capture_output=True,
    ).stdout.decode()


# SPEC 12.4-5
# SPEC 12.3-2
@pytest.mark.parametrize("isolation", ["fork", "spawn", "inline"])
def test_every_task_has_the_fields_that_tools_know(folder, isolation):
    folder.file(FLOW.format(body="pass"))
    git(folder, "init", "-q")
    git(folder, "add", "flow.py")
    git(folder, "commit", "-qm", "x")
    assert folder.run("--isolation", isolation, "--max-workers", "1").returncode == 0

    fields = task_of(folder, "work").metadata_dict
    first, parameters = (task_of(folder, step).metadata_dict for step in ("start", "_parameters"))

    own = {"foreach-stack", "foreach-execution-path", "resources"}
    assert set(first) == OF_EVERY_TASK
    assert set(fields) == OF_EVERY_TASK | own
    assert {"start_step", "end_step"} <= set(parameters)
    assert fields["attempt"] == fields["attempt-done"] == fields["exit-code"] == "0"
    assert fields["attempt_ok"] == "True"
    assert fields["ds-root"] == str(folder.root) and fields["script-name"] == "flow.py"
    assert fields["host"] == socket.gethostname() and fields["stepwell_version"] == VERSION
    assert fields["git-info"] == git(folder, "rev-parse", "HEAD").strip()
    assert json.loads(fields["foreach-stack"]) == ["letters=b", "outer=20"]
    assert fields["foreach-execution-path"] == "start:1,outer:1"
    assert json.loads(fields["resources"]) == {"cpu": 2.0, "memory_mb": 500.0}


# SPEC 12.3-2
@pytest.mark.parametrize("isolation", ["fork", "inline"])
def test_what_a_task_used_is_measured(folder, isolation):
    body = (
        "began = time.process_time()",
        "while time.process_time() < began + 0.2: pass",
        "if self.input == 20: self.size = len(bytearray(b'x' * 300_000_000))",
    )
    folder.file(FLOW.format(body="\n        ".join(body)))
    assert folder.run("--isolation", isolation, "--max-workers", "1").returncode == 0

    busy = [task.metadata_dict for task in Run("F/1", Scope(Connection(f"local@{folder.root}")))["work"]]
    idle = task_of(folder, "start").metadata_dict

    assert all(float(fields["cpu-s"]) >= 0.2 for fields in busy)
    assert float(idle["cpu-s"]) < 0.2
    assert max(int(fields["peak-rss-kib"]) for fields in busy) > 300_000_000 / 1024
    if isolation == "fork":  # a process counts what the one it was made from had, before it ran Python
        assert int(idle["peak-rss-kib"]) < 300_000_000 / 1024


ENDS = {
    "raise ValueError('no')": ("exit-code", "1"),
    "os._exit(3)": ("exit-code", "3"),
    "os.kill(os.getpid(), signal.SIGKILL)": ("signal", "SIGKILL"),
    "os.abort()": ("signal", "SIGABRT"),
}


# SPEC 12.3-2
# SPEC 12.4-4
@pytest.mark.parametrize("body", ENDS)
def test_of_a_failed_attempt_all_is_kept_also_if_it_died_without_a_word(folder, body):
    folder.file(FLOW.format(body=f"if self.input == 10: {body}"))
    assert folder.run("--max-workers", "1").returncode == 1
    task = next(
        task for task in Run("F/1", Scope(Connection(f"local@{folder.root}")))["work"] if not task.successful
    )
    fields, index, exception = task.metadata_dict, task.index, str(task.exception)

    name, value = ENDS[body]
    assert fields[name] == value
    assert not {"exit-code", "signal"} - {name} & set(fields)
    assert fields["attempt_ok"] == "False" and fields["attempt-done"] == "0"
    assert fields["host"] == socket.gethostname() and int(fields["pid"])
    assert re.fullmatch(r"[0-9a-f]+", fields["code-version"])
    assert int(fields["peak-rss-kib"]) > 1000 and float(fields["cpu-s"]) > 0
    assert json.loads(fields["resources"])["cpu"] == 2.0
    assert json.loads(fields["foreach-stack"])[1] == "outer=10"
    assert index == 0 and task.data.letters == ["a", "b"]

    for file in folder.root.glob("metadata.db*"):
        file.unlink()
    assert folder.call("-m", "stepwell", "reindex").returncode == 0

    again = task_of(folder, "work", task=task.id)
    assert (again.metadata_dict, again.index, str(again.exception)) == (fields, index, exception)
    assert again.status == "failed"


# SPEC 12.3-2
def test_a_task_that_never_began_leaves_no_attempt(folder):
    folder.file(FLOW.format(body="if self.input == 10: raise ValueError('no')"))

    assert folder.run("--max-workers", "1").returncode == 1

    assert len(list(folder.root.glob("runs/*/*/*/failed/*/*/*/*"))) == 1
    assert os.listdir(folder.root / "runs/F/0/1/failed") == ["work"]
