"""Logs of tasks that still run, or were killed."""

import os
import signal

import pytest
from command_line import content, nothing_left, on_terminal, until

from stepwell.client.objects import Run
from stepwell.client.scope import Connection, Scope

WAIT = ["while not os.path.exists('go'):", "    time.sleep(0.02)"]


def logs_of(folder, *options):
    return folder.call("flow.py", "logs", "1/start", *options).stdout


@pytest.fixture(params=["fork", "inline"])
def waiting(folder, mark, request):
    """A run whose first task has printed, and waits."""
    folder.flow(
        "print('begun')",
        "print('  problem', file=sys.stderr)",
        "print('half a line', end='')",
        *WAIT,
        "print(' and the rest')",
    )
    process = folder.begin("--isolation", request.param)
    until(lambda: (folder.root / "metadata.db").exists(), "the run begins")
    yield folder, process
    (folder.path / "go").touch()
    process.wait(timeout=30)


# SPEC 8.1-2
# SPEC 8.1-3
def test_the_log_of_a_running_task_is_read_while_it_runs(waiting):
    folder, process = waiting
    until(lambda: "half" in logs_of(folder, "--stdout"), "the log is there")
    task = Run("Small/1", Scope(Connection(f"local@{folder.root}")))["start"].task
    before = task.stdout, task.stderr, task.finished
    shown_before = content(folder.path / "out.txt")
    (folder.path / "go").touch()
    assert process.wait(timeout=30) == 0

    assert "] begun\n" in shown_before and "]   problem\n" in shown_before
    assert before == ("begun\nhalf a line", "  problem\n", False)
    assert task.stdout == "begun\nhalf a line and the rest\n"
    assert len(list(folder.root.glob("runs/Small/0/1/logs/start/**/*.*"))) == 1


# SPEC 8.1-5
def test_logs_outlive_a_run_process_that_is_killed(waiting, mark):
    folder, process = waiting
    until(lambda: "half" in logs_of(folder, "--stdout"), "the log is there")
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=30)
    nothing_left(mark)

    assert logs_of(folder, "--stdout") == "begun\nhalf a line\n"
    assert logs_of(folder, "--stderr") == "  problem\n"


# SPEC 8.1-3
def test_output_is_unbuffered_whoever_wrote_it(folder):
    folder.flow(
        "print('one ', end='')",
        "os.system('printf two')",
        "sys.stdout.buffer.write(b' three\\xff')",
        "sys.stderr.write('last words')",
        "os.kill(os.getpid(), signal.SIGKILL)",
    )
    folder.run()

    task = Run("Small/1", Scope(Connection(f"local@{folder.root}")))["start"].task
    assert [text for _, text in task.loglines("stdout", as_unicode=False)] == [b"one two three\xff"]
    assert task.stdout == "one two three\N{REPLACEMENT CHARACTER}"
    assert task.stderr == "last words"


# SPEC 8.1-3
def test_a_progress_bar_is_shown_live_and_stored_as_its_last_state(folder):
    folder.flow("print('\\r 10%\\r 20%', end='')", *WAIT)
    run_until_return = "import subprocess as s, sys; p = s.Popen([sys.executable, 'flow.py', 'run']); "
    run_until_return += "input(); open('go', 'w').close(); sys.exit(p.wait())"

    shown = on_terminal(folder.path, "-c", run_until_return, typed={"[1] 20%": "\n"})

    assert "run succeeded" in shown
    assert logs_of(folder, "--stdout") == " 20%\n"


# SPEC 8.1-3
def test_output_of_several_processes_keeps_its_order(folder):
    folder.flow(
        "for number in range(5):",
        "    print(number, end=' ')",
        "    subprocess.run(['printf', '%s\\\\n', str(number)])",
    )
    assert folder.run().returncode == 0

    assert logs_of(folder, "--stdout").splitlines() == [f"{number} {number}" for number in range(5)]
