"""Who computes a result that others wait for, and when that is believed no more."""

import pytest

from stepwell.datastore.cached_results import CachedResults
from stepwell.metadata_store.liveness import SILENCE_S
from stepwell.model.ids import TaskKey
from stepwell.model.run import DRIVEN_BY, RunRecord
from stepwell.model.states import RunState
from stepwell.runtime.cache_claims import CacheClaims
from stepwell.storages.memory import MemoryStorage

DIGEST = b"d" * 32
OTHER, OWN = TaskKey("F", "1", "work", "a"), TaskKey("F", "2", "work", "b")


class Storage(MemoryStorage):
    """One whose time is told by hand."""

    time = 0.0

    def renew(self, key):
        self.time += 1
        return super().renew(key)

    def written_at(self, key):
        return self.time


class Place:
    def __init__(self):
        self.runs = {}
        self.time = 0.0
        self.cached = CachedResults(Storage())

    def claims(self, own_run=""):
        return CacheClaims(
            self.cached, "ann", lambda flow, run: self.runs.get(run), own_run, lambda: self.time
        )

    def begins(self, run, **fields):
        self.runs[run] = RunRecord(
            flow="F", run=run, state=RunState.RUNNING, user="ann", created_at=0.0, heartbeat_at=0.0,
            fields=fields,
        )  # fmt: skip


@pytest.fixture
def place():
    return Place()


# SPEC 7.5-6
def test_of_equal_tasks_one_has_the_claim_until_it_is_released(place):
    place.begins("1")
    one, other = place.claims(), place.claims()

    assert one.take(DIGEST, OTHER) and not other.take(DIGEST, OWN) and other.is_held(DIGEST)
    one.release(DIGEST)
    assert not other.is_held(DIGEST) and other.take(DIGEST, OWN)


# SPEC 7.5-6
def test_the_claim_of_a_run_that_has_gone_is_taken_over_by_one(place):
    place.claims().take(DIGEST, OTHER)
    place.begins("2")

    assert place.claims().take(DIGEST, OWN)
    assert not place.claims().take(DIGEST, OTHER)


def test_a_claim_of_the_own_run_that_none_of_its_tasks_has_is_left_over(place):
    place.begins("2")
    place.claims().take(DIGEST, TaskKey("F", "2", "work", "of an earlier execution"))

    assert place.claims(own_run="2").take(DIGEST, OWN)


# SPEC 7.5-6
def test_a_task_of_a_scheduler_holds_its_claim_by_signs_of_life(place):
    place.begins("1", **{DRIVEN_BY: "scheduler"})
    holder, waiting = place.claims(), place.claims()
    holder.take(DIGEST, OTHER)

    for _ in range(3):
        assert waiting.is_held(DIGEST)
        place.time += SILENCE_S
        holder.renew(DIGEST)
    assert waiting.is_held(DIGEST)

    place.time += SILENCE_S + 1
    assert not waiting.is_held(DIGEST) and waiting.take(DIGEST, OWN)
