"""Commands and clients that only read make nothing."""

from pathlib import Path

import pytest
from command_line import words

CLIENT = """
from stepwell import {what}
{use}
"""


def everything(place: Path) -> set[str]:
    return {str(found.relative_to(place)) for found in place.rglob("*")}


# SPEC 12.1-1
@pytest.mark.parametrize(
    "command",
    [
        ["show", "latest"],
        ["show", "F/1/start"],
        ["logs", "1/start"],
        ["dump", "1/start"],
        ["doctor", "--datastore"],
        ["reindex"],
    ],
    ids=" ".join,
)
def test_a_command_that_reads_makes_no_datastore_and_says_that_there_is_none(folder, command):
    done = folder.call("-m", "stepwell", *command)

    assert done.returncode == 2
    assert f"There is no datastore in {folder.root}" in words(done)
    assert "--datastore-root" in words(done)
    assert not everything(folder.path)


# SPEC 12.1-1
def test_where_there_is_no_datastore_there_are_no_runs(folder):
    listed = folder.call("-m", "stepwell", "runs")
    as_json = folder.call("-m", "stepwell", "runs", "--json")
    checked = folder.call("-m", "stepwell", "doctor")

    assert (listed.returncode, listed.stdout) == (0, "")
    assert "There is no datastore" in words(listed)
    assert (as_json.returncode, as_json.stdout) == (0, "[]\n")
    assert "nothing recorded yet" in words(checked)
    assert not everything(folder.path)


# SPEC 10.1-1, 10.1-6
@pytest.mark.parametrize(
    ("what", "use", "error"),
    [
        ("Flow", "Flow('X')", "StepwellNotFound: There is no datastore in "),
        ("metadata", "metadata('typo/dir')", "typo/dir: there is no such directory"),
        ("Stepwell", "assert list(Stepwell()) == [] and 'X' not in Stepwell()", ""),
    ],
)
def test_a_client_makes_no_datastore(folder, what, use, error):
    done = folder.call("-c", CLIENT.format(what=what, use=use))

    assert error in done.stderr
    assert bool(done.returncode) == bool(error)
    assert not everything(folder.path)


# SPEC 9.5-1
def test_settings_of_a_project_do_not_stand_in_the_way_of_its_first_run(folder):
    folder.flow()
    folder.root.mkdir()
    (folder.root / "config.json").write_text("{}")

    done = folder.run()

    assert done.returncode == 0, words(done)
