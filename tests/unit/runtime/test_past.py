from __future__ import annotations

import pytest

from stepwell.datastore import layout
from stepwell.datastore.datastore import Datastore
from stepwell.metadata_stores.memory import MemoryMetadata
from stepwell.model.foreach import Frame
from stepwell.model.ids import TaskKey
from stepwell.model.pack import Pack
from stepwell.model.run import SPLIT, TaskRecord
from stepwell.model.states import TaskState
from stepwell.model.task import TaskOutcome, TaskRef, TransitionTaken
from stepwell.runtime.past import Past, past_of
from stepwell.scheduling.earlier import SINGLE, inputs_of
from stepwell.storages.memory import MemoryStorage

PARAMETERS = TaskRef("_parameters", "0")
OPENED = TransitionTaken("foreach", ("work",), 2)
WENT_ON = TransitionTaken("linear", ("join",))


class Left:
    """What a run has left, written task by task."""

    def __init__(self) -> None:
        self.storage = MemoryStorage()
        self.datastore = Datastore.open(self.storage)
        self.metadata = MemoryMetadata()

    def pack(
        self, step: str, task: int, parents: tuple[TaskRef, ...], transition: TransitionTaken | None = None,
        split: TaskRef | None = None, index: int | None = None, attempt: int = 0, run: str = "1",
    ) -> Pack:  # fmt: skip
        frames = () if index is None else (Frame("start", "1", "items", 2, index, "x"),)
        outcome = TaskOutcome(
            ok=transition is not None, started_at=1.0, ended_at=2.0, transition=transition,
            index_path=() if index is None else (index,),
        )  # fmt: skip
        pack = Pack(
            key=TaskKey("F", run, step, str(task)), attempt=attempt, outcome=outcome, parents=parents,
            split=split, frames=frames,
        )  # fmt: skip
        (self.datastore.seal if outcome.ok else self.datastore.seal_failure)(pack)
        return pack

    def record(
        self, step: str, task: int, state: TaskState, parents: str, index_path: str = "", **more
    ) -> None:
        self.metadata.save_tasks(
            [
                TaskRecord(
                    flow="F", run="1", step=step, task=str(task), number=task, state=state, parents=parents,
                    index_path=index_path, **more,
                )
            ]
        )  # fmt: skip

    def damage(self, pack: Pack) -> None:
        name = layout.pack_key(pack.key)
        data = self.storage.read(name)
        assert data is not None
        self.storage.replace(name, data[:-1] + bytes([data[-1] ^ 0xFF]))

    def read(self, run: str = "1") -> Past:
        return past_of(self.datastore, self.metadata, "F", run)


@pytest.fixture
def left():
    return Left()


def start(left: Left, run: str = "1") -> TaskRef:
    left.pack("start", 1, (PARAMETERS,), OPENED, run=run)
    return TaskRef("start", "1")


# SPEC 12.2-5
@pytest.mark.parametrize("damaged", [b"", b"x" * 30_000, None])
def test_a_result_whose_value_is_damaged_or_gone_counts_as_lost_and_keeps_its_id_to_itself(left, damaged):
    entry = left.datastore.save("big", b"x" * 20_000)
    pack = Pack(
        key=TaskKey("F", "1", "start", "1"), attempt=0, parents=(PARAMETERS,), own=(entry,),
        outcome=TaskOutcome(ok=True, started_at=1.0, ended_at=2.0, transition=OPENED),
    )  # fmt: skip
    left.datastore.seal(pack)
    left.record("start", 1, TaskState.SUCCEEDED, "_parameters/0")
    assert [task.task for task in left.read().succeeded] == [1]

    left.storage.delete([layout.blob_key(entry.digest)])
    if damaged is not None:
        left.storage.write(layout.blob_key(entry.digest), [damaged])

    found = left.read()
    assert (list(found.succeeded), list(found.unfinished)) == ([], [])
    assert [(record.task, found.last_id) for record in found.lost] == [("1", 1)]


# SPEC 7.3-4
def test_a_join_that_left_no_pack_has_the_place_that_the_index_knows(left):
    start(left)
    left.pack("work", 2, (TaskRef("start", "1"),), WENT_ON, index=0)
    left.record("join", 3, TaskState.LOST, "work/2", fields={SPLIT: "start/1"})

    [join] = left.read().unfinished

    assert (join.step, join.task, join.after, join.index) == ("join", 3, 1, SINGLE)


# SPEC 7.3-1
def test_what_succeeded_has_the_place_that_its_pack_says(left):
    opener = start(left)
    children = [left.pack("work", 2 + i, (opener,), WENT_ON, index=i) for i in range(2)]
    inputs = tuple(TaskRef("work", child.key.task) for child in children)
    left.pack("join", 4, inputs, TransitionTaken("linear", ("end",)), split=opener)

    past = left.read()

    places = {task.task: (task.step, task.after, task.index, task.inputs) for task in past.succeeded}
    assert places == {
        1: ("start", 0, SINGLE, 0),
        2: ("work", 1, 0, 0),
        3: ("work", 1, 1, 0),
        4: ("join", 1, SINGLE, inputs_of((2, 3))),
    }
    assert past.unfinished == [] and past.last_id == 4


# SPEC 7.3-1
def test_what_began_and_did_not_succeed_is_tried_again_under_its_id(left):
    opener = start(left)
    left.pack("work", 2, (opener,), index=0, attempt=1)
    left.record("work", 3, TaskState.RUNNING, "start/1", "1", attempt=2)
    left.record("work", 4, TaskState.WAITING, "start/1", "2")

    past = left.read()

    tried = {task.task: (task.after, task.index, task.attempt, task.transition) for task in past.unfinished}
    assert tried == {2: (1, 0, 2, None), 3: (1, 1, 3, None), 4: (1, 2, 0, None)}
    assert past.last_id == 4


# SPEC 7.3-1
def test_a_join_whose_inputs_the_index_has_in_ranges_is_made_under_a_new_id(left):
    start(left)
    left.record("join", 4, TaskState.RUNNING, "work/2-3")
    left.record("join", 5, TaskState.RUNNING, "left/2,right/3")

    past = left.read()

    assert past.unfinished == [] and past.last_id == 5


# SPEC 7.3-4
@pytest.mark.parametrize("damaged", [True, False])
def test_a_lost_result_is_made_again_under_its_id_only_if_nothing_followed_it(left, damaged):
    opener = start(left)
    children = [left.pack("work", 2 + i, (opener,), WENT_ON, index=i) for i in range(2)]
    left.pack("more", 4, (TaskRef("work", "3"),), WENT_ON)
    for child in children:
        left.record("work", int(child.key.task), TaskState.SUCCEEDED, "start/1", f"{child.frames[0].index}")
        if damaged:
            left.damage(child)
        else:
            left.storage.delete([layout.pack_key(child.key)])

    past = left.read()

    assert {task.task for task in past.succeeded} == {1, 4}
    assert [(task.task, task.index, task.attempt) for task in past.unfinished] == [(2, 0, 1)]
    assert {record.task for record in past.lost} == {"2", "3"}


# SPEC 7.3-1
def test_the_record_of_a_task_is_that_of_the_index_if_it_is_of_the_same_attempt(left):
    start(left)
    left.record("start", 1, TaskState.SUCCEEDED, "_parameters/0", host="here", attempt=0)
    left.pack("work", 2, (TaskRef("start", "1"),), WENT_ON, index=0, attempt=1)
    left.record("work", 2, TaskState.RUNNING, "start/1", "0", host="gone")

    records = left.read().records

    assert records["start", 1].host == "here"
    assert (records["work", 2].state, records["work", 2].attempt) == (TaskState.SUCCEEDED, 1)
    assert records["work", 2].host != "gone"


# SPEC 7.4-4
def test_reused_tasks_are_past_tasks_too_and_their_records_say_where_they_ran(left):
    start(left, run="0")
    left.datastore.reused.write("F", "1", [("start", "1", "0")])
    left.record("start", 1, TaskState.REUSED, "_parameters/0", fields={"origin-run-id": "0"})

    past = left.read()

    assert [task.task for task in past.succeeded] == [1]
    assert past.records["start", 1].run == "0"
    assert past.records["start", 1].state is TaskState.SUCCEEDED


# SPEC 7.3-4
def test_a_damaged_result_of_another_run_counts_as_not_there(left):
    left.damage(left.pack("start", 1, (PARAMETERS,), OPENED, run="0"))
    left.datastore.reused.write("F", "1", [("start", "1", "0")])
    left.record("start", 1, TaskState.REUSED, "_parameters/0")

    past = left.read()

    assert past.succeeded == []
    assert [(task.task, task.attempt) for task in past.unfinished] == [(1, 1)]
