"""Where there is no fork, no Unix sockets, no groups of processes, no locks on files and no /proc.

Each command here is a real process in which these have been taken away. It is not Windows: what that does in
its own way, such as naming files, is not tried.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import Folder, words

FLOW = """
import os, socket, time
from stepwell import FlowSpec, Parameter, current, environment, parallel, retry, step

class Bare(FlowSpec):
    n = Parameter("n", default=2)
    wait_s = Parameter("wait-s", default=0.0)

    @step
    def start(self):
        assert not hasattr(os, "fork") and not hasattr(socket, "AF_UNIX")
        self.large = bytearray(2_000_000)
        time.sleep(self.wait_s)
        self.next(self.work, foreach=list(range(self.n)))

    @environment(vars={"COLOUR": "red"})
    @retry(times=1, delay=0)
    @step
    def work(self):
        if self.input == 1 and current.retry_count == 0:
            raise ValueError("once")
        print("work", self.input, os.environ["COLOUR"])
        self.size = len(self.large) + self.input
        self.next(self.join)

    @step
    def join(self, inputs):
        self.total = sum(one.size for one in inputs)
        self.next(self.gang, num_parallel=2)

    @parallel
    @step
    def gang(self):
        self.place = current.parallel.node_index
        self.next(self.end)

    @step
    def end(self, inputs):
        self.total = inputs[0].total
        print("places", sorted(one.place for one in inputs))

if __name__ == "__main__":
    Bare()
"""


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A folder in which a run has succeeded, and the environment of commands in it."""
    folder = Folder(tmp_path_factory.mktemp("bare"))
    folder.file(FLOW)
    paths = [str(Path(__file__).with_name("without_fork")), os.environ.get("PYTHONPATH", "")]
    place = {**os.environ, "USERNAME": "tester", "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    place.pop("STEPWELL_USER", None)
    done = folder.run("--isolation", "spawn", env=place)
    assert done.returncode == 0, words(done)
    return folder, place, words(done)


# SPEC 9.1-8
def test_a_flow_runs_with_retries_variables_large_values_and_gangs(bare):
    _, _, said = bare

    assert "work 0 red" in said and "work 1 red" in said
    assert "ValueError: once" in said
    assert "places [0, 1]" in said
    assert "cannot fork" not in said


# SPEC 9.1-8
def test_what_was_stored_can_be_read_dumped_checked_and_indexed_anew(bare):
    folder, place, _ = bare

    shown = folder.call("flow.py", "dump", "1/end", env=place)
    dumped = folder.call("flow.py", "dump", "1/join", "--file", "values.bin", env=place)
    logs = folder.call("flow.py", "logs", "1/end", "--follow", env=place)
    checked = folder.call("-m", "stepwell", "doctor", "--datastore", env=place)
    indexed = folder.call("-m", "stepwell", "reindex", env=place)
    listed = folder.call("-m", "stepwell", "runs", env=place)

    for done in (shown, dumped, logs, checked, indexed, listed):
        assert done.returncode == 0, words(done)
    assert "total" in shown.stdout and "4000001" in shown.stdout
    assert "places [0, 1]" in logs.stdout
    assert "all are as they were written" in checked.stdout
    assert "Bare/1" in listed.stdout


# SPEC 9.1-8
def test_a_step_can_be_spun_and_a_run_resumed_by_default_with_a_word_on_why_tasks_are_spawned(bare):
    folder, place, _ = bare

    spun = folder.call("flow.py", "spin", "1/join", env=place)
    resumed = folder.call("flow.py", "resume", "--origin-run-id", "1", "end", env=place)

    assert spun.returncode == 0, words(spun)
    assert resumed.returncode == 0, words(resumed)
    assert "This system cannot fork processes. Tasks are spawned" in words(resumed)


# SPEC 9.1-8
def test_tasks_can_run_in_the_run_process_and_their_output_is_kept(bare):
    folder, place, _ = bare
    (folder.path / "inline.py").write_text(INLINE)

    done = folder.call("inline.py", "run", "--isolation", "inline", env=place)
    logs = folder.call("inline.py", "logs", "latest/start", env=place)

    assert done.returncode == 0, words(done)
    assert "said within" in words(done) and "said within" in logs.stdout


INLINE = """
from stepwell import FlowSpec, step

class Within(FlowSpec):
    @step
    def start(self):
        print("said within")
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Within()
"""


# SPEC 9.1-8
def test_what_cannot_be_had_is_refused_in_words(bare):
    folder, place, _ = bare

    refused = {
        "cannot be detached": ["run", "--detach"],
        "terminal": ["run", "--debug", "start"],
        "memory": ["run", "--with", "resources:memory=100,enforce=true"],
        "sockets": ["run-many", "--grid", "n=1,2"],
        "locks on files": ["rm", "1", "--yes"],
    }

    for word, command in refused.items():
        done = folder.call("flow.py", *command, env=place)
        assert done.returncode == 2, words(done)
        assert word in words(done)
    assert "Bare/1" in folder.call("-m", "stepwell", "runs", env=place).stdout


# SPEC 9.1-8
def test_doctor_says_what_is_missing(bare):
    folder, place, _ = bare

    done = folder.call("-m", "stepwell", "doctor", "--json", env=place)

    found = json.loads(done.stdout)["findings"]
    text = "\n".join(one["text"] for one in found if one["severity"] == "warning")
    assert done.returncode == 0, words(done)
    for part in ("no forking", "groups of processes", "locks on files", "view of the memory"):
        assert part in text


# SPEC 9.1-8
def test_ctrl_c_ends_a_run_and_its_tasks(bare):
    folder, place, _ = bare
    command = [sys.executable, "flow.py", "run", "--json", "--wait-s", "600", "--kill-grace", "30"]

    with subprocess.Popen(command, cwd=folder.path, env=place, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        began = next(event for event in map(json.loads, run.stdout) if event["event"] == "task_started")
        run.send_signal(signal.SIGINT)
        events = [json.loads(line) for line in run.stdout]

    assert run.returncode == 130
    assert [one["state"] for one in events if one["event"] == "run_ended"] == ["interrupted"]
    assert not Path(f"/proc/{began['pid']}").exists()
