import os
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from stepwell.exceptions import StoreUnavailable
from stepwell.metadata_store.liveness import (
    SCHEDULER_SILENCE_S,
    SILENCE_S,
    effective_state,
    process_started,
    settle,
)
from stepwell.metadata_stores.memory import MemoryMetadata
from stepwell.model.run import RunRecord
from stepwell.model.states import RunState

NOW = 1_000.0
RUN = RunRecord(
    flow="F", run="1", state=RunState.RUNNING, user="ann", created_at=10.0, heartbeat_at=NOW, host="here"
)
needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system has no /proc")


class FullMetadata(MemoryMetadata):
    def replace_run(self, seen, run):
        raise StoreUnavailable("The disk is full.")


@pytest.fixture
def process():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def run_of(pid: int) -> RunRecord:
    started = process_started(pid)
    assert started > 0
    return replace(RUN, pid=pid, pid_started=started)


def gone(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def zombie(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)


# SPEC 12.4-2
@pytest.mark.parametrize("state", [RunState.RUNNING, RunState.PENDING])
def test_a_run_is_lost_when_it_is_silent_for_longer_than_a_minute(state):
    run = replace(RUN, state=state)

    assert SILENCE_S == 60.0
    assert effective_state(run, NOW + 60.0, "there") == state
    assert effective_state(run, NOW + 60.1, "there") == RunState.LOST


def test_a_run_that_never_beat_is_silent_since_it_was_made():
    run = replace(RUN, heartbeat_at=None, created_at=NOW)

    assert effective_state(run, NOW + 60.0, "there") == RunState.RUNNING
    assert effective_state(run, NOW + 60.1, "there") == RunState.LOST


def test_a_heartbeat_by_a_clock_that_is_ahead_is_a_sign_of_life():
    assert effective_state(RUN, NOW - 500.0, "there") == RunState.RUNNING


@pytest.mark.parametrize("state", [state for state in RunState if state.finished])
def test_what_has_ended_stays_as_it_is(state):
    assert effective_state(replace(RUN, state=state), NOW + 10_000.0, "here") == state


@needs_proc
def test_a_run_whose_process_lives_is_running(process):
    assert effective_state(run_of(process.pid), NOW, "here") == RunState.RUNNING


# SPEC 12.4-2
@needs_proc
def test_a_run_whose_process_lives_is_running_however_long_it_is_silent(process):
    run = run_of(process.pid)

    assert effective_state(run, NOW + 10_000.0, "here") == RunState.RUNNING
    assert effective_state(run, NOW + 10_000.0, "there") == RunState.LOST


# SPEC 12.4-2
@needs_proc
@pytest.mark.parametrize("end", [gone, zombie])
def test_a_run_whose_process_has_ended_is_lost_at_once(process, end):
    run = run_of(process.pid)

    end(process)

    assert effective_state(run, NOW, "here") == RunState.LOST


@needs_proc
def test_another_process_of_the_same_number_is_not_taken_for_the_run(process):
    run = run_of(process.pid)

    assert effective_state(replace(run, pid_started=run.pid_started - 1), NOW, "here") == RunState.LOST


@needs_proc
def test_processes_of_other_hosts_are_not_looked_for_here(process):
    run = run_of(process.pid)

    gone(process)

    assert effective_state(run, NOW, "there") == RunState.RUNNING


def test_a_run_whose_process_is_not_known_is_judged_by_its_heartbeat():
    assert effective_state(replace(RUN, pid=0, pid_started=0.0), NOW, "here") == RunState.RUNNING


@needs_proc
def test_the_start_of_a_process_is_read_whatever_its_name(tmp_path):
    program = tmp_path / "a) R 1 (b"
    program.symlink_to(sys.executable)
    with subprocess.Popen([program, "-c", "input()"], stdin=subprocess.PIPE) as odd:
        started = process_started(odd.pid)
        odd.kill()

    assert started >= process_started(os.getpid()) > 0


# SPEC 12.4-3
def test_who_finds_a_run_lost_records_it_with_its_last_sign_of_life():
    store = MemoryMetadata()
    store.save_run(RUN)

    settled = settle(store, RUN, NOW + 75.0, "there")

    assert settled == store.run("F", "1")
    assert (settled.state, settled.finished_at) == (RunState.LOST, NOW)
    assert settled.reason == "no sign of life for 75 s"


@needs_proc
def test_the_reason_names_the_process_that_is_gone(process):
    run = run_of(process.pid)
    store = MemoryMetadata()
    store.save_run(run)

    gone(process)

    assert settle(store, run, NOW, "here").reason == f"its process {process.pid} is gone from here"


def test_a_run_that_is_well_is_returned_as_it_is():
    assert settle(FullMetadata(), RUN, NOW, "here") is RUN


# SPEC 12.4-3
def test_a_run_that_has_beaten_since_it_was_read_is_not_lost():
    store = MemoryMetadata()
    store.save_run(RUN)
    store.beat("F", "1", NOW + 70.0)

    settled = settle(store, RUN, NOW + 75.0, "there")

    assert settled == store.run("F", "1") == replace(RUN, heartbeat_at=NOW + 70.0)


# SPEC 12.4-3
def test_a_run_taken_for_lost_that_beats_again_is_running_again():
    store = MemoryMetadata()
    store.save_run(RUN)
    settle(store, RUN, NOW + 75.0, "there")

    store.beat("F", "1", NOW + 80.0)

    assert store.run("F", "1") == replace(RUN, heartbeat_at=NOW + 80.0)


def test_a_run_is_shown_as_lost_even_if_that_cannot_be_recorded():
    store = FullMetadata()
    store.save_run(RUN)

    assert settle(store, RUN, NOW + 75.0, "there").state == RunState.LOST


# SPEC 12.4-3
def test_a_run_that_a_scheduler_drives_may_be_silent_for_a_day():
    run = replace(RUN, state=RunState.PENDING, fields={"driven-by": "scheduler"})

    assert effective_state(run, NOW + SCHEDULER_SILENCE_S, "there") == RunState.PENDING
    assert effective_state(run, NOW + SCHEDULER_SILENCE_S + 0.1, "there") == RunState.LOST
