"""The clock is stepped while a run goes on: its processes read it with an error that a file says."""

import pytest
from injection import INSIDE, KillAtPack, packs_in
from stored_runs import stored_run

pytestmark = pytest.mark.faults

HOUR_S = 3600


def stepped(trial, error_s, *args, packs=None):
    """Run a command whose clock is stepped once there are some more packs; return exit code and words."""
    file = trial.folder.path / "clock"
    file.write_text("0")
    process = trial.begin(*args, env={"PYTHONPATH": INSIDE, "FAULT_CLOCK": str(file)})
    enough = len(packs_in(trial.folder.path)) + packs
    with process:
        while process.poll() is None and len(packs_in(trial.folder.path)) < enough:
            pass
        stepped = process.poll() is None
        file.write_text(str(error_s))
        told = process.communicate(timeout=60)[0].decode()
    assert stepped, told
    trial.tally.injected += 1
    return process.returncode, told


# SPEC 7.3-4
@pytest.mark.parametrize("error_s", [-1, -HOUR_S, -24 * 365 * HOUR_S, HOUR_S])
@pytest.mark.parametrize("graph", ["chain", "wide"])
def test_a_clock_that_is_stepped_harms_no_run(trial, graph, error_s):
    trial.prepare(graph)

    code, said = stepped(trial, error_s, "run", packs=2)

    assert code == 0, said
    assert 'Traceback (most recent call last):\n  File "/' not in said.replace(str(trial.folder.path), "")
    trial.judge(trial.runs()[0])
    run = stored_run(trial.folder, trial.runs()[0])
    assert run.finished and run.successful


# SPEC 7.3-4
@pytest.mark.parametrize("error_s", [-1, -HOUR_S, HOUR_S])
def test_a_run_that_was_killed_before_its_clock_was_stepped_back_goes_on(trial, error_s):
    trial.prepare("wide")
    assert trial.disturb("run", fault=KillAtPack(5, "run"))
    file = trial.folder.path / "clock"
    file.write_text(str(error_s))
    trial.tally.injected += 1

    id = trial.runs()[0]
    code, said = trial.call("continue", id, PYTHONPATH=INSIDE, FAULT_CLOCK=str(file))

    assert code == 0, said
    trial.judge(id)
