"""`dump` and what it is asked for."""

import pickle

import pytest
from command_line import WIDE, words


@pytest.fixture
def ran(folder):
    """A run whose step `work` has one task with an artifact of its own."""
    folder.file(WIDE.format(body="if self.index == 1: self.special = 1\n        self.shared = 2"))
    assert folder.run().returncode == 0
    return folder


# SPEC 9.3-8
def test_artifacts_are_chosen_by_name(ran):
    done = ran.call("flow.py", "dump", "latest/work", "--include", "shared, special")

    assert done.returncode == 0, words(done)
    assert done.stdout.count("shared [") == 40
    assert done.stdout.count("special [") == 1


# SPEC 9.1-3
@pytest.mark.parametrize("address", ["latest/work", "latest/work[0]"])
def test_an_artifact_that_no_task_has_is_told_with_the_nearest_that_one_has(ran, address):
    done = ran.call("flow.py", "dump", address, "--include", "shard")

    assert (done.returncode, done.stdout) == (2, "")
    assert "--include names `shard`" in words(done)
    assert "Did you mean `shared`?" in words(done)


# SPEC 9.3-8
def test_values_are_written_to_a_file(ran):
    done = ran.call("flow.py", "dump", "latest/work[1]", "--file", "values.pkl")

    assert done.returncode == 0, words(done)
    [values] = pickle.loads((ran.path / "values.pkl").read_bytes()).values()
    assert values["special"] == 1
