"""`run --detach` and `run --dry-run`."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import content, nothing_left, until, words

from stepwell.client import Run
from stepwell.client.scope import Connection, Scope
from stepwell.wiring.stores import open_stores

FLOW = """
import atexit, os, signal, sys, threading, time
from stepwell import FlowSpec, Parameter, environment, resources, step

atexit.register(lambda: open("exits", "a").write(f"{os.getpid()}\\n"))
HEAD

class F(FlowSpec):
    number = Parameter("number", default=1)
    constant = CONSTANT

    @resources(cpu=2, memory=512)
    @step
    def start(self):
        open("began", "w").close()
        while not os.path.exists("go"):
            time.sleep(0.02)
        print("the start prints")
        self.next(self.end)

    @environment(vars={"TOKEN": "secret words"})
    @step
    def end(self):
        self.x = self.number

if __name__ == "__main__":
    F()
"""


def write(folder, head="", constant="1"):
    folder.file(FLOW.replace("HEAD", head).replace("CONSTANT", constant))


def scope(folder):
    return Scope(Connection(str(folder.root), open_stores(str(folder.root))))


def output_of(done):
    """The file that the command says the output goes to."""
    return Path(re.search(r"its output goes to\n  (.+)", done.stderr)[1])


# SPEC 7.1-12
def test_a_detached_run_goes_on_when_the_command_has_printed_its_id(folder, mark):
    write(folder)

    done = folder.run("--detach", "--number", "7", "--run-id-file", "id.txt")

    assert (done.returncode, done.stdout) == (0, "1\n"), words(done)
    assert (folder.path / "id.txt").read_text() == "1"
    run = Run("F/1", scope(folder))
    assert run.status == "running"
    pid = int(scope(folder).connection.stores.metadata.run("F", "1").pid)
    assert os.getsid(pid) == pid
    (folder.path / "go").touch()
    until(lambda: run.finished, "the run ends")
    assert run.successful and run.data.x == 7
    until(lambda: "run succeeded" in content(output_of(done)), "the output is complete")
    text = content(output_of(done))
    assert "run started (run-id 1)" in text and "] the start prints" in text
    nothing_left(mark)
    assert content(folder.path / "exits") == f"{pid}\n"


# SPEC 7.1-12
def test_a_detached_run_survives_that_its_terminal_hangs_up(folder, mark):
    write(folder)
    shell = f"{sys.executable} flow.py run --detach > id.txt; sleep 600"
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder.path)
        os.execvp("bash", ["bash", "-c", shell])
    until(lambda: content(folder.path / "id.txt") == "1\n", "the id is printed")
    until((folder.path / "began").exists, "the first task has begun")

    os.close(terminal)

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGHUP
    (folder.path / "go").touch()
    run = Run("F/1", scope(folder))
    until(lambda: run.finished, "the run ends")
    assert run.successful


def test_what_was_said_before_in_the_background_is_not_overwritten(folder):
    write(folder)
    (folder.path / "go").touch()
    earlier = folder.root / "detached" / "0" / "1.txt"
    earlier.parent.mkdir(parents=True)
    (folder.root / "stepwell.json").write_text('{"format": 1}')
    earlier.write_text("earlier")

    done = folder.run("--detach")

    assert done.returncode == 0, words(done)
    assert output_of(done) == earlier.with_name("1-2.txt")
    until(lambda: "run succeeded" in content(output_of(done)), "the output is complete")
    assert content(earlier) == "earlier"


# SPEC 7.1-12
@pytest.mark.parametrize(
    ("constant", "options", "code", "said"),
    [
        ("1", ("--number", "x"), 2, "'x' is not an int"),
        ("open(__file__)", (), 2, "cannot be stored as constants"),
        ("1", ("--run-id-file", "nowhere/id.txt"), 2, "nowhere/id.txt cannot be written"),
        ("1", ("--isolation", "inline"), 2, "inline engine refuses"),
        ("1", ("--dry-run",), 2, "omit one"),
    ],
)
def test_what_goes_wrong_before_the_run_is_registered_is_told_by_the_command(
    folder, constant, options, code, said
):
    write(folder, constant=constant)

    done = folder.run("--detach", *options)

    assert (done.returncode, done.stdout) == (code, "")
    assert said in words(done)
    assert [file for file in folder.root.glob("detached/*/*") if file.is_file()] == []


# SPEC 7.1-12
def test_a_background_process_that_dies_before_the_run_has_an_id_is_told(folder, mark):
    write(
        folder,
        "class Deadly:\n    def __reduce__(self):\n        os.kill(os.getpid(), signal.SIGKILL)",
        "Deadly()",
    )

    done = folder.run("--detach")

    assert (done.returncode, done.stdout) == (1, "")
    assert "ended by signal 9 before the run had an id" in words(done)
    nothing_left(mark)


# SPEC 7.1-12
def test_an_interrupt_before_the_run_has_an_id_leaves_nothing(folder, mark):
    slow = "class Slow:\n    def __reduce__(self):\n        open('slow', 'w').close(); time.sleep(600)"
    write(folder, slow, "Slow()")
    process = folder.begin("--detach")
    until((folder.path / "slow").exists, "the run is being registered")

    os.killpg(process.pid, signal.SIGINT)

    assert process.wait(30) == 130, content(folder.path / "err.txt")
    assert "Traceback" not in content(folder.path / "err.txt")
    nothing_left(mark)


# SPEC 7.1-12
def test_a_flow_that_has_started_a_thread_is_not_detached_but_told_the_way_out(folder):
    write(folder, "threading.Thread(target=time.sleep, args=(1,), name='telemetry').start()")

    done = folder.run("--detach")

    assert (done.returncode, done.stdout) == (2, "")
    assert "`telemetry`" in done.stderr and "nohup" in words(done)


def everything(folder):
    return {path.relative_to(folder.path): path.stat().st_mtime_ns for path in folder.path.rglob("*")}


# SPEC 7.1-12
def test_a_dry_run_prints_the_plan_and_does_none_of_it(folder):
    write(folder)
    before = everything(folder)

    done = folder.run("--dry-run", "--number", "5", "--max-workers", "3", "--isolation", "spawn")

    assert done.returncode == 0, words(done)
    (folder.path / "exits").unlink()  # the flow's own file wrote it
    assert everything(folder).keys() == before.keys()
    lines = [line.strip() for line in done.stdout.splitlines()]
    for expected in (
        f"datastore {folder.root}",
        "isolation spawn",
        "workers   3",
        "parameter number = 5",
        "Step start => end",
        "resources cpu=2, memory_mb=512",
        "runs      `run` takes nothing from earlier runs",
        "variables TOKEN",
    ):
        assert expected in lines
    assert "secret words" not in done.stdout


# SPEC 7.1-12
# SPEC 9.1-5
def test_the_plan_as_json_is_one_document(folder):
    write(folder)

    done = subprocess.run(
        [sys.executable, "flow.py", "--quiet", "run", "--dry-run", "--json"],
        cwd=folder.path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    plan = json.loads(done.stdout)
    assert (plan["flow"], plan["isolation"], plan["parameters"]) == ("F", "fork", {"number": "1"})
    first, last = plan["steps"]
    assert first == {
        "name": "start", "type": "start", "targets": ["end"], "decorators": ["resources"],
        "resources": {"cpu": 2.0, "memory_mb": 512.0}, "variables": [], "reused": False,
        "why": "`run` takes nothing from earlier runs",
    }  # fmt: skip
    assert (last["name"], last["variables"]) == ("end", ["TOKEN"])
    assert not folder.root.exists()


# SPEC 7.1-12
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--number", "x"), "'x' is not an int"),
        (("--isolation", "inline"), "inline engine refuses"),
    ],
)
def test_a_dry_run_refuses_what_a_run_would_refuse(folder, options, said):
    write(folder)

    done = folder.run("--dry-run", *options)

    assert (done.returncode, done.stdout) == (2, "")
    assert said in words(done)
