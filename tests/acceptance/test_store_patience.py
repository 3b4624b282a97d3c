"""A store that cannot serve is waited for, in words; a run that waits in vain can be continued."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress

import pytest
from command_line import content, nothing_left, until, words
from stored_runs import stored_run, values_of

FLOW = """
import os, time
from stepwell import FlowSpec, step

class F(FlowSpec):
    @step
    def start(self):
        self.items = range(4)
        self.next(self.work, foreach="items")

    @step
    def work(self):
        if self.input == 3:
            open("began", "w").close()
            while not os.path.exists("go"):
                time.sleep(0.01)
        {body}
        self.next(self.join)

    @step
    def join(self, inputs):
        self.numbers = sorted(one.input for one in inputs)
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""
LARGE = "self.data = bytes([self.input]) * 400_000"
CHATTY = "print('x' * 400_000)"
WAITS = "Waiting for the store"

LOCK = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def locked_by_another(file):
    command = [sys.executable, "-c", LOCK, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={}) as process:
        assert process.stdout.readline() == b"locked\n"
        yield
        process.stdin.close()


@contextmanager
def filled(disk):
    """Let nothing more be written to a disk; what ends the filling makes room."""
    ballast = disk / "ballast"
    with open(ballast, "wb", buffering=0) as file, suppress(OSError):  # the run writes too, meanwhile
        while file.write(b"1" * 4096):
            pass
    yield
    ballast.unlink()


def said(folder):
    return content(folder.path / "out.txt") + content(folder.path / "err.txt")


def begun(folder, **settings):
    """Start a run and leave it in the middle of its last task of the foreach, which waits for a file."""
    environment = {**os.environ, **{f"STEPWELL_{name}": value for name, value in settings.items()}}
    process = folder.begin("--max-workers", "2", env=environment)
    until((folder.path / "began").exists, "the task has begun")
    return process


def go(folder):
    (folder.path / "go").touch()


def check_whole(folder):
    run = stored_run(folder)
    assert run.successful
    assert run["join"].task["numbers"].data == [0, 1, 2, 3]
    assert len(values_of(run)) == 7


@pytest.fixture
def small(folder, disk):
    """The folder's datastore lies on a disk of its own."""
    place = disk("4m")
    (folder.path / ".stepwell").symlink_to(place, target_is_directory=True)
    return place


# SPEC 7.2-9
@pytest.mark.parametrize("body", [LARGE, CHATTY], ids=["task", "run-process"])
def test_a_full_disk_is_waited_for_until_there_is_room(folder, mark, small, body):
    folder.file(FLOW.format(body=body))
    process = begun(folder, STORE_PATIENCE="60")

    with filled(small):
        go(folder)
        until(lambda: WAITS in said(folder), "the wait is told")

    assert process.wait(60) == 0, said(folder)
    assert "the disk is full" in said(folder) and "The store serves again" in said(folder)
    check_whole(folder)


# SPEC 7.2-9
@pytest.mark.parametrize("body", [LARGE, CHATTY], ids=["task", "run-process"])
def test_a_disk_that_stays_full_fails_the_run_which_then_can_be_continued(folder, mark, small, body):
    folder.file(FLOW.format(body=body))
    process = begun(folder, STORE_PATIENCE="0.5")

    with filled(small):
        go(folder)
        assert process.wait(60) == 1, said(folder)
        nothing_left(mark)

    told = said(folder)
    assert "the disk is full" in told and "This has not passed in 0.5 s; once it has, `continue`" in told
    assert "Traceback" not in told and "continue 1` goes on" in told
    done = folder.call("flow.py", "continue")
    assert done.returncode == 0, words(done)
    check_whole(folder)


# SPEC 7.2-9
def test_a_locked_index_is_waited_for_until_it_is_free(folder, mark):
    folder.file(FLOW.format(body="pass"))
    process = begun(folder, STORE_PATIENCE="60")

    with locked_by_another(folder.root / "metadata.db"):
        go(folder)
        until(lambda: WAITS in said(folder), "the wait is told")

    assert process.wait(60) == 0, said(folder)
    assert "is locked by another process" in said(folder)
    check_whole(folder)
    assert folder.states() == ["succeeded"]


# SPEC 7.2-9
def test_an_index_that_stays_locked_fails_the_run_which_then_can_be_continued(folder, mark):
    folder.file(FLOW.format(body="pass"))
    process = begun(folder, STORE_PATIENCE="0.5")

    with locked_by_another(folder.root / "metadata.db"):
        go(folder)
        assert process.wait(60) == 1, said(folder)
        nothing_left(mark)

    assert "This has not passed in 0.5 s; once it has, `continue`" in said(folder)
    assert "Traceback" not in said(folder)
    done = folder.call("flow.py", "continue")
    assert done.returncode == 0, words(done)
    check_whole(folder)


# SPEC 7.2-4
# SPEC 7.2-9
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_waits_for_its_index_hears_who_wants_an_end(folder, mark, number):
    folder.file(FLOW.format(body="pass"))
    process = begun(folder, STORE_PATIENCE="600")

    with locked_by_another(folder.root / "metadata.db"):
        go(folder)
        until(lambda: WAITS in said(folder), "the wait is told")
        os.killpg(process.pid, number)
        assert process.wait(60) == 130, said(folder)
        nothing_left(mark)

    assert "Traceback" not in said(folder)
    done = folder.call("flow.py", "continue")
    assert done.returncode == 0, words(done)
    check_whole(folder)


# SPEC 7.2-9
def test_a_run_that_is_about_to_begin_waits_too(folder, mark):
    folder.flow()
    assert folder.run().returncode == 0

    with locked_by_another(folder.root / "metadata.db"):
        process = folder.begin()
        until(lambda: WAITS in said(folder), "the wait is told")

    assert process.wait(60) == 0, said(folder)
    assert folder.states() == ["succeeded", "succeeded"]
