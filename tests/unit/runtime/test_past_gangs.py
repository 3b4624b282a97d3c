"""What is left of gangs: all of one counts, or nothing of it."""

from __future__ import annotations

import pytest
from test_past import OPENED, PARAMETERS, Left

from stepwell.datastore import layout
from stepwell.datastore.gang_packs import prepare, prepared_by, seal
from stepwell.model.foreach import Frame
from stepwell.model.ids import TaskKey
from stepwell.model.pack import Pack
from stepwell.model.run import TaskRecord
from stepwell.model.states import TaskState
from stepwell.model.task import GangPlace, TaskOutcome, TaskRef, TransitionTaken
from stepwell.scheduling.earlier import SINGLE

ASKED = TransitionTaken("gang", ("train",), 3)
WELL = TaskOutcome(ok=True, started_at=1.0, ended_at=2.0, transition=TransitionTaken("linear", ("join",)))
KEYS = [TaskKey("F", "1", "train", id) for id in ("2", "2_node_1", "2_node_2")]


@pytest.fixture
def left():
    left = Left()
    left.pack("start", 1, (PARAMETERS,), ASKED)
    return left


def prepare_some(left: Left, *indexes: int, attempt: int = 0) -> None:
    for index in indexes:
        pack = Pack(
            key=KEYS[index], attempt=attempt, outcome=WELL, parents=(TaskRef("start", "1"),),
            frames=(Frame("start", "1", None, 3, index),), gang=GangPlace("2", 3, index),
        )  # fmt: skip
        prepare(left.datastore, pack)


def seal_some(left: Left, *indexes: int) -> None:
    list(seal(left.datastore, prepared_by(left.datastore, [KEYS[index] for index in indexes], 0)))


# SPEC 2.6-4, 12.3-1
@pytest.mark.parametrize("sealed", [(), (1,), (0, 2), (0, 1, 2)])
def test_a_gang_whose_tasks_all_have_a_result_has_succeeded_whoever_seals_it(left, sealed):
    prepare_some(left, 0, 1, 2)
    seal_some(left, *sealed)

    past = left.read()

    assert {(task.task, task.after, task.index) for task in past.succeeded} == {
        (1, 0, SINGLE),
        (2, 1, 0),
        (3, 1, 1),
        (4, 1, 2),
    }
    assert past.unfinished == [] and past.names == {3: "2_node_1", 4: "2_node_2"}
    assert all(left.datastore.pack(key).outcome == WELL for key in KEYS)


# SPEC 2.6-4
def test_a_gang_of_which_one_has_no_result_is_tried_again_as_a_whole(left):
    prepare_some(left, 0, 2)
    for index, key in enumerate(KEYS):
        left.metadata.save_tasks(
            [
                TaskRecord(
                    flow="F", run="1", step="train", task=key.task, number=2 + index,
                    state=TaskState.RUNNING, parents="start/1", index_path=str(index),
                )
            ]
        )  # fmt: skip

    past = left.read()

    assert [task.task for task in past.succeeded] == [1]
    tried = {task.task: (task.after, task.index, task.attempt) for task in past.unfinished}
    assert tried == {2: (1, 0, 1), 3: (1, 1, 1), 4: (1, 2, 1)}
    assert all(left.datastore.pack(key) is None for key in KEYS)


# SPEC 12.2-5
def test_a_gang_of_which_one_has_lost_a_value_is_not_sealed_in_part(left):
    prepare_some(left, 0, 1)
    entry = left.datastore.save("big", b"x" * 20_000)
    pack = Pack(
        key=KEYS[2], attempt=0, outcome=WELL, parents=(TaskRef("start", "1"),), own=(entry,),
        frames=(Frame("start", "1", None, 3, 2),), gang=GangPlace("2", 3, 2),
    )  # fmt: skip
    prepare(left.datastore, pack)
    left.storage.delete([layout.blob_key(entry.digest)])

    past = left.read()

    assert [task.task for task in past.succeeded] == [1]
    assert all(left.datastore.pack(key) is None for key in KEYS)


# SPEC 2.6-4
def test_results_of_different_attempts_make_no_gang(left):
    prepare_some(left, 0, 1, attempt=0)
    prepare_some(left, 2, attempt=1)

    past = left.read()

    assert [task.task for task in past.succeeded] == [1]
    assert {task.task: task.attempt for task in past.unfinished} == {2: 1, 3: 1, 4: 2}
    assert OPENED.fans_out and ASKED.fans_out
