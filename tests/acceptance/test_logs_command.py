"""``logs``: of runs, steps and tasks; chosen lines; followed."""

import json
import os
import signal
import subprocess
import sys

import pytest
from command_line import Folder, until, words

FLOW = """
import os, sys, time
from stepwell import FlowSpec, retry, step

class Talk(FlowSpec):
    @step
    def start(self):
        print("start out")
        print("start err", file=sys.stderr)
        self.items = [0, 1, 2]
        self.next(self.work, foreach="items")

    @retry(times=1, delay=0)
    @step
    def work(self):
        from stepwell import current
        print(f"work {self.input} attempt {current.retry_count}")
        print(f"apple {self.input}")
        if self.input == 1:
            raise ValueError("no luck")
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Talk()
"""

UNTIL = """    def until(self, name):
        while not os.path.exists(name):
            time.sleep(0.02)

"""


@pytest.fixture(scope="module")
def talk(tmp_path_factory):
    """A run of which one task has failed, twice."""
    folder = Folder(tmp_path_factory.mktemp("talk"))
    folder.file(FLOW)
    assert folder.run("--max-workers", "1", "--keep-going").returncode == 1
    return folder


def logs(folder, *args):
    done = folder.call("flow.py", "logs", *args)
    assert done.returncode == 0, words(done)
    assert done.stderr == ""
    return done.stdout.splitlines()


def without_frames(lines):
    return [line for line in lines if "apple" in line or "work " in line or "start " in line]


# SPEC 9.3-11
def test_logs_of_a_run_have_all_tasks_by_time_each_line_with_its_task(talk):
    lines = without_frames(logs(talk, "1", "--stdout"))

    assert lines[0] == "[start/1] start out"
    assert sorted(lines[1:]) == sorted(
        [
            "[work/2] work 0 attempt 0",
            "[work/2] apple 0",
            "[work/3] work 1 attempt 1",
            "[work/3] apple 1",
            "[work/4] work 2 attempt 0",
            "[work/4] apple 2",
        ]
    )
    stamps = [line.split()[0] for line in logs(talk, "Talk/1", "--timestamps")]
    assert stamps == sorted(stamps)


# SPEC 9.3-10
# SPEC 8.1-5
def test_streams_and_attempts_are_chosen(talk):
    assert logs(talk, "show", "1/start", "--stdout") == ["start out"]
    assert logs(talk, "1/start", "--stderr") == ["start err"]
    assert sorted(logs(talk, "1/start", "--both")) == ["start err", "start out"]
    assert logs(talk, "1/work[1]", "--stdout", "--attempt", "0") == ["work 1 attempt 0", "apple 1"]
    # Tasks that have no such attempt are left out.
    assert logs(talk, "1/work", "--stdout", "--attempt", "1") == ["work 1 attempt 1", "apple 1"]


# SPEC 9.1-5
@pytest.mark.parametrize("follow", [(), ("-f",)])
def test_lines_are_had_as_json(talk, follow):
    lines = [json.loads(line) for line in logs(talk, "1/work[1]", "--json", "--stdout", *follow)]

    assert [(line["text"], line["attempt"]) for line in lines] == [("work 1 attempt 1", 1), ("apple 1", 1)]
    assert {key: value for key, value in lines[0].items() if key not in ("at", "text")} == {
        "flow": "Talk", "run": "1", "step": "work", "task": "3", "attempt": 1,
        "stream": "stdout", "source": "task",
    }  # fmt: skip
    assert 0 < lines[0]["at"] <= lines[1]["at"]


# SPEC 9.3-11
def test_lines_are_chosen_by_expression_number_and_time(talk):
    assert logs(talk, "1/work", "--grep", "^app.e [02]$") == ["apple 0", "apple 2"]
    assert logs(talk, "1/work", "--stdout", "--tail", "1") == ["apple 2"]
    assert logs(talk, "1", "--grep", "apple", "--tail", "2") == logs(talk, "1", "--grep", "apple")[1:]
    assert logs(talk, "1/work", "--tail", "0") == []
    assert logs(talk, "1", "--since", "2100-01-01") == []
    assert logs(talk, "1/start", "--since", "1d", "--stdout") == ["start out"]


# SPEC 9.3-11
def test_only_tasks_that_failed_are_shown(talk):
    lines = logs(talk, "1", "--failed")

    assert {line.split()[0] for line in lines} == {"[work/3]"}
    assert any("no luck" in line for line in lines)
    none = talk.call("flow.py", "logs", "1/start", "--failed")
    assert (none.returncode, none.stdout, none.stderr) == (0, "", "No task of 1/start has failed.\n")


# SPEC 9.1-3
@pytest.mark.parametrize(
    "args, said",
    [
        (["1", "--grep", "("], "'(' is no regular expression"),
        (["1", "--since", "yesterday"], "'yesterday' is neither a time"),
        (["1", "--tail", "-1"], "--tail"),
        (["1", "-f", "--failed"], "--failed is about what has ended"),
        (["1", "-f", "--attempt", "0"], "--attempt is about what has ended"),
        (["1/work", "--attempt", "5"], "No task of 1/work has an attempt 5; the last one is 1"),
        (["1/nix"], "start"),
        (["1/nix", "-f"], "start"),
        (["77", "-f"], "77"),
        (["77/start", "-f"], "77"),
        (["Talk"], "names a flow"),
        ([], "RUN[/STEP[/TASK]]` is missing"),
        (["scrub", "1"], "logs scrub needs a step"),
        (["scrub", "1/start", "--all", "--attempt", "0"], "--all takes every attempt"),
        (["scrub", "1/start", "--attempt", "3"], "has an attempt 3"),
    ],
)
def test_what_cannot_be_shown_is_said(talk, args, said):
    done = talk.call("flow.py", "logs", *args)

    assert done.returncode == 2
    assert done.stdout == ""
    assert said in words(done)


# SPEC 9.3-11
def test_following_what_has_ended_shows_it_and_ends(talk):
    assert logs(talk, "1/work[0]", "-f") == ["work 0 attempt 0", "apple 0"]
    assert sorted(logs(talk, "1", "-f")) == sorted(logs(talk, "1"))
    assert len(logs(talk, "1", "-f", "--tail", "2")) == 2


@pytest.fixture
def slow(folder, mark):
    """A run that waits for files: ``one`` in its first task, ``two`` in its second."""
    folder.file(
        FLOW.replace("        self.items = [0, 1, 2]\n", '        self.until("one")\n')
        .replace('self.next(self.work, foreach="items")', "self.next(self.work)")
        .replace("{self.input}", "x")
        .replace("if self.input == 1:", 'self.until("two")\n        if not current.retry_count:')
        .replace("def join(self, inputs)", "def join(self)")
        .replace("    @step\n    def start", UNTIL + "    @step\n    def start", 1)
    )
    process = folder.begin()
    until(lambda: list(folder.root.glob("runs/**/logs/**/*.0")), "the first task has printed")
    yield folder, process
    for name in ("one", "two"):
        (folder.path / name).touch()
    process.wait(timeout=30)


def following(folder, *args):
    return subprocess.Popen(
        [sys.executable, "flow.py", "logs", *args, "-f"],
        cwd=folder.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def has_index_open(pid):
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            file = os.readlink(f"/proc/{pid}/fd/{number}")
        except FileNotFoundError:  # closed since
            continue
        if file.endswith("metadata.db"):
            return True
    return False


# SPEC 8.1-2
# SPEC 9.3-11
def test_a_run_is_followed_to_its_end(slow):
    folder, process = slow
    with following(folder, "1", "--stdout") as run, following(folder, "1/work") as work:
        first = run.stdout.readline()
        (folder.path / "one").touch()
        second = work.stdout.readline(), work.stdout.readline()
        assert process.poll() is None
        (folder.path / "two").touch()
        rest, said = run.communicate(timeout=60)
        end, _ = work.communicate(timeout=60)

    assert first == "[start/1] start out\n"
    assert second == ("[work/2] work x attempt 0\n", "[work/2] apple x\n")
    assert rest.splitlines()[-2:] == ["[work/2] work x attempt 1", "[work/2] apple x"]
    assert "no luck" in end and "work x attempt 1" in end
    assert (run.returncode, work.returncode, said) == (0, 0, "")


# SPEC 9.3-11
def test_a_task_is_followed_before_it_has_begun_and_until_it_has_ended(slow):
    folder, process = slow
    with following(folder, "1/work/2", "--stdout") as task, following(folder, "1/start/1") as first:
        until(lambda: has_index_open(task.pid), "the follower has looked for its task")
        (folder.path / "one").touch()
        assert sorted(first.communicate(timeout=60)[0].splitlines()) == ["start err", "start out"]
        assert process.poll() is None
        (folder.path / "two").touch()
        shown = task.communicate(timeout=60)[0]

    assert shown.splitlines() == ["work x attempt 0", "apple x", "work x attempt 1", "apple x"]


# SPEC 9.3-11
def test_following_ends_when_the_run_is_lost(slow, mark):
    folder, process = slow
    with following(folder, "1") as run, following(folder, "1/work") as never:
        assert run.stdout.readline().startswith("[start/1] start")
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
        run.communicate(timeout=60)
        _, said = never.communicate(timeout=60)

    assert run.returncode == 0
    assert never.returncode == 2 and "work" in said


# SPEC 9.3-11
def test_who_reads_no_more_ends_the_following_in_silence(slow):
    folder, _ = slow
    with following(folder, "1") as run:
        run.stdout.readline()
        run.stdout.close()
        said = run.stderr.read()

    assert (run.returncode, said) == (0, "")
