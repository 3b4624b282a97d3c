"""The index of a team: real flows, by the command line, with a real PostgreSQL."""

import pickle
import subprocess
import sys

import pytest
from command_line import words

from stepwell.client import Run, get_metadata, metadata

SECRET = "hush-Hush"
FLOW = """
import os
from stepwell import FlowSpec, current, step

class F(FlowSpec):
    @step
    def start(self):
        self.items = range(3)
        self.next(self.work, foreach="items")

    @step
    def work(self):
        {body}
        self.number = self.input
        self.next(self.join)

    @step
    def join(self, inputs):
        self.numbers = sorted(one.number for one in inputs)
        self.next(self.end)

    @step
    def end(self):
        self.me = current.run
        print("this is", current.run, current.task.pathspec)

if __name__ == "__main__":
    F()
"""


@pytest.fixture(scope="module")
def owner(postgres_server):
    """Somebody who may make tables in the databases of these tests, and has a password."""
    postgres_server.do(f"CREATE USER owner PASSWORD '{SECRET}'")
    return "owner"


@pytest.fixture
def address(postgres_server, owner):
    """The address of a database of the test's own, with a password."""
    name = postgres_server.new_database(f"OWNER {owner}")
    yield postgres_server.address(name, owner, SECRET)
    postgres_server.cut(name)
    postgres_server.do(f"DROP DATABASE {name}")


@pytest.fixture
def team(folder, address, monkeypatch):
    """A folder whose runs are on record in the database, as the environment says."""
    monkeypatch.setenv("STEPWELL_DEFAULT_METADATA", "postgres")
    monkeypatch.setenv("STEPWELL_POSTGRES_URL", address)
    monkeypatch.chdir(folder.path)
    folder.file(FLOW.format(body="pass"))
    return folder


def kept_texts(folder):
    """Return all that lies in the datastore."""
    return [file.read_bytes() for file in folder.root.rglob("*") if file.is_file()]


# SPEC 12.4-1
@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_a_run_is_on_record_in_the_database_and_its_tasks_can_look_it_up(team, isolation):
    done = team.run("--isolation", isolation)

    assert done.returncode == 0, words(done)
    assert "this is Run('F/1') F/1/end/6" in done.stdout
    assert not (team.root / "metadata.db").exists()
    run = Run("F/1")
    assert run.successful and run["join"].task["numbers"].data == [0, 1, 2]
    assert run["end"].task["me"].data == run


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
def test_the_address_can_be_given_on_the_command_line_and_the_password_is_kept_nowhere(folder, address):
    folder.file(FLOW.format(body="assert os.path.exists('mended')"))

    failed = folder.call("flow.py", "--metadata", address, "run")
    (folder.path / "mended").touch()
    continued = folder.call("flow.py", "--metadata", address, "continue")
    shown = folder.call("flow.py", "--metadata", address, "show", "1")

    assert (failed.returncode, continued.returncode, shown.returncode) == (1, 0, 0), words(continued)
    said = words(failed) + words(continued) + words(shown)
    assert "--metadata" in said and SECRET not in said
    assert not [text for text in kept_texts(folder) if SECRET.encode() in text]


def test_a_wrong_password_is_told_in_words_at_once(team, address, monkeypatch):
    monkeypatch.setenv("STEPWELL_POSTGRES_URL", address.replace(SECRET, "wrong-Wrong"))

    done = team.run()

    said = words(done)
    assert done.returncode == 2 or done.returncode == 1
    assert "password authentication failed" in said and "wrong-Wrong" not in said
    assert "Waiting" not in said
