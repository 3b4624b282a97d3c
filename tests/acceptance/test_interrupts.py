"""Runs that are interrupted or killed, and runs beside each other."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import WIDE, content, nothing_left, until, words

from stepwell.datastore.pack_file import open_pack

WAITING = "open('began', 'w').close(); time.sleep(600)"


def end_of(process, patience_s=30):
    try:
        return process.wait(patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_an_interrupted_run_ends_with_130_and_leaves_nothing(folder, mark, number, isolation):
    folder.flow(WAITING)
    process = folder.begin("--isolation", isolation)
    until((folder.path / "began").exists, "the task has begun")

    os.killpg(process.pid, number)

    assert end_of(process) == 130, content(folder.path / "err.txt")
    assert folder.states() == ["interrupted"]
    assert "Traceback" not in content(folder.path / "err.txt")
    nothing_left(mark)


# SPEC 7.2-4
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_is_ignored_from_the_start_ends_no_run(folder, number):
    folder.flow(
        "open('began', 'w').close()",
        "while not os.path.exists('go'): time.sleep(0.01)",
        "self.handler = signal.getsignal(signal.SIGHUP).name",
    )
    process = folder.begin(preexec_fn=lambda: signal.signal(number, signal.SIG_IGN))
    until((folder.path / "began").exists, "the task has begun")

    os.kill(process.pid, number)
    (folder.path / "go").touch()

    assert end_of(process) == 0, content(folder.path / "out.txt")
    assert folder.states() == ["succeeded"]
    dumped = folder.call("flow.py", "dump", "latest/start").stdout
    assert ("SIG_IGN" if number == signal.SIGHUP else "SIG_DFL") in dumped


def test_a_second_interrupt_does_not_wait_for_a_stubborn_task(folder, mark):
    folder.flow(
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        "signal.signal(signal.SIGINT, signal.SIG_IGN)",
        WAITING,
    )
    process = folder.begin()
    until((folder.path / "began").exists, "the task has begun")

    os.killpg(process.pid, signal.SIGINT)
    time.sleep(0.5)
    asked = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)

    assert end_of(process) == 130
    assert time.monotonic() - asked < 3
    assert folder.states() == ["interrupted"]
    nothing_left(mark)


def test_one_interrupt_ends_a_stubborn_task_after_its_time(folder, mark):
    folder.flow("signal.signal(signal.SIGTERM, signal.SIG_IGN)", WAITING)
    process = folder.begin()
    until((folder.path / "began").exists, "the task has begun")

    os.killpg(process.pid, signal.SIGINT)

    assert end_of(process) == 130
    assert folder.states() == ["interrupted"]
    nothing_left(mark)


def test_an_interrupt_ends_a_step_that_runs_inline(folder, mark):
    folder.flow(WAITING)
    process = folder.begin("--isolation", "inline")
    until((folder.path / "began").exists, "the task has begun")

    os.killpg(process.pid, signal.SIGINT)

    assert end_of(process) == 130
    assert folder.states() == ["interrupted"]


@pytest.mark.slow
def test_an_interrupt_helps_even_if_nobody_reads_the_output(folder, mark):
    folder.flow(
        "open('began', 'w').close()",
        "for i in range(100_000): print('a line that nobody reads')",
        "time.sleep(600)",
    )
    process = subprocess.Popen(
        [sys.executable, "flow.py", "run"], cwd=folder.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with process:
        until((folder.path / "began").exists, "the task has begun")
        time.sleep(0.5)

        for _ in range(6):
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                time.sleep(4)

        assert process.poll() == 130
    assert folder.states() == ["interrupted"]
    nothing_left(mark)


@pytest.mark.slow
def test_an_interrupt_at_any_moment_ends_with_130_in_words(folder, mark):
    flow = folder.flow("time.sleep(0.3)")
    # What comes while Python itself gets ready is told by Python, in several ways.
    begun = "open('begun', 'w').close()\nfrom stepwell import"
    flow.write_text(flow.read_text().replace("from stepwell import", begun))
    generator = random.Random(7)

    for _ in range(15):
        (folder.path / "begun").unlink(missing_ok=True)
        process = folder.begin(env={**os.environ, "PYTHONFAULTHANDLER": "1"})
        until((folder.path / "begun").exists, "Python has come to the flow's file")
        time.sleep(generator.uniform(0.0, 0.8))
        os.killpg(process.pid, signal.SIGINT)
        code = end_of(process)

        said = content(folder.path / "err.txt") + content(folder.path / "out.txt")
        if code == -signal.SIGINT:  # Python itself, or the first few imports, had not come to their end
            ours = re.findall(r'stepwell/([^"]*)"', said)
            assert set(ours) <= {"__init__.py", "definition/flowspec.py", "definition/mistakes.py"}, said
        else:
            assert code in (130, 0), said
            # Python loses an interrupt that meets the callback of a lock of its imports.
            assert "Traceback" not in said or "ignored in: <function _get_module_lock" in said, said
        nothing_left(mark)
    if (folder.root / "metadata.db").exists():
        assert set(folder.states()) <= {"interrupted", "succeeded"}


INTERRUPTING = """
import os, signal, sys

class InterruptingFinder:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, InterruptingFinder())
"""


# SPEC 9.1-2
@pytest.mark.parametrize("name", ["colorsys", "stepwell.cli.flow_cli", "click", "stepwell.cli.check"])
def test_an_interrupt_while_a_flow_s_file_is_imported_is_told_in_one_word(folder, name):
    text = folder.flow().read_text().replace("class Small", "import colorsys\n\nclass Small")
    head = "import stepwell.definition.flowspec\n"
    folder.file(head + INTERRUPTING.format(name=name) + text)

    done = folder.call("flow.py", "check")

    assert (done.returncode, done.stderr) == (130, "\ninterrupted\n")


# SPEC 9.1-2
def test_an_interrupt_in_the_body_of_a_class_is_told_in_one_word_too(folder):
    folder.file(
        "class Named:\n"
        "    def __set_name__(self, owner, name): raise KeyboardInterrupt\n\n"
        "class Holder:\n"
        "    attribute = Named()\n",
        "named.py",
    )
    folder.file(folder.flow().read_text().replace("class Small", "import named\n\nclass Small"))

    done = folder.call("flow.py", "check")

    assert (done.returncode, done.stderr) == (130, "\ninterrupted\n")


# SPEC 9.1-2
@pytest.mark.parametrize("name", ["stepwell.cli.main", "click", "stepwell.cli.version"])
def test_an_interrupt_while_the_command_line_is_imported_is_told_in_one_word(folder, name):
    folder.file(INTERRUPTING.format(name=name) + "from stepwell.__main__ import main\nmain()")

    done = folder.call("flow.py", "version")

    assert (done.returncode, done.stderr) == (130, "\ninterrupted\n")


def test_an_interrupt_of_a_user_s_own_program_is_the_interpreter_s_to_tell(folder):
    folder.file("import os, signal\nfrom stepwell import FlowSpec\nos.kill(os.getpid(), signal.SIGINT)\n")

    done = folder.call("flow.py")

    assert done.returncode == -signal.SIGINT
    assert "Traceback" in done.stderr


def test_an_interrupt_while_the_launcher_is_forked_does_not_reach_it(folder):
    text = folder.flow().read_text()
    folder.file(
        "import os, signal\n"
        "main = os.getpid()\n"
        "def interrupt():\n"
        "    if os.getppid() == main: os.kill(os.getpid(), signal.SIGINT)\n"
        f"os.register_at_fork(after_in_child=interrupt)\n{text}"
    )

    done = folder.run()

    assert done.returncode == 0, words(done)
    assert "Traceback" not in words(done)


# Killed processes


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_no_process_outlives_a_killed_run(folder, mark, isolation):
    folder.flow("subprocess.Popen(['sleep', '600'], start_new_session=True)", WAITING)
    process = folder.begin("--isolation", isolation)
    until((folder.path / "began").exists, "the task has begun")

    process.kill()
    process.wait()

    nothing_left(mark)
    assert folder.states() == ["running"]  # nobody was left to say otherwise
    shown = folder.call("flow.py", "show", "latest")
    assert shown.returncode == 0, words(shown)
    again = folder.file(Path(folder.path / "flow.py").read_text().replace(WAITING, "pass"))
    assert folder.run().returncode == 0, again


def launcher_of(pid):
    return [int(word) for word in content(Path(f"/proc/{pid}/task/{pid}/children")).split()]


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_a_killed_launcher_fails_the_run_cleanly(folder, mark, isolation):
    folder.flow("subprocess.Popen(['sleep', '600'])", WAITING)
    process = folder.begin("--isolation", isolation)
    until((folder.path / "began").exists, "the task has begun")

    for pid in launcher_of(process.pid):
        os.kill(pid, signal.SIGKILL)

    assert end_of(process) == 1
    said = content(folder.path / "err.txt") + content(folder.path / "out.txt")
    assert "launcher" in said and "Traceback" not in said and "Internal error" not in said
    assert folder.states() == ["failed"]
    nothing_left(mark)


@pytest.mark.slow
def test_packs_are_whole_at_whatever_moment_the_run_is_killed(folder, mark):
    folder.file(WIDE.format(body="self.data = os.urandom(50_000); print('x' * 1000)"))
    generator = random.Random(11)
    packs = 0

    for _ in range(10):
        process = folder.begin()
        time.sleep(generator.uniform(0.2, 1.5))
        process.kill()
        process.wait()
        nothing_left(mark)

    for file in folder.root.rglob("*"):
        data = file.read_bytes() if file.is_file() else b""
        if data.startswith(b"SWP1"):
            assert open_pack(data, str(file)) is not None, file
            packs += 1
    assert packs > 10
    assert folder.run().returncode == 0
    for state in folder.states():
        assert state in ("running", "succeeded")


def test_runs_at_once_in_one_folder_all_succeed_with_ids_of_their_own(folder):
    folder.flow("self.value = os.getpid()")
    processes = [
        subprocess.Popen(
            [sys.executable, "flow.py", "run", "--run-id-file", f"id{number}"],
            cwd=folder.path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for number in range(8)
    ]

    said = [process.communicate(timeout=120)[1] for process in processes]

    assert [process.returncode for process in processes] == [0] * 8, said
    assert len({content(folder.path / f"id{number}") for number in range(8)}) == 8
    assert folder.states() == ["succeeded"] * 8
