"""`--trace`: every event of the life of a run, with its duration."""

import json
import os
import signal
import stat
from typing import Any

import pytest
from command_line import Folder, content, on_terminal, until, words

FLOW = """
import os, time
from pathlib import Path
from stepwell import FlowSpec, current, retry, step

class F(FlowSpec):
    @step
    def start(self):
        self.big = bytes(100_000)
        self.items = ["a", "b"]
        self.next(self.work, foreach="items")

    @retry(times=1, delay=0)
    @step
    def work(self):
        self.length = len(self.big)
        if self.input == "b" and current.retry_count == 0:
            raise ValueError("at first")
        self.next(self.join)

    @step
    def join(self, inputs):
        self.lengths = [input.length for input in inputs]
        self.next(self.end)

    @step
    def end(self):
        if Path("wait").exists():
            Path("waiting").touch()
            time.sleep(600)

if __name__ == "__main__":
    F()
"""

ORDER = [
    *("graph_built", "checked", "parameters_resolved", "run_registered"),
    *("task_ready", "task_launched", "task_started", "inputs_opened"),
    *("items_stored", "artifact_stored", "transition_taken", "pack_committed", "task_exited", "run_ended"),
]


def events_in(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


@pytest.fixture(scope="module", params=["fork", "spawn", "inline"])
def trace(request, tmp_path_factory):
    folder = Folder(tmp_path_factory.mktemp("trace"))
    folder.file(FLOW)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STEPWELL_USER", "tester")
        done = folder.run("--isolation", request.param, "--trace=trace.jsonl")
    assert done.returncode == 0, words(done)
    assert "{" not in done.stderr
    return events_in(content(folder.path / "trace.jsonl"))


def of_attempt(
    trace: list[dict[str, Any]], step: str, index: int = 0, attempt: int = 0
) -> list[dict[str, Any]]:
    """Events of an attempt of the task of a step that became ready as this one of them."""
    tasks = list(dict.fromkeys(event["task"] for event in trace if event.get("step") == step))
    found = [event for event in trace if event.get("step") == step and event["task"] == tasks[index]]
    return [event for event in found if event["attempt"] == attempt]


# SPEC 7.6-6
def test_a_trace_has_the_life_of_a_run_in_its_order(trace):
    mine = [event for event in trace if event.get("step", "start") == "start"]

    assert list(dict.fromkeys(event["event"] for event in mine)) == ORDER


# SPEC 7.6-6
def test_each_event_has_its_time_and_its_duration(trace):
    assert all(event["at"] > 1e9 and event["seconds"] >= 0 for event in trace)
    assert {event["run"] for event in trace if event["event"].startswith("task_")} == {"F/1"}


# SPEC 7.6-6
def test_artifacts_that_are_stored_and_loaded_have_name_and_size(trace):
    (stored,) = [
        e for e in of_attempt(trace, "start") if e["event"] == "artifact_stored" and e["name"] == "big"
    ]
    (loaded,) = [e for e in of_attempt(trace, "work") if e["event"] == "artifact_loaded"]

    assert stored["bytes"] == loaded["bytes"] > 100_000
    assert loaded["name"] == "big"


# SPEC 7.6-6
def test_an_attempt_that_is_tried_again_says_so_and_the_next_one_follows(trace):
    failed, again = of_attempt(trace, "work", 1, 0), of_attempt(trace, "work", 1, 1)

    assert [e["event"] for e in failed][-2:] == ["pack_committed", "task_exited"]
    assert (failed[-2]["state"], failed[-1]["state"]) == ("failed", "retrying")
    assert failed[-1]["error"] == "ValueError: at first"
    assert [e["event"] for e in again][:4] == ["task_retried", "task_ready", "task_launched", "task_started"]
    assert again[0]["why"] == "retry 1 of 1" and again[-1]["state"] == "succeeded"


# SPEC 7.6-6
def test_transitions_and_joins_are_told(trace):
    taken = {e["step"]: e for e in trace if e["event"] == "transition_taken"}
    (joined,) = [e for e in trace if e["event"] == "joined"]

    assert (taken["start"]["kind"], taken["start"]["num_splits"]) == ("foreach", 2)
    assert taken["work"]["targets"] == ["join"] and taken["end"]["kind"] == "end"
    assert (joined["step"], joined["inputs"]) == ("join", 2)
    assert trace[-1]["event"] == "run_ended" and trace[-1]["state"] == "succeeded"


# SPEC 7.6-6
def test_without_a_file_the_trace_is_printed_beside_the_progress(folder):
    folder.file(FLOW)

    done = folder.call("flow.py", "run", "--trace", "--tag", "kept")

    assert done.returncode == 0
    printed = [event["event"] for event in events_in(done.stderr)]
    assert set(ORDER) <= set(printed) and printed[-1] == "run_ended"
    assert "run succeeded" in done.stdout and not events_in(done.stdout)


def test_on_a_terminal_a_printed_trace_stands_between_plain_lines(folder):
    folder.file(FLOW)

    sent = on_terminal(folder.path, "flow.py", "run", "--trace")

    assert '"event":"run_ended"' in sent and "run succeeded" in sent
    assert "\x1b[?25l" not in sent


def test_a_trace_is_for_its_user_alone_and_holds_the_last_run_only(folder):
    folder.file(FLOW)

    folder.run("--trace=trace.jsonl")
    folder.call("flow.py", "resume", "join", "--trace=trace.jsonl")

    file = folder.path / "trace.jsonl"
    trace = events_in(content(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {event["run"] for event in trace if "run" in event} == {"F/2"}
    assert {event["step"]: event["tasks"] for event in trace if event["event"] == "tasks_reused"} == {
        "start": 1,
        "work": 2,
    }
    assert {event["step"] for event in trace if event["event"] == "task_started"} == {"join", "end"}


def test_a_file_that_cannot_be_written_is_told_before_the_run(folder):
    folder.file(FLOW)

    done = folder.run("--trace=/nowhere/trace.jsonl")

    assert done.returncode == 2
    assert "The trace cannot be written to /nowhere/trace.jsonl: No such file or directory." in words(done)
    assert not folder.root.exists()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_told_before_the_run(folder, make):
    folder.file(FLOW)
    make(folder.path / "trace.jsonl")

    done = folder.run("--trace=trace.jsonl")

    assert done.returncode == 2
    assert "The trace cannot be written to" in words(done)
    assert not folder.root.exists()


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_a_trace_that_is_deleted_amid_the_run_fails_no_task(folder, isolation):
    folder.file(FLOW.replace("self.big =", "Path('trace.jsonl').unlink(); self.big ="))

    done = folder.run("--trace=trace.jsonl", "--isolation", isolation)

    assert done.returncode == 0, words(done)


def test_a_disk_that_fills_up_costs_the_trace_and_not_the_run(folder, disk):
    folder.file(FLOW)
    small = disk("16k")
    (small / "filler").write_bytes(bytes(8000))

    done = folder.run(f"--trace={small}/trace.jsonl")

    assert done.returncode == 0
    assert "The trace is not complete: " in words(done)


def test_a_killed_run_leaves_all_that_had_happened_in_whole_lines(folder):
    folder.file(FLOW)
    (folder.path / "wait").touch()
    process = folder.begin("--trace=trace.jsonl")
    until((folder.path / "waiting").exists, "the last step waits")

    os.kill(process.pid, signal.SIGKILL)
    process.wait(60)

    trace = events_in(content(folder.path / "trace.jsonl"))
    assert [event["event"] for event in trace if event.get("step") == "end"][-2:] == [
        "task_started",
        "inputs_opened",
    ]


# SPEC 7.6-6
def test_a_run_that_is_not_traced_imports_nothing_for_it(folder):
    folder.file(FLOW)

    done = folder.call("-X", "importtime", "flow.py", "run")

    assert done.returncode == 0 and "stepwell.runtime.task.step_function" in done.stderr
    assert "tracing" not in done.stderr and "stepwell.model.trace" not in done.stderr


# SPEC 7.6-6
def test_the_commands_of_schedulers_are_traced_too(folder):
    folder.file(FLOW)
    registered = folder.call("flow.py", "init", "--run-id", "r", "--trace=init.jsonl")
    order = ["start", "--run-id", "r", "--task-id", "s", "--input-paths", "r/_parameters/0"]
    done = folder.call("flow.py", "step", *order, "--trace")

    assert (registered.returncode, done.returncode) == (0, 0), words(registered) + words(done)
    begun = [event["event"] for event in events_in(content(folder.path / "init.jsonl"))]
    assert begun == ["graph_built", "checked", "run_registered"]
    told = [event["event"] for event in events_in(done.stderr)]
    assert told[:2] == ["graph_built", "checked"]
    assert set(ORDER[4:-1]) <= set(told) and told[-1] == "task_exited"
