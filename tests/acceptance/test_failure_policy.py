"""What happens to the rest of a run when a task has failed for good."""

import pytest
from command_line import nothing_left, until, words
from stored_runs import begun, events_of, states_of, stored_run

HEAD = """
import os, signal, subprocess, sys, time
from stepwell import FlowSpec, catch, current, retry, step

def throw(error):
    raise error

def wait_for(name):
    until = time.monotonic() + 60
    while not os.path.exists(name):
        assert time.monotonic() < until
        time.sleep(0.01)
"""

EACH = (
    HEAD
    + """
class F(FlowSpec):
    @step
    def start(self):
        self.items = list(range(8))
        self.next(self.work, foreach="items")

    @step
    def work(self):
        self.number = self.input
        {body}
        self.next(self.more)

    @step
    def more(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.numbers = [one.number for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""
)

BRANCHES = (
    HEAD
    + """
class F(FlowSpec):
    @step
    def start(self):
        self.next(self.bad, self.good, self.worse)

    @step
    def bad(self):
        throw(ValueError("bad it is"))
        self.next(self.after_bad)

    @step
    def after_bad(self):
        self.next(self.join)

    @step
    def good(self):
        self.items = [1, 2, 3]
        self.next(self.each, foreach="items")

    @step
    def each(self):
        if self.input == 2:
            raise OSError("two it is")
        self.next(self.each_join)

    @step
    def each_join(self, inputs):
        self.next(self.after_good)

    @step
    def after_good(self):
        self.next(self.join)

    @step
    def worse(self):
        self.next(self.after_worse)

    @step
    def after_worse(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""
)


def each(body):
    return EACH.format(body=body)


# SPEC 7.2-1
# SPEC 7.2-2
@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_after_a_failure_nothing_is_launched_and_what_runs_may_finish(folder, isolation):
    folder.file(
        each(
            "if self.input == 0: wait_for('two runs'); raise ValueError('zero it is')\n"
            "        if self.input == 1: open('two runs', 'w').close(); wait_for('failed')"
        )
    )
    process = folder.begin("--max-workers", "2", "--json", "--isolation", isolation)
    out = folder.path / "out.txt"
    until(lambda: '"state":"failed"' in out.read_text(), "the first task has failed")

    (folder.path / "failed").touch()

    assert process.wait(60) == 1
    started = out.read_text().count('"event":"task_started"')
    assert started == 1 + 2  # the engine had been given more
    assert folder.states() == ["failed"]
    states = states_of(stored_run(folder))
    assert states["work"][:2] == ["failed", "succeeded"]
    assert set(states) == {"start", "work"}


# SPEC 7.2-2
@pytest.mark.parametrize("command", ["continue", "resume"])
def test_what_finished_while_the_run_drained_is_reused(folder, command):
    folder.file(
        each(
            "if self.input == 0 and not os.path.exists('mended'):\n"
            "            wait_for('two runs'); raise ValueError('zero it is')\n"
            "        if self.input == 1: open('two runs', 'w').close(); wait_for('failed')"
        )
    )
    process = folder.begin("--max-workers", "2", "--json")
    until(lambda: '"state":"failed"' in (folder.path / "out.txt").read_text(), "the first task has failed")
    for name in ("failed", "mended"):
        (folder.path / name).touch()
    assert process.wait(60) == 1

    done = folder.call("flow.py", command, "--json")

    assert done.returncode == 0, done.stdout
    executed = [path[0] for step, path, _ in begun(events_of(done)) if step == "work"]
    assert 1 not in executed and 0 in executed
    assert stored_run(folder, "1" if command == "continue" else "2").successful


# SPEC 7.2-1
@pytest.mark.parametrize(
    ("drain", "body"),
    [
        ("0", "time.sleep(600)"),
        ("0.2", "time.sleep(600)"),
        ("0", "subprocess.Popen(['sleep', '600']); time.sleep(600)"),
        ("0", "signal.signal(signal.SIGTERM, signal.SIG_IGN); open('deaf', 'w').close(); time.sleep(600)"),
    ],
    ids=["no drain", "drain", "children", "deaf"],
)
def test_what_does_not_finish_in_time_is_ended_with_its_children(folder, mark, drain, body):
    ready = "deaf" if "deaf" in body else "two runs"
    folder.file(
        each(
            f"if self.input == 0: wait_for({ready!r}); raise ValueError('zero it is')\n"
            f"        open('two runs', 'w').close(); {body}"
        )
    )

    done = folder.run("--max-workers", "2", "--drain", drain, "--kill-grace", "0.3")

    assert done.returncode == 1, words(done)
    assert "run failed" in words(done) and "zero it is" in words(done)
    assert folder.states() == ["failed"]
    assert states_of(stored_run(folder))["work"][:2] == ["failed", "killed"]
    nothing_left(mark)


# SPEC 7.2-1
def test_a_task_that_waits_for_its_retry_is_not_tried_again_in_a_run_that_has_failed(folder):
    folder.file(
        each(
            "if self.input == 0: wait_for('waits'); raise ValueError('zero it is')\n"
            "        if self.input == 1: raise OSError('one it is')"
        ).replace("@step\n    def work", "@retry(times=2, delay=600, on=OSError)\n    @step\n    def work")
    )
    process = folder.begin("--max-workers", "2", "--json")
    out = folder.path / "out.txt"
    until(lambda: '"state":"retrying"' in out.read_text(), "the second task waits")

    (folder.path / "waits").touch()

    assert process.wait(60) == 1
    assert states_of(stored_run(folder))["work"][:2] == ["failed", "killed"]


# SPEC 7.2-3
@pytest.mark.parametrize("isolation", ["fork", "inline"])
def test_keep_going_executes_all_that_does_not_depend_on_the_failure(folder, isolation):
    folder.file(BRANCHES)

    done = folder.run("--keep-going", "--isolation", isolation)

    assert done.returncode == 1, words(done)
    states = states_of(stored_run(folder))
    assert states["bad"] == ["failed"] and states["after_worse"] == ["succeeded"]
    assert states["each"] == ["succeeded", "failed", "succeeded"]
    assert not {"after_bad", "each_join", "after_good", "join", "end"} & set(states)
    assert folder.states() == ["failed"]


# SPEC 7.2-3
def test_keep_going_lists_the_failures_and_the_steps_that_never_ran_because_of_each(folder):
    folder.file(BRANCHES)

    done = folder.run("--keep-going", "--max-workers", "1")

    said = words(done)
    assert "bad it is" in said and "two it is" in said
    reason = folder.call("flow.py", "show", "1").stdout
    assert "1/bad/2" in reason and "each/" in reason
    assert "because of bad never ran: after_bad, join, end" in reason
    assert "because of each never ran: each_join, after_good, join, end" in reason


# SPEC 7.2-3
def test_continue_after_keep_going_executes_only_what_failed_and_what_depends_on_it(folder):
    folder.file(BRANCHES)
    assert folder.run("--keep-going").returncode == 1
    folder.file(BRANCHES.replace("throw(ValueError", "str(str").replace("raise OSError", "str"))

    done = folder.call("flow.py", "continue", "--json")

    assert done.returncode == 0, done.stdout
    executed = {(name, tuple(path)) for name, path, _ in begun(events_of(done))}
    steps = {"bad", "after_bad", "each_join", "after_good", "join", "end"}
    assert executed == {(name, ()) for name in steps} | {("each", (1,))}


# SPEC 7.2-1
def test_the_next_commands_after_a_failure_are_said(folder):
    folder.file(each("if self.input == 0: raise ValueError('zero it is')"))

    done = folder.run()

    assert "python flow.py continue" in done.stderr
    assert "python flow.py logs 1/work/" in done.stderr


# SPEC 7.2-1
def test_tasks_that_fail_while_the_run_drains_are_told_too(folder):
    folder.file(
        each(
            "if self.input == 0: wait_for('two runs'); raise ValueError('zero it is')\n"
            "        if self.input == 1: open('two runs', 'w').close(); wait_for('failed')\n"
            "        if self.input == 1: throw(OSError('one'))"
        )
    )
    process = folder.begin("--max-workers", "2", "--json")
    out = folder.path / "out.txt"
    until(lambda: '"state":"failed"' in out.read_text(), "the first task has failed")

    (folder.path / "failed").touch()

    assert process.wait(60) == 1
    ends = [line for line in out.read_text().splitlines() if '"state":"failed"' in line]
    assert len(ends) == 3  # two tasks and the run
    assert "zero it is" in ends[-1]
