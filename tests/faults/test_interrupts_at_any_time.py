"""Ctrl-C, SIGTERM and SIGHUP at any instant: no process is left, nothing is lost, the run says its end."""

import signal

import pytest
from injection import Signal
from stored_runs import stored_run

pytestmark = pytest.mark.faults

TIMES = 8


# SPEC 7.2-4
# SPEC 7.2-5
@pytest.mark.parametrize("command", ["run", "continue"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_any_time_ends_a_command_in_order(trial, tally, chance, number, command):
    trial.prepare("wide")

    for time in range(TIMES):
        known = trial.runs()
        if command == "continue":
            trial.call("run", fault=Signal(0.7 * trial.duration_s, signal.SIGKILL))
            if trial.runs() == known:
                continue
            known = trial.runs()
        after_s = (time + chance.random()) / TIMES * 1.1 * trial.duration_s
        code, said = trial.call(command, fault=Signal(after_s, number))
        if code == 0 or "nothing is left" in said:
            continue
        tally.injected += 1
        assert (code == 130) == ("interrupted" in said) or code == -number, said
        if trial.runs() == known and command == "run":
            continue  # it had not begun
        state = stored_run(trial.folder, trial.runs()[0]).status
        if code == 130 and command == "run":
            assert state == ("succeeded" if "run succeeded" in said else "interrupted"), said
        if code == -number and command == "run":
            assert state == "succeeded", said
        trial.go_on()
