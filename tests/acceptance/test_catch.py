"""A run goes on after a task that failed for good, if the step has @catch."""

import os
import re
from pathlib import Path

import pytest
from command_line import nothing_left, until, words
from isolations import forked_and_spawned
from stored_runs import begun, events_of, stored_run, stored_task, values_of

HEAD = """
import ctypes, os, signal, sys, time
from stepwell import FlowSpec, Parameter, catch, current, retry, step, timeout

def throw(error):
    raise error
"""

CAUGHT = (
    HEAD
    + """
class F(FlowSpec):
    @step
    def start(self):
        self.before = 1
        self.next(self.work)

    {decorators}
    @step
    def work(self):
        self.own = current.retry_count
        {body}
        self.after = 1
        self.next(self.end)

    @step
    def end(self):
        self.seen = self.failure
        self.has_after = hasattr(self, "after")

if __name__ == "__main__":
    F()
"""
)

EACH = (
    HEAD
    + """
class F(FlowSpec):
    @step
    def start(self):
        self.items = ["good", "bad", "killed"]
        self.next(self.work, foreach="items")

    @catch(var="failure")
    @step
    def work(self):
        self.word = self.input
        if self.input == "bad":
            raise ValueError("bad it is")
        if self.input == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        self.next(self.more)

    @step
    def more(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.names = [getattr(one, "word", None) for one in inputs]
        self.failures = [one.failure and one.failure.type for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""
)

SPLIT = (
    HEAD
    + """
class F(FlowSpec):
    @catch(var="failure")
    @step
    def start(self):
        {body}
        self.next(self.left, self.right)

    @catch(var="failure")
    @step
    def left(self):
        self.next(self.join)

    @step
    def right(self):
        self.next(self.join)

    @catch(var="broken")
    @step
    def join(self, inputs):
        self.merge_artifacts(inputs, include=["failure"])
        if self.failure is not None:
            raise OSError("in the join")
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""
)


def caught(body, decorators='@catch(var="failure")'):
    return CAUGHT.format(body=body, decorators=decorators)


# SPEC 6.1-5
@pytest.mark.parametrize("isolation", ["fork", "spawn", "inline"])
def test_a_caught_exception_lets_the_run_go_on_with_what_was_set_before_it(folder, isolation):
    folder.file(caught("throw(ValueError('odd'))"))

    done = folder.run("--isolation", isolation)

    assert done.returncode == 0, words(done)
    end = stored_run(folder).data
    assert end.seen.exception == "odd" and end.seen.type.endswith("ValueError")
    assert "throw(ValueError('odd'))" in end.seen.stacktrace
    assert end.own == 0 and end.before == 1 and end.has_after is False
    assert stored_run(folder)["work"].task.status == "succeeded"


# SPEC 6.1-5
def test_a_step_that_went_well_has_none_in_the_place_of_a_failure(folder):
    folder.file(caught("pass"))

    done = folder.run()

    assert done.returncode == 0, words(done)
    assert stored_run(folder).data.seen is None and stored_run(folder).data.has_after is True


# SPEC 6.1-5
@pytest.mark.parametrize("shown", [True, False])
def test_the_log_has_the_traceback_of_a_caught_exception_unless_it_is_not_wanted(folder, shown):
    folder.file(caught("throw(ValueError('odd'))", f"@catch(var='failure', print_exception={shown})"))

    done = folder.run()

    assert done.returncode == 0, words(done)
    assert ("ValueError: odd" in stored_run(folder)["work"].task.stderr) is shown
    assert "caught ValueError: odd" in done.stdout


# SPEC 6.1-5
def test_catch_without_a_variable_keeps_no_artifact_of_it(folder):
    folder.file(caught("throw(ValueError())", "@catch").replace("self.failure", "'failure' in self"))

    done = folder.run()

    assert done.returncode == 0, words(done)
    assert "failure" not in stored_run(folder)["work"].task


# SPEC 6.1-5
@pytest.mark.parametrize(
    "body",
    ["sys.exit(3)", "self.lock = open(os.devnull)", "if self.own == 0: return"],
    ids=["exit", "unstorable", "no transition"],
)
def test_what_the_step_itself_does_wrong_is_caught_too(folder, body):
    folder.file(caught(body))

    done = folder.run()

    assert done.returncode == 0, words(done)
    assert stored_run(folder).data.seen is not None
    assert stored_run(folder).data.own == 0


# SPEC 6.1-5
def test_what_cannot_be_stored_is_left_out_and_the_rest_is_kept(folder):
    folder.file(caught("self.lock = open(os.devnull); throw(ValueError('odd'))"))

    done = folder.run()

    assert done.returncode == 0, words(done)
    assert stored_run(folder).data.own == 0
    assert "lock" not in stored_run(folder)["work"].task
    assert "`self.lock`" in stored_run(folder)["work"].task.stderr or "lock" in done.stdout


DEATHS = {
    "kill": ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
    "term": ("os.kill(os.getpid(), signal.SIGTERM)", "SIGTERM"),
    "segfault": ("ctypes.string_at(0)", "SIGSEGV"),
    "exit 7": ("os._exit(7)", "exit code 7"),
    "exit 0": ("os._exit(0)", "exit code 0"),
}


# SPEC 6.1-6
@pytest.mark.parametrize(("body", "cause", "isolation"), forked_and_spawned(DEATHS, "segfault", "exit 0"))
def test_a_process_that_dies_is_caught_by_an_attempt_without_code_of_the_user(folder, body, cause, isolation):
    folder.file(caught(f"print('it runs'); {body}"))

    done = folder.run("--json", "--isolation", isolation)

    assert done.returncode == 0, done.stdout
    failure = stored_run(folder).data.seen
    assert "FailureHandledByCatch" in failure.type and cause in str(failure)
    assert [attempt for name, _, attempt in begun(events_of(done)) if name == "work"] == [0, 1]
    assert done.stdout.count("it runs") == 1
    task = stored_run(folder)["work"].task
    assert task.stdout == "" and "own" not in task and task.current_attempt == 1
    assert cause in str(stored_task(folder, f"1/work/{task.id}", 0).exception)


# SPEC 6.1-6
def test_a_task_out_of_memory_is_caught_as_such(folder):
    group = Path(f"/sys/fs/cgroup/memory/stepwell-catch-{os.getpid()}")
    limit = "memory.limit_in_bytes"
    if not group.parent.is_dir():
        group = Path(f"/sys/fs/cgroup/stepwell-catch-{os.getpid()}")
        limit = "memory.max"
    try:
        group.mkdir()
        (group / limit).write_text(str(96 << 20))
    except OSError:
        if group.is_dir():
            group.rmdir()
        pytest.skip("no control group can be made here")
    try:
        body = f"open('{group}/cgroup.procs', 'w').write(str(os.getpid())); self.much = b'1' * (400 << 20)"
        folder.file(caught(body))

        done = folder.run()

        assert done.returncode == 0, words(done)
        assert re.search("memory|SIGKILL", str(stored_run(folder).data.seen))
    finally:
        until(lambda: not (group / "cgroup.procs").read_text(), "the group is empty")
        group.rmdir()


# SPEC 6.1-11
@pytest.mark.parametrize(
    ("body", "attempts"),
    [("throw(ValueError(self.own))", [0, 1, 2]), ("os.kill(os.getpid(), 9)", [0, 1, 2, 3])],
    ids=["exception", "kill"],
)
def test_a_failure_is_tried_again_first_and_caught_last(folder, body, attempts):
    folder.file(caught(body, '@catch(var="failure")\n    @retry(times=2, delay=0)'))

    done = folder.run("--json")

    assert done.returncode == 0, done.stdout
    assert [attempt for name, _, attempt in begun(events_of(done)) if name == "work"] == attempts
    assert stored_run(folder).data.seen is not None


# SPEC 6.1-11
def test_a_retry_that_succeeds_leaves_nothing_to_catch(folder):
    body = "if self.own < 2: throw(ValueError(self.own))"
    folder.file(caught(body, '@retry(times=2, delay=0)\n    @catch(var="failure")'))

    done = folder.run()

    assert done.returncode == 0, words(done)
    assert stored_run(folder).data.seen is None and stored_run(folder).data.own == 2


# SPEC 6.1-11
# SPEC 6.1-3
@pytest.mark.parametrize(
    ("body", "cause"), [("throw(ValueError('odd'))", "odd"), ("os.kill(os.getpid(), 9)", "SIGKILL")]
)
def test_what_is_never_tried_again_is_caught_at_once(folder, body, cause):
    decorators = '@catch(var="failure")\n    @retry(times=5, never_on=(ValueError, "Signal"))'
    folder.file(caught(body, decorators))

    done = folder.run("--json")

    assert done.returncode == 0, done.stdout
    tried = [attempt for name, _, attempt in begun(events_of(done)) if name == "work"]
    assert tried == ([0] if "throw" in body else [0, 1])
    assert cause in str(stored_run(folder).data.seen)


# SPEC 6.1-4
# SPEC 6.1-5
@pytest.mark.parametrize("exit", ["sys.exit(202)", "os._exit(202)"])
def test_a_step_that_asks_for_no_retry_is_caught_at_once(folder, exit):
    folder.file(caught(exit, '@catch(var="failure")\n    @retry(times=5)'))

    done = folder.run("--json")

    assert done.returncode == 0, done.stdout
    assert len([name for name, _, _ in begun(events_of(done)) if name == "work"]) <= 2
    assert stored_run(folder).data.seen is not None


# SPEC 6.1-5
# SPEC 6.1-6
def test_tasks_of_a_foreach_are_caught_one_by_one(folder):
    folder.file(EACH)

    done = folder.run()

    assert done.returncode == 0, words(done)
    join = stored_run(folder)["join"].task.data
    assert join.names == ["good", "bad", None]
    assert [(name or "").rpartition(".")[2] for name in join.failures] == [
        "",
        "ValueError",
        "FailureHandledByCatch",
    ]


# SPEC 6.1-5
@pytest.mark.parametrize("body", ["throw(ValueError('odd'))", "os._exit(9)", "pass"])
def test_the_opener_of_a_static_split_and_a_join_can_be_caught(folder, body):
    folder.file(SPLIT.format(body=body))

    done = folder.run()

    fails = body != "pass"
    values = values_of(stored_run(folder))
    assert done.returncode == (1 if fails else 0) or "failure" in words(done), words(done)
    assert (values["start", ""]["failure"] is not None) is fails
    assert values["left", ""]["failure"] is None
    assert ("right", "") in values


# SPEC 6.1-7
def test_catch_on_a_step_that_opens_a_foreach_is_refused_with_the_reason(folder):
    folder.file(EACH.replace("@step\n    def start", "@catch\n    @step\n    def start"))

    done = folder.call("flow.py", "check")

    assert done.returncode == 2, words(done)
    assert "@catch" in done.stderr and "start" in done.stderr and "items" in done.stderr
    assert folder.run().returncode == 2 and not folder.root.exists()


# SPEC 6.1-7
def test_catch_by_with_is_left_off_no_step_in_silence(folder):
    folder.file(EACH)

    done = folder.run("--with", "catch")

    assert done.returncode == 2, words(done)
    assert "start" in done.stderr and "foreach" in done.stderr


# SPEC 10.3-3
def test_a_task_that_was_caught_has_no_exception_and_says_what_was_caught(folder):
    folder.file(caught("throw(ValueError('odd'))"))
    assert folder.run().returncode == 0

    task = stored_run(folder)["work"].task

    assert task.exception is None and task.successful and task.finished
    assert task.metadata_dict["caught"] == "ValueError: odd"
    assert "caught    ValueError: odd" in folder.call("flow.py", "show", f"1/work/{task.id}").stdout
    assert "succeeded  caught ValueError: odd" in folder.call("flow.py", "show", "1/work").stdout


# SPEC 6.1-5
@pytest.mark.parametrize("spec", ["var=3", "var='no name'", "var='__x'", "print_exception='maybe'"])
def test_wrong_attributes_are_refused_before_anything_runs(folder, spec):
    folder.file(caught("pass", f"@catch({spec})"))

    done = folder.run()

    assert done.returncode == 2, words(done)
    assert "@catch" in done.stderr and not folder.root.exists()


# SPEC 6.1-5
def test_an_interrupt_is_not_caught(folder, mark):
    folder.file(caught("open('began', 'w').close(); time.sleep(600)"))
    process = folder.begin()
    until((folder.path / "began").exists, "the task has begun")

    process.terminate()

    assert process.wait(30) == 130
    assert folder.states() == ["interrupted"]
    nothing_left(mark)
