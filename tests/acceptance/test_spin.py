"""One step alone, on the inputs of an earlier task: `spin`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import Folder, words

FLOW = """
import os, time
from stepwell import FlowSpec, Parameter, current, environment, retry, step, timeout

class Spun(FlowSpec):
    rate = Parameter("rate", default=1)

    @step
    def start(self):
        self.big = list(range(20_000))
        self.items = ["a", "b", "c"]
        self.next(self.work, foreach="items")

    @environment(vars={"MARK": "set"})
    @retry(times=3)
    @step
    def work(self):
        print("work", self.input, self.index, self.rate, os.environ.get("MARK"), current.origin_run_id)
        self.text = self.input * self.rate
        self._private = "own"
        self.next(self.join)

    @step
    def join(self, inputs):
        self.texts = [one.text for one in inputs]
        print("join", self.texts, current.pathspec)
        self.merge_artifacts(inputs, include=["big"])
        self.next(self.check)

    @retry(times=2)
    @step
    def check(self):
        print("check", self.texts, len(self.big), flush=True)
        if "boom" in self.texts:
            raise ValueError("it went wrong")
        if "sleep" in self.texts:
            time.sleep(60)
        if "segfault" in self.texts:
            os.kill(os.getpid(), 11)
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Spun()
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A folder with two runs of the flow, the second with another rate."""
    folder = Folder(tmp_path_factory.mktemp("spin"))
    folder.file(FLOW)
    for rate in ("1", "2"):
        done = folder.run("--rate", rate, env={**os.environ, "STEPWELL_USER": "tester"})
        assert done.returncode == 0, words(done)
    return folder


def artifacts(folder, text, name="artifacts.py"):
    folder.file(f"ARTIFACTS = {text}\n", name)
    return "--artifacts-module", name


def content(root: Path):
    """Every file of a datastore with its bytes, without those that readers of the index open and close."""
    return {
        str(path): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


# SPEC 7.6-1
@pytest.mark.parametrize(
    ("address", "printed"),
    [
        ("work", "work c 2 2 set 2"),
        ("Spun/work", "work c 2 2 set 2"),
        ("work[1]", "work b 1 2 set 2"),
        ("1/work", "work c 2 1 set 1"),
        ("1/work[0]", "work a 0 1 set 1"),
        ("1/work/3", "work b 1 1 set 1"),
        ("Spun/1/work/3", "work b 1 1 set 1"),
        ("latest/join", "join ['aa', 'bb', 'cc'] Spun/spin-1/join/spin"),
        ("end", ""),
    ],
)
def test_a_step_runs_on_the_inputs_of_an_earlier_task(ran, address, printed):
    done = ran.call("flow.py", "spin", address)

    assert done.returncode == 0, words(done)
    assert done.stdout.strip() == printed


# SPEC 7.6-1
def test_both_doors_lead_to_it(ran):
    done = ran.call("-m", "stepwell", "spin", "flow.py", "check")

    assert (done.returncode, done.stdout) == (0, "check ['aa', 'bb', 'cc'] 20000\n")


# SPEC 7.6-1
def test_parameters_are_those_of_the_origin(ran):
    done = ran.call("flow.py", "spin", "work", "--rate", "3")

    assert done.returncode == 2
    assert "there is no option `--rate`" in words(done)


# SPEC 7.6-1
@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("wrok", "`wrok` is not a step of Spun. Did you mean `work`?"),
        ("work[7]", "There is no task Spun/2/work[7]"),
        ("9/work", "There is no run `Spun/9`"),
        ("1/work/77", "There is no task Spun/1/work/77"),
        ("1", "`1` names no step"),
    ],
)
def test_an_address_that_leads_nowhere_is_told_with_what_there_is(ran, address, said):
    done = ran.call("flow.py", "spin", address)

    assert done.returncode == 2
    assert said in words(done)


# SPEC 7.6-1
def test_the_newest_task_is_looked_for_in_the_namespace(ran):
    other = {**os.environ, "STEPWELL_USER": "somebody"}

    done = ran.call("flow.py", "spin", "check", env=other)
    of_all = ran.call("flow.py", "spin", "check", "--namespace", "", env=other)

    assert "on no earlier task" in done.stderr
    assert (of_all.returncode, of_all.stdout) == (0, "check ['aa', 'bb', 'cc'] 20000\n")


# SPEC 7.6-2
def test_nothing_is_written_to_the_datastore(ran):
    before = content(ran.root)

    for isolation in ("fork", "spawn", "inline"):
        done = ran.call("flow.py", "spin", "join", "--isolation", isolation)
        assert done.returncode == 0, words(done)
        assert done.stdout.startswith("join ['aa', 'bb', 'cc']")
    assert ran.call("flow.py", "spin", "check", *artifacts(ran, "{'texts': ['boom']}")).returncode == 1

    assert content(ran.root) == before
    assert not (ran.path / ".stepwell_spin").exists()


LOOK = """
from stepwell import Flow, Task, default_metadata, inspect_spin

inspect_spin("{place}")
task = Task("Spun/spin-1/work/spin")
print(task.data.text, task.data._private, task.data.rate, len(task.data.big), task.successful)
print(task.stdout.strip())
failed = Task("Spun/spin-2/check/spin")
print(failed.successful, failed.exception.exception, Flow("Spun").latest_run.id)
default_metadata()
print(Flow("Spun").latest_run.id)
"""


# SPEC 7.6-2, 10.1-7, 9.3-3
def test_what_is_persisted_is_read_with_inspect_spin(ran, tmp_path):
    place = {"cwd": tmp_path, "env": {**os.environ, "STEPWELL_DATASTORE_ROOT": str(ran.root)}}
    flow = str(ran.path / "flow.py")
    file = tmp_path / "id"
    boom = artifacts(ran, "{'texts': ['boom']}")[1]
    before = content(ran.root)

    done = ran.call(flow, "spin", "work", "--persist", "--run-id-file", str(file), **place)
    place["env"]["STEPWELL_SPIN_PERSIST"] = "1"
    failed = ran.call(flow, "spin", "check", "--artifacts-module", str(ran.path / boom), **place)
    seen = ran.call("-c", LOOK.format(place=tmp_path), **place)

    assert (done.returncode, failed.returncode) == (0, 1)
    assert "Task('Spun/spin-1/work/spin')" in done.stderr
    assert file.read_text() == "spin-1"
    assert seen.stdout.splitlines() == [
        "cc own 2 20000 True",
        "work c 2 2 set 2",
        "False ValueError: it went wrong spin-2",
        "2",
    ], seen.stderr
    assert content(ran.root) == before


# SPEC 7.6-2
def test_results_of_two_datastores_are_not_mixed(ran, tmp_path):
    def spin(root):
        return ran.call(
            str(ran.path / "flow.py"), "--datastore-root", str(root), "spin", "end", "--persist", cwd=tmp_path
        )

    assert spin(ran.root).returncode == 0

    done = spin(tmp_path / "other" / ".stepwell")

    assert done.returncode == 2
    assert "keeps what was spun from the datastore" in words(done)


# SPEC 7.6-3
def test_artifacts_of_the_inputs_can_be_replaced(ran):
    done = ran.call("flow.py", "spin", "check", *artifacts(ran, "{'texts': 'mine'}"))

    assert (done.returncode, done.stdout) == (0, "check mine 20000\n"), words(done)


# SPEC 7.6-3
def test_of_a_join_the_inputs_are_replaced_one_by_one(ran):
    done = ran.call(
        "flow.py", "spin", "join",
        *artifacts(ran, "{'Spun/2/work/3': {'text': 'mine'}, 'work/4': {'text': 'too'}}"),
    )  # fmt: skip

    assert done.stdout == "join ['aa', 'mine', 'too'] Spun/spin-1/join/spin\n", words(done)


# SPEC 7.6-3
@pytest.mark.parametrize(
    ("text", "step", "said"),
    [
        (
            "{'start/1': {}}",
            "join",
            "ARTIFACTS has `start/1`, which is no input. The inputs are: `Spun/2/work/2`",
        ),
        ("{'work/2': 3}", "join", "ARTIFACTS['work/2'] must be a dict"),
        ("[1]", "check", "must have a dict ARTIFACTS"),
        ("1 / 0", "check", "ZeroDivisionError"),
        ("{'f': open('flow.py')}", "check", "A value in ARTIFACTS cannot be stored"),
    ],
)
def test_artifacts_that_do_not_fit_are_a_usage_error(ran, text, step, said):
    done = ran.call("flow.py", "spin", step, *artifacts(ran, text, "wrong.py"))

    assert done.returncode == 2
    assert said in words(done)


# SPEC 7.6-3
def test_decorators_that_would_hide_what_happens_are_ignored_with_a_note(ran):
    ran.file("ARTIFACTS = {'texts': ['boom']}", "boom.py")

    done = ran.call(
        "flow.py", "spin", "check", "--artifacts-module", "boom.py",
        env={**os.environ, "STEPWELL_DEFAULT_DECOSPECS": "catch"},
    )  # fmt: skip

    assert done.returncode == 1
    assert "Note: spin ignores @retry of step check." in done.stderr
    assert done.stdout.count("check") == 1
    assert 'raise ValueError("it went wrong")\nValueError: it went wrong\n' in words(done).replace(
        "    ^", ""
    )
    assert "step check failed after" in done.stderr


# SPEC 7.6-3
def test_decorators_can_be_left_out_one_and_all(ran):
    none = ran.call("flow.py", "spin", "work", "--skip-decorators")
    some = ran.call(
        "flow.py", "spin", "work", env={**os.environ, "STEPWELL_SPIN_ALLOWED_DECORATORS": "retry"}
    )

    assert none.stdout == "work c 2 2 None 2\n"
    assert "Note: spin ignores @environment, @retry of step work." in none.stderr
    assert some.stdout == "work c 2 2 None 2\n"
    assert "Note: spin ignores @environment of step work." in some.stderr


# SPEC 7.6-3
def test_a_decorator_given_with_the_command_acts_and_a_step_that_took_too_long_says_so(ran):
    ran.file("ARTIFACTS = {'texts': ['sleep']}", "sleep.py")

    done = ran.call(
        "flow.py", "spin", "check", "--artifacts-module", "sleep.py", "--with", "timeout:seconds=1"
    )

    assert done.returncode == 1
    assert "Step 'check' timed out" in words(done)


# SPEC 7.6-1
def test_a_step_that_dies_is_told_by_name(ran):
    ran.file("ARTIFACTS = {'texts': ['segfault']}", "dies.py")

    done = ran.call("flow.py", "spin", "check", "--artifacts-module", "dies.py")

    assert done.returncode == 1
    assert "The task died by signal 11 (SIGSEGV). Segmentation fault" in words(done)


# SPEC 7.6-1
def test_an_interrupt_ends_it_with_130(ran):
    ran.file("ARTIFACTS = {'texts': ['sleep']}", "sleep.py")
    command = [sys.executable, "flow.py", "spin", "check", "--artifacts-module", "sleep.py"]

    with subprocess.Popen(
        command, cwd=ran.path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(2)

        assert process.wait(30) == 130


NEW_STEP = FLOW.replace(
    "self.next(self.end)",
    """self.next(self.added)

    @step
    def added(self):
        print("added", self.texts, self.rate)
        self.next(self.end)""",
)


# SPEC 7.6-4
def test_a_step_that_has_never_run_follows_the_newest_task_that_leads_to_it(ran):
    ran.file(NEW_STEP, "new.py")

    done = ran.call("new.py", "spin", "added")

    assert (done.returncode, done.stdout) == (0, "added ['aa', 'bb', 'cc'] 2\n"), words(done)
    assert "after Spun/2/check/" in done.stderr


# SPEC 7.6-4
def test_a_step_of_a_flow_that_has_never_run_works_with_what_is_given(folder):
    folder.file(FLOW)

    given = folder.call("flow.py", "spin", "check", *artifacts(folder, "{'texts': [1], 'big': [2]}"))
    join = folder.call(
        "flow.py",
        "spin",
        "join",
        *artifacts(folder, "{'work/1': {'text': 'x', 'big': []}, 'work/2': {'text': 'y', 'big': []}}"),
    )
    missing = folder.call("flow.py", "spin", "check")

    assert (given.returncode, given.stdout) == (0, "check [1] 1\n"), words(given)
    assert (join.returncode, join.stdout) == (0, "join ['x', 'y'] Spun/spin-1/join/spin\n"), words(join)
    assert missing.returncode == 1
    assert "has no artifact 'texts'" in words(missing)
    assert not folder.root.exists()


# SPEC 7.6-1
def test_a_task_that_failed_can_be_spun_with_what_it_had(folder):
    folder.file(FLOW.replace('"boom" in self.texts', "current.run_id == '1'"))
    assert folder.run().returncode == 1

    done = folder.call("flow.py", "spin", "1/check")

    assert (done.returncode, done.stdout) == (0, "check ['a', 'b', 'c'] 20000\n"), words(done)


# SPEC 7.6-1
def test_results_that_a_run_has_taken_over_are_inputs_too(folder):
    folder.file(FLOW)
    assert folder.run().returncode == 0
    assert folder.call("flow.py", "resume", "end").returncode == 0

    done = folder.call("flow.py", "spin", "2/join")

    assert done.stdout == "join ['a', 'b', 'c'] Spun/spin-1/join/spin\n", words(done)
