"""The index is told in batches."""

import threading

import pytest
from msgspec.structs import replace

from stepwell.datastore.datastore import Datastore
from stepwell.metadata_stores.memory import MemoryMetadata
from stepwell.model.run import STOP_ASKED, RunRecord, TaskRecord
from stepwell.model.states import RunState, TaskState
from stepwell.runtime.pulse import BEAT_S, LOOK_EVERY_S
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


# SPEC 7.2-10
@pytest.mark.parametrize(("wish", "is_heard"), [("7/3", True), ("7/3 force", True), ("7/33", False)])
def test_the_wish_of_another_machine_is_heard_by_the_process_that_it_names(clock, metadata, wish, is_heard):
    run = replace(RUN, pid=7, pid_started=3.0)
    metadata.save_run(replace(run, fields={STOP_ASKED: wish}))
    heard, stopped = threading.Event(), []
    recorder = Recorder(
        metadata, Datastore(MemoryStorage()), run, clock, "never",
        stop=lambda: (stopped.append(wish), heard.set()),
    )  # fmt: skip

    with recorder.beating():
        clock.time = BEAT_S
        heard.wait(60 if is_heard else 2 * LOOK_EVERY_S)

    assert bool(stopped) == is_heard
