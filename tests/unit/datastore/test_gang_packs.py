"""The results of a gang count together."""

from __future__ import annotations

import pytest

from stepwell.datastore.datastore import Datastore
from stepwell.datastore.gang_packs import prepare, prepared_by, seal
from stepwell.exceptions import AlreadyCommitted
from stepwell.model.ids import TaskKey, member_id, member_of
from stepwell.model.pack import Pack
from stepwell.model.task import GangPlace, TaskOutcome, TransitionTaken
from stepwell.storages.memory import MemoryStorage

WELL = TaskOutcome(ok=True, started_at=1.0, ended_at=2.0, transition=TransitionTaken("linear", ("join",)))
KEYS = [TaskKey("F", "1", "train", member_id("7", index)) for index in range(2)]


@pytest.fixture
def datastore():
    return Datastore.open(MemoryStorage())


def pack(index: int, attempt: int = 0) -> Pack:
    return Pack(key=KEYS[index], attempt=attempt, outcome=WELL, gang=GangPlace("7", 2, index))


# SPEC 2.6-4, 12.3-1
def test_what_one_has_prepared_counts_as_a_failure_until_it_is_sealed(datastore):
    prepare(datastore, pack(0))

    assert datastore.pack(KEYS[0]) is None
    waiting = datastore.pack(KEYS[0], 0)
    assert (waiting.outcome.ok, waiting.outcome.transition, waiting.prepared) == (False, None, WELL)

    (sealed,) = seal(datastore, prepared_by(datastore, KEYS, 0))

    assert sealed == datastore.pack(KEYS[0]) == pack(0)
    assert datastore.failures(KEYS[0]) == []


# SPEC 12.3-1
def test_sealing_twice_is_sealing_once(datastore):
    prepare(datastore, pack(0))
    prepared = list(prepared_by(datastore, KEYS, 0))

    assert list(seal(datastore, prepared)) == list(seal(datastore, prepared)) == [pack(0)]


# SPEC 12.3-1
def test_of_two_attempts_the_one_that_is_sealed_wins(datastore):
    prepare(datastore, pack(0, attempt=0))
    prepare(datastore, pack(0, attempt=1))

    list(seal(datastore, prepared_by(datastore, KEYS, 1)))

    assert datastore.pack(KEYS[0]).attempt == 1
    with pytest.raises(AlreadyCommitted):
        list(seal(datastore, prepared_by(datastore, KEYS, 0)))
    assert datastore.pack(KEYS[0]).attempt == 1


# SPEC 2.6-2
def test_the_first_task_of_a_gang_has_a_usual_id_and_the_others_are_named_after_it():
    assert [member_id("7", index) for index in range(3)] == ["7", "7_node_1", "7_node_2"]
    assert [member_of(id) for id in ("7", "7_node_1", "t-a_node_12", "_node_1", "7_node_x", "7_node_0")] == [
        None,
        ("7", 1),
        ("t-a", 12),
        None,
        None,
        None,
    ]
