"""One task of a registered run, and what its end means for the run."""

import pytest
from msgspec.structs import replace
from one_task import FIRST, RUN, Tasks

from stepwell import FlowSpec, step
from stepwell.exceptions import UsageError
from stepwell.metadata_stores.memory import MemoryMetadata
from stepwell.model.ids import TaskKey
from stepwell.model.run import DRIVEN_BY, RunRecord
from stepwell.model.states import RunState, TaskState
from stepwell.model.task import TaskOutcome, TransitionTaken
from stepwell.runtime.clock import SystemClock
from stepwell.runtime.options import RunOptions, RunSettings
from stepwell.runtime.scheduler_run import SchedulerRun
from stepwell.runtime.task_entry import TaskEntry
from stepwell.runtime.task_order import TaskOrder
from stepwell.testing.fake_engine import FakeEngine, FakeTask


class F(FlowSpec):
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


BY_SCHEDULER = {DRIVEN_BY: "scheduler"}
WELL = FakeTask(
    output=(("stdout", b"fine\n"),),
    outcome=TaskOutcome(ok=True, started_at=1.0, ended_at=2.0, transition=TransitionTaken("end")),
)


class Place:
    """A run in memory, and an engine whose tasks do as they are told."""

    def __init__(self, metadata=None, **fields):
        self.tasks = Tasks(F)
        self.metadata = metadata or MemoryMetadata()
        self.metadata.save_run(
            RunRecord(
                flow="F", run=RUN, state=RunState.RUNNING, user="ann", created_at=1.0,
                heartbeat_at=1.0, fields=fields,
            )
        )  # fmt: skip
        self.shown = []

    def run(self, name, parent, does=WELL, **more):
        self.engine = FakeEngine(lambda request: does)
        entry = TaskEntry(
            self.tasks.definition, self.engine, lambda _: (self.tasks.datastore, self.metadata),
            SystemClock(), RunSettings(user="ann"),
        )  # fmt: skip
        order = TaskOrder(run=RUN, step=name, task="t", inputs=(f"{RUN}/{parent[0]}/{parent[1]}",), **more)
        return entry.execute(order, RunOptions(), lambda stream, data: self.shown.append((stream, data)))

    @property
    def state(self):
        return self.metadata.run("F", RUN).state

    def record(self, name):
        return self.metadata.task("F", RUN, name, "t")


# SPEC 9.3-15
def test_the_run_of_a_scheduler_succeeds_with_its_exit_step():
    place = Place(**BY_SCHEDULER)
    first = place.tasks.ok("start")

    result = place.run("end", first)

    assert (result.state, place.state) == (TaskState.SUCCEEDED, RunState.SUCCEEDED)
    assert place.record("end").state is TaskState.SUCCEEDED
    assert place.shown == [("stdout", b"fine\n")]
    assert place.engine.closed


# SPEC 9.3-15
def test_a_task_of_a_run_that_a_run_process_drives_leaves_the_index_alone():
    place = Place()
    first = place.tasks.ok("start")

    result = place.run("end", first)

    assert (result.state, place.state) == (TaskState.SUCCEEDED, RunState.RUNNING)
    assert place.record("end") is None


# SPEC 9.3-15
def test_what_was_committed_and_not_recorded_is_recorded_when_the_task_is_ordered_again():
    place = Place(**BY_SCHEDULER)
    first = place.tasks.ok("start")
    key = place.tasks.ok("end", [first])
    pack = place.tasks.pack(key)
    place.tasks.datastore.seal(replace(pack, key=TaskKey("F", RUN, "end", "t")))

    result = place.run("end", first)

    assert result.again and place.engine.submitted == []
    assert (place.state, place.record("end").state) == (RunState.SUCCEEDED, TaskState.SUCCEEDED)


# SPEC 9.3-15
@pytest.mark.parametrize(
    ("does", "said"),
    [
        (FakeTask(error="there is no room"), "there is no room"),
        (FakeTask(signal=11), "died by signal 11 (SIGSEGV)"),
        (FakeTask(exit_code=3), "exit code 3"),
    ],
)
def test_a_task_that_leaves_no_word_fails_the_run_with_the_cause(does, said):
    place = Place(**BY_SCHEDULER)

    result = place.run("start", FIRST, does)

    assert (result.state, place.state) == (TaskState.FAILED, RunState.FAILED)
    assert said in result.error.message
    assert said in place.metadata.run("F", RUN).reason
    log = place.tasks.datastore.logs.read(TaskKey("F", RUN, "start", "t"), 0, "stderr", None)
    assert said in log.decode()


# SPEC 9.3-15
def test_a_failed_run_stays_failed_until_the_failed_task_is_tried_again():
    place = Place(**BY_SCHEDULER)
    place.run("start", FIRST, FakeTask(exit_code=3))
    first = place.tasks.ok("start")

    other = place.run("end", first, FakeTask(exit_code=4), attempt_limit=1)
    after_other = place.state
    again = place.run("start", FIRST, FakeTask(exit_code=3), attempt=1, attempt_limit=2)

    assert (other.state, after_other) == (TaskState.RETRYING, RunState.FAILED)
    assert (again.state, place.state) == (TaskState.RETRYING, RunState.RUNNING)
    assert place.record("start").attempt == 1


class Busy(MemoryMetadata):
    """Another task of the run beats just before each change of the run, a few times."""

    def __init__(self):
        super().__init__()
        self.times = 3

    def replace_run(self, seen, run):
        if self.times:
            self.times -= 1
            self.beat(run.flow, run.run, (seen.heartbeat_at or 0.0) + 1)
        return super().replace_run(seen, run)


# SPEC 9.3-15
def test_a_run_whose_tasks_beat_meanwhile_moves_on_all_the_same():
    place = Place(Busy(), **BY_SCHEDULER)
    run = SchedulerRun(place.metadata.run("F", RUN), place.tasks.datastore, place.metadata, SystemClock())

    run.end(RunState.FAILED, "because")

    assert (place.state, place.metadata.times) == (RunState.FAILED, 0)
    assert place.metadata.run("F", RUN).reason == "because"


# SPEC 9.3-15
def test_no_task_may_begin_in_a_run_that_has_succeeded():
    place = Place(**BY_SCHEDULER)
    run = SchedulerRun(place.metadata.run("F", RUN), place.tasks.datastore, place.metadata, SystemClock())
    run.end(RunState.INTERRUPTED, "ended")

    run.succeed()

    assert place.state is RunState.SUCCEEDED
    with pytest.raises(UsageError, match="has succeeded"):
        run.begin(again=True)
