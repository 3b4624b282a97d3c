"""Results of others can be looked at, and nothing of theirs is run unless one says so."""

import os
import pickle
import subprocess

import pytest
from command_line import words

from stepwell.client.objects import DataArtifact, Run
from stepwell.client.scope import Connection, Scope
from stepwell.client.session import metadata, namespace
from stepwell.exceptions import UntrustedData

FLOW = """
import os
from pathlib import Path
from stepwell import FlowSpec, step

class Trap:
    def __reduce__(self):
        return (os.mkdir, (str(Path(__file__).parent / "sprung"),))

class F(FlowSpec):
    @step
    def start(self):
        self.trap = Trap()
        self.plain = {"a": [1, 2.5, "x"]}
        self.big = b"x" * 100_000
        print("hello")
        self.next(self.work, foreach=["p", "q"])

    @step
    def work(self):
        self.doubled = self.input * 2
        self.next(self.join)

    @step
    def join(self, inputs):
        self.merge_artifacts(inputs, exclude=["doubled"])
        self.next(self.end)

    @step
    def end(self):
        if os.environ.get("FAIL"):
            raise ValueError("as asked")
        if os.environ.get("LOAD"):
            self.trap

if __name__ == "__main__":
    F()
"""
NOBODY = 65534


@pytest.fixture
def theirs(folder):
    """The datastore of another user, with one run that has a trap among its artifacts."""
    if os.geteuid() != 0:
        pytest.skip("only root can give files to another user")
    folder.file(FLOW)
    assert folder.run().returncode == 0
    give_away(folder)
    return folder


def give_away(folder):
    subprocess.run(["chown", "-R", str(NOBODY), str(folder.root)], check=True)


def at(folder, **more):
    return Scope(Connection(f"local@{folder.root}", **more), None)


def sprung(folder):
    return (folder.path / "sprung").exists()


# SPEC 18.2-1
def test_what_others_wrote_is_shown_and_read_as_bytes_and_nothing_of_it_is_run(theirs):
    task = Run("F/1", at(theirs))["start"].task

    shown = {artifact.id: (artifact.preview, artifact.type, artifact.size) for artifact in task}
    stored = task["trap"].bytes()

    assert shown["trap"][:2] == ("<__main__.Trap>", "__main__.Trap")
    assert shown["plain"][0] == "{'a': [1, 2.5, 'x']}"
    assert b"mkdir" in stored and len(stored) == shown["trap"][2]
    assert task.data.plain == {"a": [1, 2.5, "x"]} and task.data.big == b"x" * 100_000
    assert task.stdout == "hello\n"
    assert [step.id for step in Run("F/1", at(theirs))["work"].parent_steps] == ["start"]
    assert [one.data._foreach_stack[0].value for one in Run("F/1", at(theirs))["work"]] == ["q", "p"]
    assert "class Trap" in Run("F/1", at(theirs)).code.flowspec
    with pytest.raises(UntrustedData) as refused:
        task.data.trap
    for word in (
        "'trap' (__main__.Trap)",
        str(theirs.root),
        "nobody",
        "trust=True",
        f"STEPWELL_TRUST={theirs.root}",
    ):
        assert word in str(refused.value)
    assert not sprung(theirs)


# SPEC 18.2-1
def test_an_inherited_artifact_shows_the_preview_of_where_it_was_made(theirs):
    artifact = DataArtifact("F/1/end/5/trap", at=at(theirs))

    assert artifact.preview == "<__main__.Trap>"
    assert not sprung(theirs)


# SPEC 18.2-1
def test_who_says_trust_gets_everything(theirs):
    with pytest.raises(UntrustedData):
        Run("F/1", at(theirs))["start"].task.data.trap
    namespace(None)
    metadata(str(theirs.root), trust=True)

    Run("F/1")["start"].task.data.trap

    assert sprung(theirs)


# SPEC 18.2-1
@pytest.mark.parametrize("trust", ["{root}", "/no/such:{parent}", "all"])
def test_a_setting_of_ones_own_trusts_places(theirs, monkeypatch, trust):
    trust = trust.format(root=theirs.root, parent=theirs.path)
    monkeypatch.setenv("STEPWELL_TRUST", trust)

    Run("F/1", at(theirs))["start"].task.data.trap

    assert sprung(theirs)


# SPEC 18.2-1
def test_a_setting_that_names_another_place_does_not_help_nor_does_a_link_to_it(
    theirs, monkeypatch, tmp_path
):
    trusted = tmp_path / "trusted"
    trusted.mkdir()
    (trusted / ".stepwell").symlink_to(theirs.root)
    monkeypatch.setenv("STEPWELL_TRUST", str(trusted))

    for place in (theirs.root, trusted / ".stepwell"):
        with pytest.raises(UntrustedData):
            Run("F/1", Scope(Connection(f"local@{place}")))["start"].task.data.trap
    assert not sprung(theirs)


# SPEC 18.2-1
def test_a_datastore_cannot_say_that_it_is_trusted(theirs):
    (theirs.root / "config.json").write_text('{"TRUST": "all"}')

    done = theirs.call("-m", "stepwell", "dump", "F/1/start", "--full")

    assert done.returncode == 2
    assert "TRUST in" in done.stderr and "is ignored" in done.stderr
    assert "Not trusted: The artifact" in words(done)
    assert not sprung(theirs)


# SPEC 18.2-1
def test_commands_show_what_they_can_and_refuse_to_load_the_rest(theirs):
    shown = theirs.call("-m", "stepwell", "dump", "F/1/end", "--include", "trap,plain")
    shown_run = theirs.call("-m", "stepwell", "show", "F/1/start")
    filed = theirs.call("-m", "stepwell", "dump", "F/1/start", "--file", "values.pickle")
    trusted = theirs.call(
        "-m", "stepwell", "dump", "F/1/start", "--full", env={**os.environ, "STEPWELL_TRUST": "all"}
    )

    assert shown.returncode == shown_run.returncode == 0
    assert "= <__main__.Trap>" in shown.stdout and "= {'a': [1, 2.5, 'x']}" in shown.stdout
    assert filed.returncode == 2 and "UntrustedData" not in words(filed)
    assert trusted.returncode == 0 and sprung(theirs)


# SPEC 18.2-1
# SPEC 10.3-1
def test_the_exception_of_a_failed_task_of_others_is_told(theirs, monkeypatch):
    monkeypatch.setenv("FAIL", "1")
    assert theirs.run().returncode == 1
    give_away(theirs)

    error = Run("F/2", at(theirs))["end"].task.exception

    assert (error.type, error.exception) == ("builtins.ValueError", "as asked")
    assert 'raise ValueError("as asked")' in str(error)


# SPEC 18.2-1
# SPEC 10.1-4
def test_objects_that_were_pickled_trust_as_before(theirs):
    trusting, wary = (
        pickle.loads(pickle.dumps(DataArtifact("F/1/start/1/trap", at=at(theirs, trust=trust))))
        for trust in (True, None)
    )

    with pytest.raises(UntrustedData):
        wary.data
    assert not sprung(theirs)
    trusting.data
    assert sprung(theirs)


# SPEC 18.2-1
def test_ones_own_datastore_is_trusted_unless_everybody_can_write_to_it_or_one_says_so(folder):
    folder.file(FLOW)
    assert folder.run().returncode == 0
    wary = Run("F/1", at(folder, trust=False))["start"].task
    folder.root.chmod(0o777)
    open_to_all = Run("F/1", at(folder))["start"].task
    for task, why in ((wary, "trust=False"), (open_to_all, "everybody can write")):
        with pytest.raises(UntrustedData, match=why):
            task.data.trap
    assert not sprung(folder)

    folder.root.chmod(0o700)
    Run("F/1", at(folder))["start"].task.data.trap

    assert sprung(folder)


# SPEC 18.2-1
def test_a_run_in_a_datastore_of_others_loads_what_it_made_itself(theirs, monkeypatch):
    monkeypatch.setenv("LOAD", "1")

    done = theirs.run()

    assert done.returncode == 0, words(done)
    assert sprung(theirs)
