"""How the client and the command line show attempts."""

import re

import pytest
from command_line import until, words
from stored_runs import stored_task
from test_retry import tried


# SPEC 10.3-3
def test_the_client_shows_the_attempt_that_is_asked_for_and_else_the_latest(folder):
    folder.file(tried("@retry(times=2)", 2, "self.seen = self.attempts; raise ValueError('no')"))
    assert folder.run().returncode == 0

    first, second = (stored_task(folder, "1/start/1", number) for number in range(2))
    latest = stored_task(folder, "1/start/1")

    assert [task.current_attempt for task in (first, second, latest)] == [0, 1, 2]
    assert [task.successful for task in (first, second, latest)] == [False, False, True]
    assert [first["seen"].data, second["seen"].data, "seen" in latest] == [0, 1, False]
    assert first.exception.exception == "no" and latest.exception is None
    assert first.finished and latest.finished
    assert first.finished_at <= second.finished_at <= latest.finished_at


# SPEC 10.3-3
# SPEC 6.1-3
def test_a_task_that_waits_for_a_retry_has_not_finished(folder):
    folder.file(tried("@retry(times=1, delay=600)"))
    process = folder.begin()
    try:
        until(lambda: "retrying" in folder.call("flow.py", "show", "1/start/1").stdout, "it waits")

        waiting = stored_task(folder, "1/start/1")

        assert not waiting.finished and not waiting.successful
        assert "again at" in folder.call("flow.py", "show", "1/start").stdout
        log = folder.call("flow.py", "logs", "1/start/1").stdout
        assert re.search(r"^Attempt 1 begins at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.$", log, re.MULTILINE)
    finally:
        process.terminate()
        process.wait(30)
    assert stored_task(folder, "1/start/1").finished


# SPEC 12.3-2
# SPEC 6.1-1
def test_show_tells_every_attempt_of_a_task(folder):
    folder.file(tried("@retry(times=2)", 2, "raise [ValueError, OSError][self.attempts]('odd')"))
    assert folder.run().returncode == 0

    shown = folder.call("flow.py", "show", "1/start/1").stdout

    assert re.search(r"attempt +0 failed after [0-9.]+ s: ValueError: odd", shown)
    assert re.search(r"attempt +1 failed after [0-9.]+ s: OSError: odd", shown)


# SPEC 6.1-3
@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("times=-1", "negative"),
        ("times=1.5", "whole number"),
        ("times='many'", "number"),
        ("delay=1, minutes_between_retries=1", "same wait"),
        ("delay=-1", "negative"),
        ("backoff=0.5", "at least 1"),
        ("on=3", "exception classes"),
        ("on='no name'", "exception classes"),
        ("time=3", "Did you mean `times`"),
    ],
)
def test_wrong_attributes_are_refused_before_anything_runs(folder, spec, said):
    folder.file(tried(f"@retry({spec})"))

    done = folder.run()

    assert done.returncode == 2, words(done)
    assert said in done.stderr and "@retry" in done.stderr
    assert not folder.root.exists()


# SPEC 6.1-1
def test_the_last_failure_is_the_one_that_ends_the_run(folder):
    folder.file(tried("@retry(times=1)", 9, "raise ValueError(f'in attempt {self.attempts}')"))

    done = folder.run()

    assert done.returncode == 1
    assert "run failed: task 1/start/1 failed: ValueError: in attempt 1" in words(done)
    assert folder.states() == ["failed"]
