"""Many runs at once in one folder, and some of them are killed."""

import pytest
from command_line import nothing_left
from injection import KillAfter

pytestmark = pytest.mark.faults

AT_ONCE = 20


# SPEC 7.3-2
# SPEC 7.3-4
def test_of_many_runs_at_once_each_has_its_own_results_and_those_killed_go_on(trial, tally, chance):
    trial.prepare("small")
    faults = [KillAfter(chance.uniform(0, 4 * trial.duration_s), "run") for _ in range(AT_ONCE // 2)]
    processes = [trial.begin("run") for _ in range(AT_ONCE)]
    for fault, process in zip(faults, processes[::2], strict=True):
        fault.strike(process, trial.folder.path)

    told = [process.communicate(timeout=300)[0] for process in processes]
    nothing_left(trial.mark)

    codes = [process.returncode for process in processes]
    assert set(codes) <= {0, -9}, told
    tally.injected += codes.count(-9)
    runs = trial.runs()
    assert AT_ONCE + 1 - codes.count(-9) <= len(runs) <= AT_ONCE + 1
    for id in runs:
        code, said = trial.call("continue", id)
        assert code == 0, said
        trial.judge(id)
    assert len(set(runs)) == len(runs)


# SPEC 7.3-2
def test_of_many_that_continue_a_killed_run_at_once_one_does(trial, tally, chance):
    trial.prepare("wide")
    for _ in range(4):
        if not trial.disturb("run", fault=KillAfter(0.8 * trial.duration_s, "all")):
            continue
        id = trial.runs()[0]
        if id == "1":
            continue

        processes = [trial.begin("continue", id) for _ in range(6)]
        told = [process.communicate(timeout=300)[0].decode() for process in processes]

        nothing_left(trial.mark)
        assert {process.returncode for process in processes} <= {0, 2}, told
        trial.judge(id)
