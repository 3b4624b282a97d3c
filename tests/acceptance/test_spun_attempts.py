"""More than one attempt of a spun step, and what is kept of what it prints."""

import pytest
from command_line import Folder, words

FLOW = """
import os
from stepwell import FlowSpec, retry, step

class Spun(FlowSpec):
    @step
    def start(self):
        print("starts", flush=True)
        if os.path.exists("kill"):
            os.kill(os.getpid(), 11)
        if os.path.exists("flood"):
            for number in range(20_000):
                print(f"line {number:06}")
        self.next(self.middle)

    @retry(times=2)
    @step
    def middle(self):
        print("in the middle", flush=True)
        if os.path.exists("fail"):
            raise ValueError("it went wrong")
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Spun()
"""


@pytest.fixture
def ran(folder) -> Folder:
    folder.file(FLOW)
    assert folder.run().returncode == 0
    return folder


# SPEC 7.6-3
def test_a_retry_given_with_the_command_makes_the_attempts_that_the_source_states(ran):
    (ran.path / "fail").touch()

    # As with `run`: a step that has a @retry of its own keeps it.
    done = ran.call("flow.py", "spin", "middle", "--with", "retry:times=7")

    assert done.returncode == 1 and done.stdout.count("in the middle") == 3
    assert "attempt 0 failed: ValueError: it went wrong; retry 1 of 2, at once" in done.stderr
    assert "attempt 1 failed: ValueError: it went wrong; retry 2 of 2, at once" in done.stderr
    assert "attempt 2 failed" not in done.stderr and "ignores" not in done.stderr
    assert "step middle failed after" in done.stderr


# SPEC 7.6-3
def test_a_retry_given_with_the_command_waits_as_it_says_and_ends_with_the_first_success(ran):
    (ran.path / "kill").touch()

    done = ran.call("flow.py", "spin", "start", "--with", "retry:times=2,delay=0.1")

    assert done.returncode == 1 and done.stdout.count("starts") == 3
    assert "(SIGSEGV)" in done.stderr and "retry 1 of 2, in 0.1 s" in done.stderr
    (ran.path / "kill").unlink()
    assert ran.call("flow.py", "spin", "start", "--with", "retry").stdout == "starts\n"


# SPEC 7.6-3
# SPEC 6.1-6
def test_a_catch_given_with_the_command_catches_also_a_task_that_was_killed(ran):
    (ran.path / "kill").touch()

    done = ran.call("flow.py", "spin", "start", "--with", "catch:var=problem")

    assert done.returncode == 0, words(done)
    assert done.stdout.count("starts") == 1
    assert "attempt 0 failed: Signal: " in done.stderr and "@catch takes over, at once" in done.stderr
    assert "step start succeeded" in done.stderr


# SPEC 9.3-3
# SPEC 8.1-4
def test_of_what_a_spun_step_prints_as_much_is_kept_as_is_asked_for(ran):
    (ran.path / "flood").touch()

    done = ran.call("flow.py", "spin", "start", "--persist", "--max-log-size", "0.05")

    assert done.returncode == 0 and done.stdout.count("line ") == 20_000
    ran.file(
        "from stepwell import Task, inspect_spin, namespace\nnamespace(None)\ninspect_spin('.')\n"
        f"print(Task({done.stderr.partition('Task(')[2].partition(')')[0]}).stdout)",
        "look.py",
    )
    kept = ran.call("look.py")
    assert kept.returncode == 0, words(kept)
    assert "line 000000" in kept.stdout and "line 019999" in kept.stdout
    assert len(kept.stdout) < 80_000 and "bytes are missing here" in kept.stdout


# SPEC 7.6-3
@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_a_decorator_given_with_the_command_is_for_the_spun_step_alone(folder, isolation):
    # On `start`, which opens a foreach, it would be refused.
    folder.file(FLOW.replace("self.next(self.middle)", "self.next(self.middle, foreach=[1])").replace(
        "self.next(self.end)", "self.next(self.join)\n\n    @step\n    def join(self, inputs):\n"
        "        self.next(self.end)"
    ))  # fmt: skip
    assert folder.run().returncode == 0
    (folder.path / "fail").touch()

    done = folder.call("flow.py", "spin", "middle", "--with", "catch", "--isolation", isolation)
    refused = folder.call("flow.py", "spin", "start", "--with", "catch")

    assert done.returncode == 0, words(done)
    assert done.stdout.count("in the middle") == 1
    assert refused.returncode == 2 and "@catch cannot stand on step 'start'" in refused.stderr
