"""Attempts that take longer than their @timeout are ended, whatever they are doing."""

import os
import re

import pytest
from command_line import nothing_left, words
from stored_runs import begun, events_of, of_kind, stored_run, stored_task

FLOW = """
import asyncio, ctypes, os, signal, subprocess, sys, threading, time
from stepwell import FlowSpec, catch, current, retry, step, timeout

def deep():
    time.sleep(60)

def swallow():
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            time.sleep(1)
        except BaseException:
            pass

def busy():
    while True:
        pass

class F(FlowSpec):
    {decorators}
    @step
    def start(self):
        self.deadline = current.attempt_deadline
        self.began = time.time()
        {body}
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""

SHORT = "@timeout(seconds=0.3)"


def timed(body, decorators=SHORT):
    return FLOW.format(body=body, decorators=decorators)


# SPEC 6.1-9
# SPEC 6.1-10
@pytest.mark.parametrize(
    "body",
    [
        "time.sleep(60)",
        "deep()",
        "busy()",
        "sys.stdin.read() or os.read(os.pipe()[0], 1)",
        "subprocess.run(['sleep', '60'])",
        "threading.Lock().acquire() and threading.Event().wait()",
        "asyncio.run(asyncio.sleep(60))",
        "signal.alarm(600); time.sleep(60)",
    ],
)
def test_a_step_that_takes_too_long_gets_an_exception_where_it_is(folder, mark, body):
    folder.file(timed(body))

    done = folder.run()

    assert done.returncode == 1, words(done)
    assert "TimeoutException" in words(done) and "0.3 s" in words(done)
    task = stored_run(folder)["start"].task
    assert task.exception.type.endswith("TimeoutException")
    nothing_left(mark)


# SPEC 6.1-10
@pytest.mark.parametrize("isolation", ["fork", "spawn", "inline"])
def test_the_exception_has_the_place_that_was_reached(folder, isolation):
    folder.file(timed("deep()"))

    done = folder.run("--isolation", isolation)

    assert done.returncode == 1, words(done)
    log = stored_run(folder)["start"].task.stderr
    assert re.search(r'File ".*flow.py", line \d+, in deep\n +time.sleep\(60\)', log)


# SPEC 6.1-10
@pytest.mark.parametrize(
    "body",
    [
        "ctypes.PyDLL(None).sleep(60)",
        "swallow()",
        "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65)); ctypes.CDLL(None).sleep(60)",
        "os.kill(os.getpid(), signal.SIGSTOP)",
    ],
    ids=["native code", "swallows", "blocks signals", "stopped"],
)
@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_a_step_that_cannot_be_interrupted_is_ended_by_the_engine(folder, mark, body, isolation):
    folder.file(timed(body, "@timeout(seconds=0.3, grace=0.3)"))

    done = folder.run("--isolation", isolation, "--kill-grace", "0.3")

    assert done.returncode == 1, words(done)
    assert "Timeout: The task did not end at its time limit" in words(done)
    assert "time limit" in str(stored_run(folder)["start"].task.exception)
    nothing_left(mark)


# SPEC 6.1-10
def test_the_user_s_own_alarm_works_beside_a_timeout(folder):
    body = (
        "def rung(*_): self.rung = True\n"
        "        signal.signal(signal.SIGALRM, rung); signal.setitimer(signal.ITIMER_REAL, 0.05)\n"
        "        until = time.monotonic() + 30\n"
        "        while not hasattr(self, 'rung') and time.monotonic() < until: time.sleep(0.01)"
    )
    folder.file(timed(body, "@timeout(seconds=30)"))

    done = folder.run()

    assert done.returncode == 0, words(done)
    assert stored_run(folder).data.rung is True


# SPEC 6.1-9
def test_the_values_add_up_and_the_deadline_is_known_to_the_step(folder):
    folder.file(timed("pass", "@timeout(seconds=1, minutes=2, hours=1)"))

    done = folder.run()

    assert done.returncode == 0, words(done)
    end = stored_run(folder).data
    assert end.deadline - end.began == pytest.approx(3721, abs=1)


# SPEC 6.1-10
def test_without_a_timeout_there_is_no_deadline(folder):
    folder.file(timed("pass", ""))

    assert folder.run().returncode == 0
    assert stored_run(folder).data.deadline is None


# SPEC 6.1-9
def test_the_limit_holds_for_each_attempt_anew(folder):
    body = "time.sleep(60 if current.retry_count == 0 else 0)"
    folder.file(timed(body, "@retry(times=1)\n    " + SHORT))

    done = folder.run("--json")

    assert done.returncode == 0, done.stdout
    assert len([name for name, _, _ in begun(events_of(done)) if name == "start"]) == 2
    assert stored_task(folder, "1/start/1", 0).exception.type.endswith("TimeoutException")


# SPEC 6.1-11
@pytest.mark.parametrize(
    ("body", "kind"),
    [("time.sleep(60)", "TimeoutException"), ("ctypes.PyDLL(None).sleep(60)", "FailureHandledByCatch")],
    ids=["exception", "native code"],
)
def test_a_timeout_is_tried_again_first_and_caught_last(folder, body, kind):
    decorators = (
        '@catch(var="failure")\n    @retry(times=1, on="Timeout")\n    @timeout(seconds=0.2, grace=0.2)'
    )
    folder.file(timed(body, decorators))

    done = folder.run("--json", "--kill-grace", "0.2")

    assert done.returncode == 0, done.stdout
    ends = [e for e in of_kind(events_of(done), "task_ended") if e["key"][2] == "start"]
    assert ends[0]["state"] == "retrying" and ends[-1]["state"] == "succeeded"
    assert [end["attempt"] for end in ends] == list(range(2 if kind == "TimeoutException" else 3))
    assert stored_run(folder)["start"].task["failure"].data.type.endswith(kind)


# SPEC 6.1-11
def test_a_timeout_can_be_kept_from_being_tried_again(folder):
    folder.file(timed("time.sleep(60)", "@retry(times=3, never_on='Timeout')\n    " + SHORT))

    done = folder.run("--json")

    assert done.returncode == 1
    assert len(begun(events_of(done))) == 1


# SPEC 6.1-9
@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("@timeout", "states no time"),
        ("@timeout(seconds=0, minutes=0)", "states no time"),
        ("@timeout(seconds=-5)", "negative"),
        ("@timeout(seconds='soon')", "number"),
        ("@timeout(second=5)", "Did you mean `seconds`"),
    ],
)
def test_wrong_limits_are_refused_before_anything_runs(folder, spec, said):
    folder.file(timed("pass", spec))

    done = folder.run()

    assert done.returncode == 2, words(done)
    assert "@timeout" in done.stderr and said in done.stderr
    assert not folder.root.exists()


# SPEC 6.1-9
@pytest.mark.parametrize("way", ["with", "variable"])
def test_a_limit_can_be_set_for_all_steps_from_outside(folder, way):
    folder.file(timed("time.sleep(60)", ""))
    options = ["--with", "timeout:seconds=0.3"] if way == "with" else []
    variables = {"STEPWELL_DEFAULT_DECOSPECS": "timeout:seconds=0.3"} if way == "variable" else {}

    done = folder.run(*options, env={**os.environ, **variables})

    assert done.returncode == 1, words(done)
    assert "TimeoutException" in words(done)
