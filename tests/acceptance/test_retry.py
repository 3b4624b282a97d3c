"""Failed tasks are tried again: how often, when, after what, and what is kept of each attempt."""

import os

import pytest
from command_line import words
from isolations import forked_and_spawned
from stored_runs import begun, events_of, of_kind, stored_run, stored_task

HEAD = """
import ctypes, os, signal, sys, time
from datetime import timedelta
from stepwell import FlowSpec, Parameter, catch, current, retry, step, timeout
"""

TRIED = (
    HEAD
    + """
class Odd(Exception):
    pass

class Odder(Odd):
    pass

class F(FlowSpec):
    {decorators}
    @step
    def start(self):
        self.attempts = current.retry_count
        print("this is attempt", self.attempts)
        if self.attempts < {failures}:
            {failure}
        self.next(self.end)

    {end_decorators}
    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""
)

WIDE = (
    HEAD
    + """
class F(FlowSpec):
    @step
    def start(self):
        self.items = list(range(6))
        self.next(self.work, foreach="items")

    @retry(times=1, delay=1)
    @step
    def work(self):
        if current.retry_count == 0:
            raise ValueError("the first attempt")
        self.next(self.join)

    @step
    def join(self, inputs):
        self.items = [one.input for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""
)


def tried(decorators="", failures=1, failure="raise ValueError('no')", end_decorators=""):
    return TRIED.format(
        decorators=decorators, failures=failures, failure=failure, end_decorators=end_decorators
    )


def attempts(done):
    """How often the step ``start`` was begun."""
    return sum(step == "start" for step, _, _ in begun(events_of(done)))


WAYS = {
    "exception": "raise ValueError('no')",
    "signal": "os.kill(os.getpid(), signal.SIGTERM)",
    "kill": "os.kill(os.getpid(), signal.SIGKILL)",
    "segfault": "ctypes.string_at(0)",
    "exit": "os._exit(3)",
    "exit 0": "os._exit(0)",
    "sys.exit": "sys.exit(4)",
    "memory": "bytes(1 << 60)",
    "interrupt": "raise KeyboardInterrupt",
    "203": "sys.exit(203)",
    "unstorable": "self.held = open(os.devnull)",
    "no next": "return",
}


# SPEC 6.1-1
@pytest.mark.parametrize(
    ("failure", "isolation"), forked_and_spawned(WAYS, "exception", "kill", "exit 0", "interrupt", "203")
)
def test_a_task_is_tried_again_whatever_made_it_fail(folder, failure, isolation):
    folder.file(tried("@retry(times=2, delay=0)", 2, failure))

    done = folder.run("--isolation", isolation)

    assert done.returncode == 0, words(done)
    task = stored_run(folder)["start"].task
    assert task["attempts"].data == 2
    assert task.current_attempt == 2


# SPEC 6.1-1
def test_inline_tasks_are_tried_again_too(folder):
    folder.file(tried("@retry(times=2, delay=0.1)", 2))

    done = folder.run("--isolation", "inline")

    assert done.returncode == 0, words(done)
    assert stored_run(folder)["start"].task["attempts"].data == 2


# SPEC 6.1-1
@pytest.mark.parametrize(
    ("times", "options", "variables", "started"),
    [
        ("@retry(times=2, delay=0)", [], {}, 3),
        ("@retry(times=0)", ["--with", "retry:times=2,delay=0"], {}, 1),
        ("", ["--with", "retry:times=2,delay=0"], {}, 3),
        ("", [], {"STEPWELL_DEFAULT_DECOSPECS": "retry:times=1,delay=0"}, 2),
        ("", ["--with", "retry:times=2"], {"STEPWELL_DEFAULT_DECOSPECS": "retry:times=5"}, 3),
        ("@retry", [], {}, 4),
        ("", [], {}, 1),
    ],
    ids=["source", "opted out", "with", "variable", "both", "default", "none"],
)
def test_the_most_attempts_are_those_that_are_asked_for(folder, times, options, variables, started):
    folder.file(tried(times, failures=99))

    done = folder.run("--json", *options, env={**os.environ, **variables})

    assert done.returncode == 1
    assert attempts(done) == started
    assert folder.states() == ["failed"]


# SPEC 6.1-2
def test_there_may_be_many_attempts(folder):
    folder.file(tried("@retry(times=100)", failures=100))

    done = folder.run("--json")

    assert done.returncode == 0
    assert attempts(done) == 101


# SPEC 6.1-4
@pytest.mark.parametrize("isolation", ["fork", "spawn", "inline"])
def test_a_step_that_exits_with_202_is_not_tried_again(folder, isolation):
    folder.file(tried("@retry(times=3)", failures=99, failure="sys.exit(202)"))

    done = folder.run("--json", "--isolation", isolation)

    assert done.returncode == 1
    assert attempts(done) == 1


# SPEC 6.1-4
def test_a_process_that_ends_with_202_is_not_tried_again(folder):
    folder.file(tried("@retry(times=3)", failures=99, failure="os._exit(202)"))

    done = folder.run("--json")

    assert done.returncode == 1
    assert attempts(done) == 1


# SPEC 6.1-4
@pytest.mark.parametrize("failure", ["sys.exit(203)", "os._exit(203)"])
def test_a_step_that_exits_with_203_is_tried_as_often_as_it_may(folder, failure):
    folder.file(tried("@retry(times=2)", failures=99, failure=failure))

    done = folder.run("--json")

    assert done.returncode == 1
    assert attempts(done) == 3


# SPEC 6.1-3
@pytest.mark.parametrize(
    ("which", "failure", "again"),
    [
        ("on=Odd", "raise Odder()", True),
        ("on=(ValueError, Odd)", "raise Odd()", True),
        ("on='__main__.Odd'", "raise Odder()", True),
        ("on='flow.Odd'", "raise Odder()", False),
        ("on='ValueError'", "raise Odd()", False),
        ("on=OSError", "open('/nowhere/at/all')", True),
        ("on='builtins.OSError'", "open('/nowhere/at/all')", True),
        ("never_on=Odd", "raise Odder()", False),
        ("never_on=Odder", "raise Odd()", True),
        ("on=Exception, never_on=Odd", "raise Odder()", False),
        ("on='Signal'", "os.kill(os.getpid(), 9)", True),
        ("never_on='Signal'", "os.kill(os.getpid(), 9)", False),
        ("on='Exit'", "os._exit(7)", True),
        ("on='OutOfMemory'", "os._exit(7)", False),
        ("on='Signal'", "raise Odd()", False),
    ],
)
def test_what_is_tried_again_can_be_chosen_by_what_failed(folder, which, failure, again):
    folder.file(tried(f"@retry(times=1, delay=0, {which})", 1, failure))

    done = folder.run("--json")

    assert done.returncode == (0 if again else 1), done.stdout
    assert attempts(done) == (2 if again else 1)


# SPEC 6.1-3
def test_a_failure_that_is_not_for_retry_says_so(folder):
    folder.file(tried("@retry(times=3, never_on=ValueError)"))

    done = folder.run("--json")

    (ended,) = of_kind(events_of(done), "task_ended")
    assert ended["state"] == "failed" and ended["retry_at"] is None


# SPEC 6.1-2
# SPEC 6.1-3
@pytest.mark.parametrize(
    ("times", "waits"),
    [
        ("times=2", [0, 0]),
        ("times=1, minutes_between_retries=0.005", [0.3]),
        ("times=1, delay=timedelta(milliseconds=200)", [0.2]),
        ("times=3, delay=0.1, backoff=2", [0.1, 0.2, 0.4]),
        ("times=3, delay=0.1, backoff=10, max_delay=0.3", [0.1, 0.3, 0.3]),
    ],
)
def test_the_wait_before_each_attempt_is_kept_and_told(folder, times, waits):
    folder.file(tried(f"@retry({times})", len(waits)))

    done = folder.run("--json")

    events = events_of(done)
    ended = [event for event in of_kind(events, "task_ended") if event["state"] == "retrying"]
    started = [e["at"] for e in of_kind(events, "task_started") if e["key"][2] == "start"][1:]
    assert done.returncode == 0
    assert [event["retry_at"] - event["at"] for event in ended] == pytest.approx(waits)
    assert all(at >= event["retry_at"] - 0.001 for at, event in zip(started, ended, strict=True))


# SPEC 6.1-3
def test_a_jitter_lengthens_the_wait(folder):
    folder.file(tried("@retry(times=1, delay=0.2, jitter=0.5)"))

    done = folder.run("--json")

    (ended,) = [e for e in of_kind(events_of(done), "task_ended") if e["state"] == "retrying"]
    assert 0.2 <= ended["retry_at"] - ended["at"] <= 0.3


# SPEC 6.1-3
def test_the_next_start_is_shown_while_the_task_waits(folder):
    folder.file(tried("@retry(times=2, delay=0.2)", 2))

    done = folder.run()

    assert "task failed" in done.stdout
    assert "retry 1 of 2, at " in done.stdout and "(in 0.20 s)" in done.stdout
    assert "task started (attempt 2)" in done.stdout


# SPEC 6.1-2
# SPEC 7.1-10
def test_tasks_that_wait_for_a_retry_take_no_worker(folder):
    folder.file(WIDE)

    done = folder.run("--json", "--max-workers", "1")

    assert done.returncode == 0, done.stdout
    order = [(path[0], attempt) for step, path, attempt in begun(events_of(done)) if step == "work"]
    assert order == [(index, 0) for index in range(6)] + [(index, 1) for index in range(6)]
    assert stored_run(folder)["join"].task["items"].data == list(range(6))


# SPEC 6.1-1
def test_artifacts_of_a_failed_attempt_do_not_reach_the_next_one(folder):
    folder.file(
        tried("@retry(times=1)", failure="self.left = 1; raise ValueError").replace(
            "self.next(self.end)", "self.seen = hasattr(self, 'left'); self.next(self.end)"
        )
    )

    done = folder.run()

    assert done.returncode == 0, words(done)
    task = stored_run(folder)["start"].task
    assert task["seen"].data is False and "left" not in task


# SPEC 8.1-5
# SPEC 6.1-1
def test_the_log_of_each_attempt_stays_readable_by_its_number(folder):
    folder.file(tried("@retry(times=2)", 2))
    assert folder.run().returncode == 0

    said = [folder.call("flow.py", "logs", "1/start/1", "--attempt", str(n)).stdout for n in range(3)]

    assert [text.splitlines()[0] for text in said] == [f"this is attempt {n}" for n in range(3)]
    assert "ValueError: no" in said[0] and "ValueError: no" in said[1]
    assert folder.call("flow.py", "logs", "1/start").stdout == said[2] == "this is attempt 2\n"
    assert stored_task(folder, "1/start/1", 1).stdout == "this is attempt 1\n"


# SPEC 8.1-5
def test_an_attempt_that_there_was_not_is_refused_with_those_there_were(folder):
    folder.file(tried("@retry(times=1)"))
    assert folder.run().returncode == 0

    done = folder.call("flow.py", "logs", "1/start/1", "--attempt", "7")

    assert done.returncode == 2, words(done)
    assert "no attempt 7" in done.stderr and "0 to 1" in done.stderr
