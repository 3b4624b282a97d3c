"""The real command line, in processes of their own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import stepwell

SOURCE = str(Path(stepwell.__file__).parents[1])

FLOW = """
from stepwell import FlowSpec, Parameter, step

class Greet(FlowSpec):
    name = Parameter("name", default="world")
    fail = Parameter("fail", default=False)

    @step
    def start(self):
        self.items = [1, 2, 3]
        self.next(self.work, foreach="items")

    @step
    def work(self):
        print("hello", self.name, self.input)
        if self.fail and self.input == 2:
            raise ValueError("two is bad")
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Greet()
"""
LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \[[^ ]+ \(pid \d+\)\] .*")


@pytest.fixture
def call(tmp_path):
    (tmp_path / "greet.py").write_text(FLOW)

    def run(*args, **variables):
        env = {**os.environ, "PYTHONPATH": SOURCE, **variables}
        return subprocess.run(
            [sys.executable, *args], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60
        )

    return run


# SPEC 7.1-1
# SPEC 8.2-2
def test_a_run_on_a_pipe_tells_its_progress_in_stable_lines(call):
    done = call("greet.py", "run", "--name", "you")
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if not LINE.fullmatch(line)] == []
    assert re.search(r"run started \(run-id \d+\)", done.stdout)
    assert done.stdout.count("] hello you ") == 3
    assert "flow is valid" in done.stderr and "flow is valid" not in done.stdout


# SPEC 3.2-1
def test_a_variable_gives_a_parameter_and_the_command_line_wins(call):
    assert "hello env" in call("greet.py", "run", STEPWELL_RUN_NAME="env").stdout
    assert "hello line" in call("greet.py", "run", "--name", "line", STEPWELL_RUN_NAME="env").stdout


# SPEC 9.1-7
def test_options_of_run_and_of_other_commands_come_from_variables(call, tmp_path):
    options = {"STEPWELL_RUN_TAG": "red blue", "STEPWELL_RUN_RUN_ID_FILE": "id.txt", "STEPWELL_RUN_JSON": "1"}
    done = call("greet.py", "run", "--tag", "green", **options)
    assert done.stdout.startswith('{"event":"run_started"')
    assert (tmp_path / "id.txt").read_text() == "1"
    call("greet.py", "run", **options)
    listed = call("-m", "stepwell", "runs", STEPWELL_RUNS_LIMIT="1").stdout.splitlines()
    assert len(listed) == 2 and listed[1].endswith("  red,blue")
    assert call("greet.py", "logs", "1/work[0]", STEPWELL_LOGS_STDERR="1").stdout == ""


# SPEC 9.1-2
def test_a_failed_run_shows_the_users_frames_and_exits_with_1(call):
    done = call("greet.py", "run", "--fail", "True")
    assert done.returncode == 1
    frames = [line for line in done.stdout.splitlines() if line.endswith("] ValueError: two is bad")]
    assert len(frames) == 1
    assert "greet.py" in done.stdout
    assert "runtime/task" not in done.stdout
    assert "greet.py logs" in done.stderr


# SPEC 7.1-11
def test_the_run_id_is_written_to_the_file(call, tmp_path):
    done = call("greet.py", "run", "--run-id-file", "id.txt")
    assert f"run-id {(tmp_path / 'id.txt').read_text()})" in done.stdout


# SPEC 9.1-1
def test_results_are_read_without_the_flows_file(call, tmp_path):
    call("greet.py", "run")
    (tmp_path / "greet.py").unlink()
    assert "succeeded" in call("-m", "stepwell", "runs").stdout
    assert call("-m", "stepwell", "logs", "Greet/latest/work[1]").stdout == "hello world 2\n"
    assert "name [size:" in call("-m", "stepwell", "dump", "latest/end").stdout
    assert "parameter name = 'world'" in call("-m", "stepwell", "show", "latest").stdout


# SPEC 9.1-4
def test_an_address_that_does_not_exist_shows_what_does(call):
    call("greet.py", "run")
    done = call("greet.py", "show", "latest/wrk")
    assert done.returncode == 2
    assert "`work`" in done.stderr


# SPEC 9.4-8
def test_the_demo_runs_and_says_how_to_look_at_its_results(call, tmp_path):
    done = call("-m", "stepwell", "demo", TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "stepwell dump LibraryStatistics/latest/end" in done.stderr
    assert "retry 1 of 2" in done.stdout and "task started (attempt 1)" in done.stdout
    assert "run failed" in done.stdout and "6 tasks reused from run 1" in done.stdout
    assert done.stdout.splitlines()[-1].endswith("tasks: 8 reused, 1 succeeded)")
    first = call("-m", "stepwell", "logs", "LibraryStatistics/latest/measure[0]", "--attempt", "0")
    assert "cannot be read just now" in first.stdout
    assert call("-m", "stepwell", "runs", "LibraryStatistics").stdout.count("LibraryStatistics/") == 2
    page = re.search(r"The card of the last step is (.+\.html)\.", done.stderr)
    assert page is not None and "Shortest functions" in Path(page[1]).read_text()


def test_a_reader_that_goes_away_early_sees_no_traceback(call, tmp_path):
    call("greet.py", "run")
    line = f"{sys.executable} greet.py configure show | head -n 1; {sys.executable} greet.py run | head -n 1"
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": SOURCE},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr


def test_a_spawned_task_prints_nothing_that_is_not_the_users(call):
    done = call("greet.py", "run", "--isolation", "spawn")
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stdout
