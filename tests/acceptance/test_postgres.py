"""The index of a team: real flows, by the command line, with a real PostgreSQL."""

import json
import os
import pickle
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from command_line import content, nothing_left, until, words

from postgres import PASSWORD as SECRET
from stepwell.client import Run, get_metadata, metadata

FLOW = """
import os, time
from stepwell import FlowSpec, Parameter, Run, current, exit_hook, step

def tell(run):
    print("the hook saw", run, run.successful)

class F(FlowSpec):
    number = Parameter("number", default=1)

    @step
    def start(self):
        self.items = range(3)
        self.next(self.work, foreach="items")

    @step
    def work(self):
        open(f"began-{self.input}", "w").close()
        while os.path.exists("hold"):
            time.sleep(0.01)
        if self.input == 1:
            assert not os.path.exists("broken")
        self.value = self.input * self.number
        self.next(self.join)

    @step
    def join(self, inputs):
        self.values = sorted(one.value for one in inputs)
        self.next(self.end)

    @step
    def end(self):
        if not os.path.exists("alone"):
            self.me = current.run
            print("this is", current.run, current.task.pathspec)

if __name__ == "__main__":
    F()
"""

HOOKED = FLOW.replace("class F(", "@exit_hook(on_success=[tell])\nclass F(")


@pytest.fixture
def plain(folder, monkeypatch):
    """A folder with the flow."""
    monkeypatch.chdir(folder.path)
    folder.file(FLOW)
    return folder


@pytest.fixture
def team(plain, address, monkeypatch):
    """A folder whose runs are on record in the database, as the environment says."""
    monkeypatch.setenv("STEPWELL_DEFAULT_METADATA", "postgres")
    monkeypatch.setenv("STEPWELL_POSTGRES_URL", address)
    return plain


def touch(folder, name):
    (folder.path / name).touch()


def release(folder, name):
    (folder.path / name).unlink()


def begun(folder, *options, **settings):
    """Start a run that stays in its foreach until it is released."""
    touch(folder, "hold")
    environment = {**os.environ, **{f"STEPWELL_{name}": value for name, value in settings.items()}}
    process = folder.begin("--max-workers", "2", *options, env=environment)
    until((folder.path / "began-1").exists, "the tasks have begun")
    return process


def said(folder):
    return content(folder.path / "out.txt") + content(folder.path / "err.txt")


def states(folder):
    """Return the state of each run, as `runs` tells it, the oldest first."""
    done = folder.call("flow.py", "runs", "--json")
    assert done.returncode == 0, words(done)
    return [run["state"] for run in reversed(json.loads(done.stdout))]


def values(run):
    return run["join"].task["values"].data


# SPEC 12.4-1
@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_a_run_is_on_record_in_the_database_and_its_tasks_and_hooks_can_look_it_up(team, isolation):
    team.file(HOOKED)

    done = team.run("--isolation", isolation)

    assert done.returncode == 0, words(done)
    assert "this is Run('F/1') F/1/end/6" in done.stdout
    assert "the hook saw Run('F/1') True" in words(done)
    assert not (team.root / "metadata.db").exists()
    run = Run("F/1")
    assert run.successful and values(run) == [0, 1, 2]
    assert run["end"].task["me"].data == run


# SPEC 12.4-1
def test_what_failed_is_continued_and_resumed_and_logs_tags_and_spin_work(team):
    touch(team, "broken")
    assert team.run().returncode == 1
    assert states(team) == ["failed"]

    release(team, "broken")
    continued = team.call("flow.py", "continue")
    resumed = team.call("flow.py", "resume", "--origin-run-id", "1")

    assert (continued.returncode, resumed.returncode) == (0, 0), words(continued) + words(resumed)
    assert states(team) == ["succeeded", "succeeded"]
    assert values(Run("F/1")) == values(Run("F/2")) == [0, 1, 2]
    Run("F/2").add_tag("kept")
    assert "F/2" in team.call("flow.py", "runs", "--tag", "kept").stdout
    assert "this is" in team.call("flow.py", "logs", "1/end").stdout
    spun = team.call("flow.py", "spin", "join")
    assert spun.returncode == 0, words(spun)


# SPEC 12.4-1
def test_runs_at_once_have_ids_of_their_own_and_are_all_on_record(team):
    with ThreadPoolExecutor() as pool:
        ended = list(pool.map(lambda number: team.run("--number", str(number)), range(1, 3)))
    many = team.call("-m", "stepwell", "run-many", "flow.py", "--grid", "number=3,4")

    assert [done.returncode for done in ended] == [0] * 2, [words(done) for done in ended]
    assert many.returncode == 0, words(many)
    assert states(team) == ["succeeded"] * 4
    found = sorted(values(Run(f"F/{run}")) for run in range(1, 5))
    assert found == [[0, number, 2 * number] for number in range(1, 5)]


# SPEC 12.4-3
def test_a_run_whose_process_was_killed_is_lost_and_can_be_continued(team, mark):
    process = begun(team)

    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    nothing_left(mark)

    assert states(team) == ["lost"]
    release(team, "hold")
    continued = team.call("flow.py", "continue")
    assert continued.returncode == 0, words(continued)
    assert states(team) == ["succeeded"] and values(Run("F/1")) == [0, 1, 2]


# SPEC 7.2-9
def test_a_server_that_is_restarted_amid_a_run_is_waited_for(team, postgres_server, mark):
    touch(team, "alone")
    process = begun(team)

    postgres_server.stop()
    try:
        release(team, "hold")
        until(lambda: "Waiting for the store" in said(team), "the wait is told")
    finally:
        postgres_server.start()

    assert process.wait(60) == 0, said(team)
    assert "The store serves again" in said(team) and SECRET not in said(team)
    assert states(team) == ["succeeded"] and values(Run("F/1")) == [0, 1, 2]


# SPEC 7.2-9
def test_a_run_whose_server_stays_away_ends_and_can_be_continued(team, postgres_server, mark):
    touch(team, "alone")
    process = begun(team, STORE_PATIENCE="0.5")

    postgres_server.stop()
    try:
        release(team, "hold")
        assert process.wait(60) == 1
    finally:
        postgres_server.start()

    assert "This has not passed in 0.5 s" in said(team) and "Traceback" not in said(team)
    nothing_left(mark)
    assert states(team) == ["lost"]
    continued = team.call("flow.py", "continue")
    assert continued.returncode == 0, words(continued)
    assert values(Run("F/1")) == [0, 1, 2]


# SPEC 12.4-1
def test_a_detached_run_is_on_record(team, mark):
    done = team.run("--detach")

    assert done.returncode == 0 and done.stdout == "1\n", words(done)
    until(lambda: states(team) == ["succeeded"], "the run has ended")


# SPEC 12.4-4
def test_runs_that_were_on_record_beside_their_results_are_brought_over_by_reindex(
    plain, address, monkeypatch
):
    touch(plain, "broken")
    assert plain.run().returncode == 1
    release(plain, "broken")
    assert plain.run("--tag", "x").returncode == 0
    monkeypatch.setenv("STEPWELL_DEFAULT_METADATA", address)

    before = plain.call("flow.py", "runs")
    done = [plain.call("-m", "stepwell", "reindex") for _ in range(2)]
    after = plain.call("flow.py", "runs", "--tag", "x")
    third = plain.run()

    assert before.returncode != 0 and "`stepwell reindex` makes it anew" in words(before)
    told = [words(one) for one in done]
    assert all("2 runs and" in text and "postgresql://owner@" in text for text in told), told
    assert SECRET not in "".join(told)
    assert "F/2" in after.stdout and "F/1" not in after.stdout
    assert "(run-id 3)" in words(third)
    assert states(plain) == ["failed", "succeeded", "succeeded"]


# SPEC 10.1-6
def test_the_client_can_be_told_the_address_and_names_it_without_the_password(team, address, monkeypatch):
    assert team.run().returncode == 0
    monkeypatch.setenv("STEPWELL_DEFAULT_METADATA", "local")

    told = metadata(address)

    assert told == get_metadata() == address.replace(f":{SECRET}", "")
    assert Run("F/1").successful


# SPEC 10.1-4
def test_an_object_of_the_client_works_in_another_process_and_does_not_carry_the_password(
    team, tmp_path, monkeypatch
):
    assert team.run().returncode == 0
    (tmp_path / "run.pickle").write_bytes(pickle.dumps(Run("F/1")))
    assert SECRET.encode() not in (tmp_path / "run.pickle").read_bytes()

    code = "import pickle, sys; print(pickle.load(open(sys.argv[1], 'rb')).successful)"
    monkeypatch.chdir("/")
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "run.pickle"], capture_output=True, text=True
    )

    assert done.stdout == "True\n", done.stderr


# SPEC 9.2-2
# SPEC 18.2-2
def test_the_address_can_be_given_on_the_command_line_and_the_password_is_kept_nowhere(plain, address):
    touch(plain, "broken")
    failed = plain.call("flow.py", "--metadata", address, "run")
    release(plain, "broken")
    continued = plain.call("flow.py", "--metadata", address, "continue")
    shown = plain.call("flow.py", "--metadata", address, "show", "1")

    assert (failed.returncode, continued.returncode, shown.returncode) == (1, 0, 0), words(continued)
    told = words(failed) + words(continued) + words(shown)
    assert "--metadata postgresql://owner@" in told and SECRET not in told
    kept = [file.read_bytes() for file in plain.root.rglob("*") if file.is_file()]
    with psycopg.connect(address) as db:
        rows = [db.execute(f"SELECT * FROM stepwell.{name}").fetchall() for name in ("runs", "tasks")]
    kept.append(str(rows).encode())
    assert not [text for text in kept if SECRET.encode() in text]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda a: a.replace(SECRET, "wrong-Wrong"), "password authentication failed"),
        (lambda a: a.replace("/test_", "/absent_"), "Make it first, or correct the address"),
        (lambda a: a.replace(SECRET, "wrong@Wrong"), "write `@` as %40"),
        (lambda a: a.replace("?host=", "?host=/nowhere"), "cannot be reached"),
        (lambda a: "", "Set STEPWELL_POSTGRES_URL, or call `stepwell configure postgres`"),
    ],
    ids=["password", "database", "form", "server", "none"],
)
def test_what_keeps_a_run_from_its_index_is_told_and_nothing_has_run(team, address, change, expected):
    environment = {**os.environ, "STEPWELL_POSTGRES_URL": change(address), "STEPWELL_STORE_PATIENCE": "0.3"}

    for command in ("run", "runs", "continue"):
        done = team.call("flow.py", command, env=environment)
        told = words(done)
        assert done.returncode in (1, 2) and expected in told, told
        assert SECRET not in told and "rong" not in told.replace("Wrong usage", "")
    assert not list(team.path.glob("began-*"))


# SPEC 9.4-2
def test_doctor_tells_whether_the_database_serves(team, address, monkeypatch):
    nothing_yet = team.call("-m", "stepwell", "doctor")
    assert team.run().returncode == 0
    well = team.call("-m", "stepwell", "doctor")
    monkeypatch.setenv("STEPWELL_POSTGRES_URL", address.replace(SECRET, "wrong-Wrong"))
    ill = team.call("-m", "stepwell", "doctor")

    assert (nothing_yet.returncode, well.returncode, ill.returncode) == (0, 0, 1)
    assert "nothing recorded yet" in nothing_yet.stdout
    assert "metadata: postgresql://owner@" in well.stdout and "1 flows, newest run 1" in well.stdout
    assert "FATAL   metadata" in ill.stdout and "password authentication failed" in ill.stdout
    told = words(nothing_yet) + words(well) + words(ill)
    assert SECRET not in told and "wrong-Wrong" not in told


def test_without_the_extra_it_is_named(team, monkeypatch):
    # As where psycopg is installed and the library below it is not.
    team.file("raise ImportError('no pq wrapper available')", "psycopg.py")

    done = team.run(env={**os.environ, "PYTHONPATH": str(team.path)})

    assert done.returncode == 2
    assert "pip install 'stepwell[postgres]'" in words(done)
