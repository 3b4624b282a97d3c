"""Tasks that we end ourselves, because the run was interrupted or has failed, are no accidents."""

import os
import signal

import pytest
from command_line import WIDE, content, nothing_left, until, words

WAITING = "open(f'began{self.index}', 'w').close(); time.sleep(600)"


def told_of(folder):
    lines = content(folder.path / "out.txt").splitlines()
    return [line.partition("] ")[2] for line in lines]


# SPEC 7.2-4
@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_an_interrupt_is_told_once_and_each_task_that_it_ends_in_one_line(folder, mark, isolation):
    folder.file(WIDE.format(body=WAITING))
    process = folder.begin("--isolation", isolation, "--max-workers", "2")
    until(lambda: len(list(folder.path.glob("began*"))) == 2, "two tasks have begun")

    os.killpg(process.pid, signal.SIGINT)

    assert process.wait(30) == 130
    told = told_of(folder)
    after = told[told.index("the run was interrupted; ending 2 running tasks") + 1 :]
    assert [line.partition(" (")[0] for line in after] == ["task killed", "task killed", "run interrupted"]
    assert after[-1].endswith("tasks: 2 killed, 1 succeeded)")
    assert "pid 0" not in content(folder.path / "out.txt")
    assert "step      work: 2 killed" in words(folder.call("flow.py", "show", "1"))
    nothing_left(mark)


# SPEC 7.2-4
def test_what_was_ended_says_in_its_log_and_record_that_the_run_was_interrupted(folder, mark):
    folder.flow("open('began', 'w').close(); time.sleep(600)")
    process = folder.begin()
    until((folder.path / "began").exists, "the task has begun")

    os.killpg(process.pid, signal.SIGINT)
    process.wait(30)

    logged = words(folder.call("flow.py", "logs", "1/start"))
    shown = words(folder.call("flow.py", "show", "1/start"))
    assert "The task was ended: the run was interrupted." in logged
    assert "The task was ended: the run was interrupted." in shown
    assert "Run Small/1: interrupted\n" in words(folder.call("flow.py", "show", "1"))


# SPEC 7.2-1
def test_tasks_that_are_ended_after_a_failure_are_told_in_one_line_each(folder, mark):
    body = [f"if self.index: {WAITING}", "while not os.path.exists('began1'): time.sleep(0.01)", "1 / 0"]
    folder.file(WIDE.format(body="\n        ".join(body)))

    done = folder.run("--max-workers", "2", "--drain", "0.1")

    told = [line.partition("] ")[2] for line in done.stdout.splitlines()]
    assert done.returncode == 1, words(done)
    [at] = [at for at, line in enumerate(told) if line.startswith("the run has failed, and 0.1 s are over; ")]
    after = told[at + 1 :]
    assert {line.partition(" (")[0] for line in after[:-1]} == {"task killed"}
    assert after[-1].startswith("run failed: task 1/work/2 failed: ZeroDivisionError: division by zero")
    assert f"tasks: 1 failed, {len(after) - 1} killed, 1 succeeded)" in after[-1]
    assert "died by signal" not in words(done)
    nothing_left(mark)


# SPEC 12.4-3
def test_a_retry_that_is_taken_back_leaves_no_task_that_seems_to_be_due(folder, mark):
    text = WIDE.replace(
        "    @step\n    def work", "    @retry(times=3, minutes_between_retries=0)\n    @step\n    def work"
    )
    body = f"if self.index: {WAITING}\n        1 / 0"
    folder.file(text.replace("import FlowSpec", "import FlowSpec, retry").format(body=body))
    process = folder.begin("--max-workers", "1")
    until((folder.path / "began1").exists, "another task has begun")

    os.killpg(process.pid, signal.SIGINT)

    assert process.wait(30) == 130
    shown = words(folder.call("flow.py", "show", "1"))
    assert "retrying" not in shown and "waiting" not in shown
    nothing_left(mark)
