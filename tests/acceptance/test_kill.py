"""``kill``: a run is ended from another terminal."""

import os
import signal
import socket
import subprocess

import pytest
from command_line import alive_with, nothing_left, until, words
from msgspec.structs import replace

from stepwell.metadata_stores.sqlite import SqliteMetadata
from stepwell.model.run import RunRecord
from stepwell.model.states import RunState

WAIT = ["while True:", "    time.sleep(0.05)"]


def begun(folder, *body):
    """Start a run whose first task does this, then waits for ever."""
    folder.flow(*body, "open('began', 'w').close()", *WAIT)
    process = folder.begin()
    until((folder.path / "began").exists, "the task has begun")
    store = SqliteMetadata(folder.root / "metadata.db", readonly=True)
    until(lambda: store.task("Small", "1", "start", "1"), "the task is on record")
    store.close()
    return process


# SPEC 7.2-10
# SPEC 9.4-5
@pytest.mark.parametrize("options", [[], ["--force"]])
def test_a_run_is_ended_with_its_tasks_as_by_an_interrupt(folder, mark, options):
    process = begun(folder, "print('said')")

    done = folder.call("-m", "stepwell", "kill", "latest", *options)

    assert done.returncode == 0, words(done)
    assert "Run Small/1 has ended: interrupted." in words(done)
    assert process.wait(timeout=30) == 130
    nothing_left(mark)
    assert folder.states() == ["interrupted"]
    assert folder.call("flow.py", "logs", "1/start", "--stdout").stdout == "said\n"
    again = folder.call("flow.py", "kill", "1")
    assert (again.returncode, again.stderr) == (0, "Run Small/1 had ended before: interrupted.\n")


# SPEC 7.2-10
def test_force_leaves_no_grace_to_a_task_that_does_not_want_to_end(folder, mark):
    process = begun(folder, "signal.signal(signal.SIGTERM, signal.SIG_IGN)")

    done = folder.call("flow.py", "kill", "1", "--force")

    assert done.returncode == 0, words(done)
    assert process.wait(timeout=30) == 130
    nothing_left(mark)


# SPEC 7.2-10
def test_a_stopped_run_is_ended_too(folder, mark):
    process = begun(folder)
    process.send_signal(signal.SIGSTOP)

    done = folder.call("flow.py", "kill", "1")

    assert done.returncode == 0, words(done)
    assert process.wait(timeout=30) == 130


# SPEC 7.2-10
def test_what_a_dead_run_process_has_left_is_ended(folder, mark):
    process = begun(folder, "subprocess.Popen(['sleep', '1000'])")
    launcher = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout
    process.send_signal(signal.SIGSTOP)  # else it would clear up after its launcher
    for pid in (*map(int, launcher.split()), process.pid):
        os.kill(pid, signal.SIGKILL)
    process.wait(timeout=30)
    until(lambda: len(alive_with(mark)) == 1, "only the child of the task is left")

    done = folder.call("flow.py", "kill", "1")

    assert done.returncode == 0, words(done)
    assert "had ended before: lost" in words(done) and "processes running (1)" in words(done)
    nothing_left(mark)


def with_run(folder, **changes):
    """Make a record of a run that nobody here has started."""
    folder.flow("pass")
    assert folder.run().returncode == 0
    store = SqliteMetadata(folder.root / "metadata.db")
    known = store.run("Small", "1")
    assert known is not None
    fields = {"flow": "Small", "run": "2", "state": RunState.RUNNING, "user": known.user}
    now = known.created_at
    store.save_run(RunRecord(**{**fields, "created_at": now, "heartbeat_at": now + 1e6, **changes}))
    store.close()


# SPEC 7.2-10
@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["--force"]])
def test_a_run_on_another_machine_is_asked_through_the_index(folder, mark, options):
    process = begun(folder, "signal.signal(signal.SIGTERM, signal.SIG_IGN)" if options else "pass")
    store = SqliteMetadata(folder.root / "metadata.db")
    store.save_run(replace(store.run("Small", "1"), host="far-away"))
    store.close()

    done = folder.call("flow.py", "kill", "1", *options)

    assert done.returncode == 0, words(done)
    assert f"Run Small/1 runs on far-away as process {process.pid}" in words(done)
    assert "Run Small/1 has ended: interrupted." in words(done)
    assert process.wait(timeout=30) == 130
    nothing_left(mark)
    # The wish was for that process alone: who goes on with the run is not ended.
    folder.flow("pass")
    assert folder.call("flow.py", "continue").returncode == 0


# SPEC 7.2-10
def test_a_run_of_an_unknown_machine_is_refused(folder):
    with_run(folder, host="", pid=4711, pid_started=5.0)

    done = folder.call("flow.py", "kill", "2")

    assert done.returncode == 2
    assert "Nobody knows on which host run Small/2 runs." in words(done)


# SPEC 7.2-10
def test_a_process_that_has_got_the_pid_since_is_left_alone(folder, mark):
    with subprocess.Popen(["sleep", "1000"]) as stranger:
        with_run(folder, host=socket.gethostname(), pid=stranger.pid, pid_started=1.0)

        done = folder.call("flow.py", "kill", "2")

        assert stranger.poll() is None
        stranger.kill()
    assert done.returncode == 0 and "had ended before: lost" in words(done)


@pytest.mark.parametrize("args", [["77"], ["1/start"], []])
def test_what_is_no_run_cannot_be_killed(folder, args):
    folder.flow("pass")
    assert folder.run().returncode == 0

    done = folder.call("flow.py", "kill", *args)

    assert done.returncode == 2
    assert done.stdout == "" and words(done)
