import time

import pytest

from stepwell.datastore.datastore import Datastore
from stepwell.exceptions import StoreUnavailable
from stepwell.metadata_stores.memory import MemoryMetadata
from stepwell.model.run import RunRecord
from stepwell.model.states import RunState
from stepwell.runtime.pulse import BEAT_S
from stepwell.runtime.recorder import Recorder
from stepwell.storages.memory import MemoryStorage

RUN = RunRecord(flow="F", run="1", state=RunState.RUNNING, user="ann", created_at=100.0, heartbeat_at=100.0)


class WoundClock:
    def __init__(self):
        self.at = 100.0

    def now(self):
        return self.at


class FullMetadata(MemoryMetadata):
    def beat(self, flow, run, at):
        raise StoreUnavailable("The disk is full.")


def recorder_of(metadata, clock):
    recorder = Recorder(metadata, Datastore(MemoryStorage()), RUN, clock, "batch")
    recorder.save_run()
    return recorder


def until(true):
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# SPEC 12.4-3
def test_a_run_beats_while_its_loop_is_held_up():
    metadata, clock = MemoryMetadata(), WoundClock()
    recorder = recorder_of(metadata, clock)

    with recorder.beating():
        clock.at += BEAT_S
        until(lambda: metadata.run("F", "1").heartbeat_at == 110.0)
        clock.at += BEAT_S
        until(lambda: metadata.run("F", "1").heartbeat_at == 120.0)


def test_a_beat_that_cannot_be_recorded_is_told_to_the_loop():
    clock = WoundClock()
    recorder = recorder_of(FullMetadata(), clock)

    def told():
        try:
            recorder.tick()
        except StoreUnavailable:
            return True
        return False

    with recorder.beating():
        clock.at += BEAT_S
        until(told)


def test_a_run_that_is_over_beats_no_more():
    metadata, clock = MemoryMetadata(), WoundClock()
    recorder = recorder_of(metadata, clock)

    with recorder.beating():
        recorder.close()
        clock.at += BEAT_S
        recorder.close()

    assert metadata.run("F", "1").heartbeat_at == 100.0


@pytest.mark.parametrize("fsync", ["always", "batch"])
def test_what_was_committed_is_on_disk_when_the_recorder_is_closed(fsync):
    synced = []

    class Storage(MemoryStorage):
        def sync(self):
            synced.append(True)

    recorder = Recorder(MemoryMetadata(), Datastore(Storage()), RUN, WoundClock(), fsync)
    with recorder.beating():
        recorder.committed()
        recorder.close()

    assert synced
