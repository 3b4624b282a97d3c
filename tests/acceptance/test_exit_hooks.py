"""Functions that a flow has called once a run of it has ended."""

import os
import signal
import sys
from pathlib import Path

import pytest
from command_line import Folder, content, nothing_left, until, words

FLOW = """
import os, sys, time
from pathlib import Path
from stepwell import FlowSpec, Parameter, exit_hook, step

def note(line):
    with open("called.txt", "a") as file:
        file.write(f"{line} {os.getpid()}\\n")

def well(run):
    note(f"well {run.pathspec} {run.successful} {run.data.made}")

def ill(run):
    note(f"ill {run and run.pathspec} {run and run.finished}")

def fails():
    note("fails")
    raise ValueError("no such channel")

def by_name():
    note("by_name")

def hangs():
    note("hangs")
    time.sleep(600)

@exit_hook(on_success=[well, fails, "by_name"], on_error=[ill])
@exit_hook(on_success=["its_hooks.elsewhere", lambda: note("lambda")], on_error=[lambda: note("then")])
class F(FlowSpec):
    what = Parameter("what", type=int, default=0)

    @step
    def start(self):
        self.made = 42
        if self.what == 1 and not Path("mended").exists():
            raise KeyError("lost")
        if self.what == 2:
            note("waiting")
            time.sleep(600)
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""

HANGING = FLOW.replace("on_success=[well, fails, ", "options={'timeout': %s}, on_success=[hangs, ")


def called(folder) -> list[str]:
    """What the hooks noted, without the process."""
    return [line.rpartition(" ")[0] for line in content(folder.path / "called.txt").splitlines()]


@pytest.fixture(scope="module")
def succeeded(tmp_path_factory):
    folder = Folder(tmp_path_factory.mktemp("hooks"))
    folder.file(FLOW)
    folder.file("from flow import note\n\ndef elsewhere(): note('elsewhere')\n", "its_hooks.py")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STEPWELL_USER", "tester")
        return folder, folder.run("--json")


# SPEC 6.1-12
def test_after_success_all_hooks_are_called_in_order_whether_functions_names_or_import_paths(succeeded):
    folder, _ = succeeded

    assert called(folder) == ["well F/1 True 42", "fails", "by_name", "elsewhere", "lambda"]


# SPEC 6.1-12
def test_each_hook_has_a_process_of_its_own(succeeded):
    lines = content(succeeded[0].path / "called.txt").splitlines()

    assert len({line.rpartition(" ")[2] for line in lines}) == len(lines)


# SPEC 6.1-12
def test_the_failure_of_a_hook_is_shown_with_its_frames_and_leaves_the_run_as_it_is(succeeded):
    folder, done = succeeded

    assert done.returncode == 0
    assert ", in fails\n" in done.stderr and "ValueError: no such channel" in words(done)
    assert "Exit hook `fails` failed: exit code 1. The run's state stays as it is." in done.stderr
    assert folder.states() == ["succeeded"]


def test_what_hooks_print_does_not_come_between_the_json_lines_of_a_run(folder):
    folder.file(FLOW.replace('note("by_name")', 'print("a word")'))
    folder.file("def elsewhere(): print('another')\n", "its_hooks.py")

    done = folder.run("--json")

    assert all(line.startswith("{") for line in done.stdout.splitlines())
    assert "a word" in done.stderr and "another" in done.stderr


# SPEC 6.1-12
# SPEC 7.2-1
def test_after_a_failure_the_hooks_for_errors_are_called_and_continue_calls_those_of_its_own_end(folder):
    folder.file(FLOW)
    folder.file("def elsewhere(): pass\n", "its_hooks.py")

    failed = folder.run("--what", "1")
    after_failure = called(folder)
    (folder.path / "mended").touch()
    went_on = folder.call("flow.py", "continue")

    assert (failed.returncode, went_on.returncode) == (1, 0), words(went_on)
    assert after_failure == ["ill F/1 True", "then"]
    assert called(folder)[2:] == ["well F/1 True 42", "fails", "by_name", "lambda"]


# SPEC 6.1-12
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_after_an_interruption_the_hooks_for_errors_are_called(folder, number):
    folder.file(FLOW)
    folder.file("def elsewhere(): pass\n", "its_hooks.py")

    process = folder.begin("--what", "2")
    until(lambda: called(folder), "the step runs")
    process.send_signal(number)

    assert process.wait(60) == 130
    assert called(folder) == ["waiting", "ill F/1 True", "then"]
    assert folder.states() == ["interrupted"]


# SPEC 6.1-12
@pytest.mark.parametrize(
    "options", [("run", "--what", "many"), ("--datastore-root", "/dev/null/x", "run")], ids=["value", "store"]
)
def test_after_a_failed_start_the_hooks_get_no_run(folder, options):
    folder.file(FLOW)
    folder.file("def elsewhere(): pass\n", "its_hooks.py")

    done = folder.call("flow.py", *options)

    assert done.returncode == 2, words(done)
    assert called(folder) == ["ill None None", "then"]


def test_a_run_that_stops_where_it_was_asked_to_has_not_ended(folder):
    folder.file(FLOW)
    folder.file("def elsewhere(): pass\n", "its_hooks.py")

    stopped = folder.run("--until", "start")
    before = called(folder)
    resumed = folder.call("flow.py", "resume")

    assert (stopped.returncode, resumed.returncode) == (0, 0), words(resumed)
    assert before == []
    assert called(folder)[0] == "well F/2 True 42"


def test_a_dry_run_calls_no_hook(folder):
    folder.file(FLOW)
    folder.file("def elsewhere(): pass\n", "its_hooks.py")

    assert folder.run("--dry-run").returncode == 0
    assert called(folder) == []


# SPEC 6.1-12
def test_a_hook_that_takes_too_long_is_ended_and_the_next_is_called(folder, mark):
    folder.file(HANGING % "4")
    folder.file("def elsewhere(): pass\n", "its_hooks.py")

    done = folder.run()

    assert done.returncode == 0
    assert "Exit hook `hangs` failed: it had not ended after 4 s, and was ended." in words(done)
    assert called(folder)[-2:] == ["by_name", "lambda"]
    nothing_left(mark)


# SPEC 6.1-12
def test_an_interrupt_while_a_hook_runs_ends_it_leaves_out_the_rest_and_keeps_the_exit_code(folder, mark):
    folder.file(HANGING % "60")
    folder.file("def elsewhere(): pass\n", "its_hooks.py")

    process = folder.begin()
    until(lambda: "hangs" in called(folder), "the hook runs")
    process.send_signal(signal.SIGINT)

    assert process.wait(60) == 0
    assert called(folder) == ["hangs"]
    assert "Exit hook `hangs` was interrupted, `by_name` is not called" in content(folder.path / "err.txt")
    nothing_left(mark)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ends it")
def test_a_hook_ends_with_the_run_command(folder, mark):
    folder.file(HANGING % "60")
    folder.file("def elsewhere(): pass\n", "its_hooks.py")

    process = folder.begin()
    until(lambda: "hangs" in called(folder), "the hook runs")
    os.kill(process.pid, signal.SIGKILL)
    process.wait(60)

    nothing_left(mark)


def test_a_run_in_the_background_calls_its_hooks(folder):
    folder.file(FLOW)
    folder.file("def elsewhere(): pass\n", "its_hooks.py")

    done = folder.run("--detach", "--what", "1")
    until(lambda: "then" in called(folder), "the hooks are called")

    assert done.stdout.strip() == "1" and done.returncode == 0


def test_a_hook_that_is_not_there_is_told_before_anything_runs(folder):
    folder.file(FLOW.replace('"by_name"]', '"by_nmae"]'))

    done = folder.run()

    assert done.returncode == 2
    assert "`by_nmae` cannot be found" in words(done)
    assert not Path(folder.root, "F").exists()
