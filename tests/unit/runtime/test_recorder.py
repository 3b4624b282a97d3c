"""The index is told in batches."""

import pytest

from stepwell.datastore.datastore import Datastore
from stepwell.metadata_stores.memory import MemoryMetadata
from stepwell.model.run import RunRecord, TaskRecord
from stepwell.model.states import RunState, TaskState
from stepwell.runtime.recorder import TICK_S, Recorder
from stepwell.storages.memory import MemoryStorage

RUN = RunRecord(flow="F", run="1", state=RunState.RUNNING, user="ann", created_at=0.0, heartbeat_at=0.0)


class HandWoundClock:
    def __init__(self):
        self.time = 0.0

    def now(self):
        return self.time


class CountingMetadata(MemoryMetadata):
    def __init__(self):
        super().__init__()
        self.writes = []

    def save_tasks(self, tasks):
        self.writes.append(len(tasks))
        super().save_tasks(tasks)


@pytest.fixture
def clock():
    return HandWoundClock()


@pytest.fixture
def metadata():
    store = CountingMetadata()
    store.save_run(RUN)
    return store


@pytest.fixture
def recorder(clock, metadata):
    return Recorder(metadata, Datastore(MemoryStorage()), RUN, clock, "never")


def task(number, state):
    return TaskRecord(flow="F", run="1", step="work", task=str(number), number=number, state=state)


# SPEC 12.1-3
def test_what_happens_within_a_tick_is_written_at_once_and_each_task_once(recorder, clock, metadata):
    for state in (TaskState.WAITING, TaskState.RUNNING, TaskState.SUCCEEDED):
        for number in range(1000):
            recorder.task(task(number, state))
            recorder.tick()
    before = list(metadata.writes)

    clock.time += TICK_S
    recorder.tick()

    assert (before, metadata.writes) == ([], [1000])
    assert metadata.task("F", "1", "work", "7").state is TaskState.SUCCEEDED


# SPEC 12.1-3
def test_a_tick_with_nothing_to_say_writes_nothing(recorder, clock, metadata):
    for _ in range(5):
        clock.time += TICK_S
        recorder.tick()
    recorder.close()

    assert metadata.writes == []
