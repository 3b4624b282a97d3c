"""What this version does not have is refused with the way out, wherever it is asked for."""

import os

import pytest
from command_line import words

from stepwell.client import get_metadata, metadata
from stepwell.exceptions import StoreUnavailable, UsageError

MISSING = {
    ("--datastore", "s3"): [
        "datastore",
        "`s3`",
        "command line",
        "stepwell[s3]",
        "`local`",
        "DEFAULT_DATASTORE",
    ],
    ("--metadata", "servce"): [
        "metadata",
        "`servce`",
        "Did you mean `service`?",
        "`local`",
        "DEFAULT_METADATA",
    ],
    ("--environment", "conda"): ["environment", "`conda`", "A later one has it", "DEFAULT_ENVIRONMENT"],
    ("--datastore", "locl"): ["`locl`", "Did you mean `local`?"],
    ("--monitor", "x"): ["monitor", "`x`", "`nullSidecarMonitor`", "DEFAULT_MONITOR"],
    ("--datastore-root", "s3://bucket/secret"): ["DATASTORE_ROOT must be a directory", "`s3://...`"],
}


# SPEC 9.2-2
@pytest.mark.parametrize("command", [("flow.py",), ("-m", "stepwell")], ids=["flow", "stepwell"])
@pytest.mark.parametrize("option", MISSING, ids=" ".join)
def test_a_kind_that_is_not_there_is_a_usage_error_with_what_there_is(folder, option, command):
    folder.flow()
    what = ("run",) if command == ("flow.py",) else ("runs",)

    done = folder.call(*command, *option, *what)

    assert done.returncode == 2
    said = words(done)
    assert [word for word in MISSING[option] if word not in said] == []
    assert "configure show --origin" in said and "secret" not in said
    assert sorted(os.listdir(folder.path)) == ["flow.py"]


# SPEC 9.2-2
@pytest.mark.parametrize("name", ["DEFAULT_DATASTORE", "DEFAULT_METADATA"])
def test_the_client_does_not_read_elsewhere_than_the_settings_say(folder, monkeypatch, name):
    folder.flow()
    assert folder.run().returncode == 0
    monkeypatch.chdir(folder.path)
    said = rf"`s3` \(environment variable STEPWELL_{name}\).*`local`"

    with monkeypatch.context() as inside, pytest.raises(UsageError, match=said):
        inside.setenv(f"STEPWELL_{name}", "s3")
        get_metadata()


# SPEC 10.1-6
# SPEC 9.2-2
@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("s3://bucket/secret", ["`s3://...`", "datastore", "stepwell[s3]"]),
        ("mysql://user:secret@host/db", ["`mysql://...`", "no place of results"]),
        ("", ["''", "no place of results"]),
        ("local@", ["no place of results"]),
    ],
)
def test_a_place_that_cannot_be_opened_is_refused_and_no_password_is_told(spec, said):
    with pytest.raises(UsageError) as refused:
        metadata(spec)

    message = str(refused.value)
    assert [word for word in (*said, "`local@DIRECTORY`") if word not in message] == []
    assert "secret" not in message


# SPEC 10.1-6
def test_a_directory_that_is_not_there_is_not_made_and_the_place_stays(folder, monkeypatch):
    folder.flow()
    assert folder.run().returncode == 0
    monkeypatch.chdir(folder.path)
    before = get_metadata()

    with pytest.raises(StoreUnavailable, match="no such directory"):
        metadata(str(folder.path / "mistyped"))

    assert get_metadata() == before == f"local@{folder.root}"
    assert not (folder.path / "mistyped").exists()


# SPEC 10.1-6
def test_a_directory_may_have_an_at_sign_in_its_name(folder, monkeypatch):
    folder.flow()
    assert folder.call("flow.py", "--datastore-root", "me@work", "run").returncode == 0
    monkeypatch.chdir(folder.path)

    assert metadata("me@work") == metadata(f"local@{folder.path}/me@work") == f"local@{folder.path}/me@work"
