"""Of equal tasks at the same time one may run, and the others take its result; nobody sees half of one."""

import os
import signal
import subprocess
import sys

import pytest
from cached_flow import became, ran
from command_line import content, until, words

WAITING = """
import os, time
from stepwell import FlowSpec, cache, current, step

def hold():
    open("held", "w").close()
    while not os.path.exists("go"):
        time.sleep(0.01)

class F(FlowSpec):
    @step
    def start(self):
        self.items = [7, 7, 7]
        self.next(self.work, foreach="items"{tolerant})

    @cache(wait={wait})
    @step
    def work(self):
        {body}
        self.value = self.input
        self.next(self.join)

    @step
    def join(self, inputs):
        self.values = [one.value for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        print("values", self.values)

if __name__ == "__main__":
    F()
"""


@pytest.fixture
def waiting(folder):
    """Writes the flow."""

    def write(body="pass", wait=True, tolerant=""):
        text = WAITING.replace("{body}", body).replace("{wait}", str(wait)).replace("{tolerant}", tolerant)
        folder.file(text)
        return folder

    return write


def begun(folder, out):
    """Start a run whose events go to a file, in a process group of its own."""
    with open(folder.path / out, "wb") as file:
        return subprocess.Popen(
            [sys.executable, "flow.py", "run", "--json"],
            cwd=folder.path,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def waits(folder, out):
    """Whether a run has come to the tasks that wait: its first task is done."""
    return '"foreach_opened"' in content(folder.path / out)


def executed(folder, out):
    text = content(folder.path / out)
    done = subprocess.CompletedProcess(
        [], 0, "\n".join(line for line in text.splitlines() if line[:1] == "{")
    )
    return [task for task in became(done)["executed"] if task.startswith("work")]


# SPEC 7.5-6
def test_of_equal_tasks_in_a_run_one_runs_and_the_others_take_its_result(waiting):
    found = ran(waiting(), "--max-workers", "3")

    assert [task for task in found["executed"] if task.startswith("work")] == ["work/2"]
    assert found["cached"] == ["work/3", "work/4"]


def test_without_it_all_may_run_and_each_has_its_result(waiting):
    folder = waiting(wait=False)

    done = folder.run("--max-workers", "3")

    assert done.returncode == 0
    assert "values [7, 7, 7]" in words(done)


def test_tasks_that_wait_leave_the_slots_to_others(waiting):
    found = ran(waiting(), "--max-workers", "1")

    assert [task for task in found["executed"] if task.startswith("work")] == ["work/2"]
    assert found["cached"] == ["work/3", "work/4"]


def test_if_the_one_that_runs_fails_another_runs(waiting):
    body = 'assert current.task_id != "2"'
    folder = waiting(body, tolerant=", min_success=1")

    found = ran(folder, "--max-workers", "3")

    assert [task for task in found["executed"] if task.startswith("work")] == ["work/2", "work/3"]
    assert found["cached"] == ["work/4"]


def test_a_task_of_another_run_that_computes_it_is_waited_for(waiting):
    folder = waiting("hold()")
    first = begun(folder, "first")
    until(lambda: (folder.path / "held").exists(), "the first run computes it")
    second = begun(folder, "second")
    until(lambda: waits(folder, "second"), "the second run has come so far")

    (folder.path / "go").touch()

    assert first.wait(60) == second.wait(60) == 0
    assert len(executed(folder, "first")) == 1
    assert executed(folder, "second") == []


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_if_the_other_run_dies_the_task_is_run_here(waiting, end):
    folder = waiting("hold()")
    first = begun(folder, "first")
    until(lambda: (folder.path / "held").exists(), "the first run computes it")
    second = begun(folder, "second")
    until(lambda: waits(folder, "second"), "the second run has come so far")
    (folder.path / "held").unlink()

    os.kill(first.pid, end)

    first.wait(60)
    until(lambda: (folder.path / "held").exists(), "the second run computes it")
    (folder.path / "go").touch()
    assert second.wait(60) == 0
    assert len(executed(folder, "second")) == 1


def test_a_run_that_waits_can_be_interrupted(waiting):
    folder = waiting("hold()")
    first = begun(folder, "first")
    until(lambda: (folder.path / "held").exists(), "the first run computes it")
    second = begun(folder, "second")
    until(lambda: waits(folder, "second"), "the second run has come so far")

    os.kill(second.pid, signal.SIGINT)

    assert second.wait(30) == 130
    (folder.path / "go").touch()
    assert first.wait(60) == 0


@pytest.mark.slow
def test_runs_at_the_same_time_without_waiting_never_see_half_a_result(waiting):
    folder = waiting("self.big = os.urandom(300_000); self.again = self.big", wait=False)

    runs = [begun(folder, str(number)) for number in range(4)]

    assert [run.wait(120) for run in runs] == [0] * 4
    verified = folder.call("-m", "stepwell", "doctor", "--datastore")
    assert verified.returncode == 0, words(verified)


# SPEC 7.5-6
def test_of_equal_tasks_that_a_scheduler_starts_one_runs_and_the_other_waits(waiting):
    folder = waiting("hold()")
    assert folder.call("flow.py", "init", "--run-id", "r").returncode == 0
    order = ["flow.py", "step", "--run-id", "r", "--task-id"]
    first = folder.call(*order, "s", "start", "--input-paths", "r/_parameters/0")
    assert first.returncode == 0, words(first)

    def work(task, index):
        with open(folder.path / task, "wb") as file:
            args = [*order, task, "work", "--input-paths", "r/start/s", "--split-index", index]
            return subprocess.Popen([sys.executable, *args], cwd=folder.path, stdout=file, stderr=file)

    holder = work("a", "0")
    until((folder.path / "held").exists, "the first task computes it")
    waiter = work("b", "1")
    until(lambda: "waits for it" in content(folder.path / "b"), "the second task waits")
    (folder.path / "go").touch()

    assert (holder.wait(60), waiter.wait(60)) == (0, 0)
    assert "task r/work/b has the result of an equal task" in content(folder.path / "b")
