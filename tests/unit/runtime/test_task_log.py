"""The output of running tasks is stored while they run."""

import pytest

from stepwell.datastore.datastore import Datastore
from stepwell.engine.handle import TaskHandle, TaskOutput
from stepwell.model.ids import TaskKey
from stepwell.runtime.events import LineSoFar, TaskLine
from stepwell.runtime.task_log import TaskLogs
from stepwell.storages.memory import MemoryStorage

KEY = TaskKey("F", "1", "start", "1")


class HandWoundClock:
    def __init__(self):
        self.time = 0.0

    def now(self):
        return self.time


@pytest.fixture
def clock():
    return HandWoundClock()


@pytest.fixture
def datastore():
    return Datastore.open(MemoryStorage())


@pytest.fixture
def told():
    return []


@pytest.fixture
def logs(datastore, clock, told):
    return TaskLogs(datastore, clock, told.append, 1_000_000)


def output(data, stream="stdout", at=0.0):
    return TaskOutput(TaskHandle(KEY, 0), stream, at, data)


# SPEC 8.1-2
@pytest.mark.parametrize("printed", [b"a line\n", b"no end yet"])
def test_what_a_task_prints_is_stored_within_a_second(logs, datastore, clock, printed):
    log = logs.open(KEY, 0, 7)
    clock.time = 10.0
    log.feed(output(printed))
    logs.tick()
    stored_at_once = datastore.logs.read(KEY, 0, "stdout")

    while not datastore.logs.read(KEY, 0, "stdout"):
        clock.time += logs.patience_s  # as long as the run process may sleep
        assert clock.time <= 11.0
        logs.tick()

    assert stored_at_once == b""
    assert datastore.logs.read(KEY, 0, "stdout") == printed


def test_a_task_that_ends_soon_is_stored_once(logs, datastore, clock):
    log = logs.open(KEY, 0, 7)
    log.feed(output(b"short\n"))
    log.close(0.1)
    clock.time = 5.0
    logs.tick()

    assert logs.patience_s == 1.0
    assert datastore.logs.read(KEY, 0, "stdout") == b"short\n"


# SPEC 8.1-3
def test_a_progress_bar_is_told_while_it_moves_and_once_as_a_line(logs, clock, told):
    log = logs.open(KEY, 0, 7)
    for percent in range(0, 100, 10):
        log.feed(output(b"\r%d%%" % percent))
        clock.time += 0.2
        logs.tick()
    log.feed(output(b"\rdone\n"))
    log.close(clock.time)

    states = [event.text for event in told if isinstance(event, LineSoFar)]
    assert 2 <= len(states) < 10
    assert set(states) < {f"{percent}%" for percent in range(0, 100, 10)}
    assert [event.text for event in told if isinstance(event, TaskLine)] == ["done"]
