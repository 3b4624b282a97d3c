"""Workers that several runs share: never more than there are, and nobody is left without."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.scheduling.worker_pool import WorkerPool

RUNS = ("a", "b", "c", "d")


class Shared:
    """A pool, and runs that do as they are told."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.pool = WorkerPool(workers)
        self.held: Counter[str] = Counter()
        self.owed: Counter[str] = Counter()

    def say(self, run: str, returned: int, wanted: int) -> None:
        self.held[run] -= returned
        self.owed[run] = max(0, self.owed[run] - returned)
        self.take(self.pool.tell(run, returned, wanted))

    def leave(self, run: str) -> None:
        self.held.pop(run, None)
        self.owed.pop(run, None)
        self.take(self.pool.leave(run))

    def take(self, changes: dict[str, int]) -> None:
        for run, change in changes.items():
            self.held[run] += max(0, change)
            self.owed[run] += max(0, -change)
        assert all(count >= 0 for count in self.held.values())
        assert self.held.total() + self.pool.free == self.workers


deeds = st.lists(
    st.tuples(st.sampled_from(RUNS), st.sampled_from(("want", "give", "leave")), st.integers(0, 5)),
    max_size=60,
)


# SPEC 9.4-11
@settings(max_examples=150, deadline=None)
@given(st.integers(1, 6), deeds)
def test_runs_never_hold_more_than_there_is_and_all_of_it_comes_back(workers, told):
    shared = Shared(workers)

    for run, deed, number in told:
        if deed == "leave":
            shared.leave(run)
        else:
            given_back = min(number, shared.held[run]) if deed == "give" else 0
            shared.say(run, given_back, number if deed == "want" else 0)
    for run in RUNS:
        shared.leave(run)

    assert shared.pool.free == workers


# SPEC 9.4-11
@settings(max_examples=100, deadline=None)
@given(st.integers(1, 6), st.integers(2, 4))
def test_a_run_that_comes_later_gets_its_even_share_as_tasks_of_others_end(workers, count):
    shared = Shared(workers)
    for run in RUNS[:count]:
        shared.say(run, 0, 100)

    for _ in range(4 * workers):  # tasks end; what is asked back is given back, the rest is used again
        for run in RUNS[:count]:
            if shared.owed[run]:
                shared.say(run, 1, 100)

    held = sorted(shared.held[run] for run in RUNS[:count])
    assert held[-1] - held[0] <= 1
    assert shared.pool.free == 0
