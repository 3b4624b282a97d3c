"""What a run records of the repository that its flow lies in."""

import os
import shutil
import subprocess

import pytest

from stepwell.runtime.surroundings import GitState

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def _git(folder, *words):
    identity = ("-c", "user.name=ada", "-c", "user.email=ada@example.org")
    command = ["git", "-C", str(folder), *identity, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def script(tmp_path):
    file = tmp_path / "project" / "flows" / "flow.py"
    file.parent.mkdir(parents=True)
    file.write_text("1\n")
    return file


@pytest.fixture
def commit(script):
    project = script.parents[1]
    _git(project, "init", "--quiet")
    _git(project, "add", ".")
    _git(project, "commit", "--quiet", "--message", "one")
    return _git(project, "rev-parse", "HEAD")


# SPEC 7.1-6
@needs_git
def test_a_clean_tree_is_told_by_its_commit(script, commit):
    assert GitState(str(script)).info() == commit


# SPEC 7.1-6
@needs_git
def test_a_changed_file_makes_the_tree_dirty_and_a_new_one_does_not(script, commit):
    (script.parent / "new.py").write_text("2\n")
    assert GitState(str(script)).info() == commit

    script.write_text("3\n")
    assert GitState(str(script)).info() == f"{commit}-dirty"


# SPEC 7.1-6
@needs_git
def test_more_changed_files_than_a_pipe_holds_are_no_obstacle(script, commit):
    for number in range(2000):
        (script.parent / f"{number:060}.py").write_text("1\n")
    _git(script.parent, "add", ".")

    assert GitState(str(script)).info() == f"{commit}-dirty"


# SPEC 7.1-6
@needs_git
def test_a_repository_without_a_commit_has_nothing_to_tell(script):
    _git(script.parents[1], "init", "--quiet")

    assert GitState(str(script)).info() == ""


def test_nothing_is_told_outside_a_repository(script):
    assert GitState(str(script)).info() == ""


# SPEC 7.1-6
def test_nothing_is_told_where_there_is_no_git(script, monkeypatch):
    (script.parents[1] / ".git").mkdir()
    monkeypatch.setenv("PATH", str(script.parent))

    assert GitState(str(script)).info() == ""


def _git_that(script, monkeypatch, *lines):
    (script.parents[1] / ".git").mkdir()
    stand_in = script.parent / "git"
    stand_in.write_text("\n".join(("#!/bin/sh", *lines)))
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", str(script.parent), prepend=os.pathsep)


# SPEC 7.1-6
def test_a_git_that_fails_tells_nothing(script, monkeypatch):
    _git_that(script, monkeypatch, "echo '# branch.oid 1234'", "exit 3")

    assert GitState(str(script)).info() == ""


# SPEC 7.1-6
def test_a_git_that_hangs_is_ended_and_tells_nothing(script, monkeypatch):
    _git_that(script, monkeypatch, "echo $$ > pid", "echo '# branch.oid 1234'", "exec sleep 600")
    monkeypatch.chdir(script.parent)

    assert GitState(str(script), patience_s=2.0).info() == ""
    pid = int((script.parent / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


# SPEC 7.1-6
def test_an_answer_that_takes_long_can_be_fetched_later(script, monkeypatch):
    _git_that(
        script, monkeypatch,
        "echo '# branch.oid 1234'",
        "while [ ! -e go ]; do sleep 0.05; done",
        "echo '1 .M N... 100644 100644 100644 1234 1234 flow.py'",
    )  # fmt: skip
    monkeypatch.chdir(script.parent)
    git = GitState(str(script))

    early = git.info(0.2)
    (script.parent / "go").touch()

    assert (early, git.info(), git.info(0.0)) == ("", "1234-dirty", "1234-dirty")


def test_a_git_that_is_not_waited_for_is_ended(script, monkeypatch):
    _git_that(script, monkeypatch, "echo $$ > pid", "echo", "exec sleep 600")
    monkeypatch.chdir(script.parent)
    git = GitState(str(script))
    while not (script.parent / "pid").exists() or not (script.parent / "pid").read_text().strip():
        git.info(0.05)

    git.close()
    git.close()

    pid = int((script.parent / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert git.info() == ""
