"""The index is locked by another process, or its file goes: results are what counts."""

import sqlite3
from contextlib import closing

import pytest
from command_line import until
from injection import KillAtPack, packs_in

pytestmark = pytest.mark.faults


def files_of(index):
    return [index.with_name(index.name + end) for end in ("", "-wal", "-shm")]


# SPEC 7.2-9
@pytest.mark.parametrize("patience_s", [60, 0.2])
@pytest.mark.parametrize("packs", [0, 2, 9, 18])
def test_a_lock_of_another_process_is_waited_for_or_told(trial, tally, packs, patience_s):
    trial.prepare("wide")
    known = trial.runs()
    enough = len(packs_in(trial.folder.path)) + packs

    process = trial.begin("run", env={"STEPWELL_STORE_PATIENCE": str(patience_s)})
    assert process.stdout is not None
    with process, closing(sqlite3.connect(trial.folder.root / "metadata.db", isolation_level=None)) as other:
        while process.poll() is None and len(packs_in(trial.folder.path)) < enough:
            pass
        other.execute("BEGIN IMMEDIATE")
        told = b""
        for line in process.stdout:
            told += line
            if b"Waiting for the store" in line and patience_s > 1:
                other.execute("ROLLBACK")
        code = process.wait(60)
    assert b"is locked by another process" in told
    tally.injected += 1
    assert code in ((0,) if patience_s > 1 else (1, 2)), told
    assert b"Traceback" not in told
    if trial.runs() != known:
        trial.judge(trial.runs()[0]) if code == 0 else trial.go_on()


# SPEC 7.3-4
@pytest.mark.parametrize("packs", [1, 5, 15, 25])
@pytest.mark.parametrize("victim", ["run", "all"])
def test_an_index_that_is_deleted_with_a_killed_run_is_made_anew_from_the_results(trial, victim, packs):
    trial.prepare("wide")
    assert trial.disturb("run", fault=KillAtPack(packs, victim))
    for file in files_of(trial.folder.root / "metadata.db"):
        file.unlink(missing_ok=True)
    trial.tally.injected += 1

    done = trial.folder.call("-m", "stepwell", "reindex")
    assert done.returncode == 0, done.stderr

    trial.go_on()
    trial.judge("1")


# SPEC 7.3-4
def test_an_index_that_is_deleted_under_a_run_is_made_anew_from_the_results(trial, tally):
    trial.prepare("wide")
    process = trial.begin("run")
    assert process.stdout is not None
    with process:
        until(lambda: b"task started" in process.stdout.readline(), "the run has begun")
        for file in files_of(trial.folder.root / "metadata.db"):
            file.unlink(missing_ok=True)
        tally.injected += 1
        told = process.stdout.read().decode()
        assert process.wait(60) in (0, 1), told
    assert "Traceback" not in told

    done = trial.folder.call("-m", "stepwell", "reindex")
    assert done.returncode == 0, done.stderr

    if "run succeeded" in told:
        trial.judge(trial.runs()[0])
    else:
        trial.go_on()
    trial.judge("1")
