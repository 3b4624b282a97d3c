"""A loop of many iterations: what is kept of them, and what each costs."""

from __future__ import annotations

import gc
import sys
import tracemalloc

from simulated_run import SimulatedRun, Widths

from stepwell.model.task import TransitionTaken
from stepwell.scheduling.earlier import SINGLE, Earlier, PastTask
from stepwell.scheduling.facts import RoomFound, RunBegan, TaskSucceeded
from stepwell.scheduling.orders import EndRun, Launch, Reuse
from stepwell.scheduling.progress import Progress
from stepwell.scheduling.transitions import advance
from stepwell.testing.graphs import Each, Repeat, Then, graph_of

# s0 leads to a loop of s1, a foreach of s2, and its join s3; s4 is the exit.
GRAPH = graph_of((Repeat((Each(()),)), Then()))
ENTER, TURN, INSIDE = (TransitionTaken("linear", (step,)) for step in ("s1", "s1", "s3"))
OPEN, LEAVE = TransitionTaken("foreach", ("s2",), 2), TransitionTaken("linear", ("s4",))


def after_iterations(many: int) -> Progress:
    """A run at the end of its last iteration; each must launch four tasks, one after another."""
    progress = Progress(GRAPH)
    advance(progress, RoomFound(1))
    orders = advance(progress, RunBegan())
    for number in range(1, 2 + 4 * many):
        [launch] = [order for order in orders if isinstance(order, Launch)]
        assert launch.task == number
        if number == 1 + 4 * many:
            break
        goes = {"s0": ENTER, "s1": OPEN, "s2": INSIDE, "s3": TURN}[launch.step]
        orders = advance(progress, TaskSucceeded(number, goes))
    return progress


def calls_of_last(progress: Progress) -> int:
    """How many functions are called for one more transition."""
    calls = 0

    def count(_frame: object, event: str, _of: object) -> None:
        nonlocal calls
        calls += event == "call"

    [task] = progress.running
    sys.setprofile(count)
    try:
        advance(progress, TaskSucceeded(task, TURN))
    finally:
        sys.setprofile(None)
    return calls


# SPEC 2.4-8
def test_one_more_iteration_costs_the_same_after_one_and_after_thousands():
    assert calls_of_last(after_iterations(1)) == calls_of_last(after_iterations(5_000))


# SPEC 2.4-8
def test_nothing_is_kept_of_iterations_that_are_over():
    def kept(many: int) -> int:
        gc.collect()
        tracemalloc.start()
        try:
            progress = after_iterations(many)
            gc.collect()
            assert (len(progress.running), len(progress.ready), len(progress.open_splits)) == (1, 0, 0)
            return tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()

    kept(10)
    assert kept(1_000) - kept(10) < 4_000


# SPEC 2.4-10
def test_a_loop_of_a_hundred_thousand_iterations_is_taken_over_without_recursion():
    graph = graph_of((Repeat(()), Then()))
    turns = 100_000
    goes = [TransitionTaken("linear", ("s1",))] * turns
    past = [
        PastTask("s0" if number == 1 else "s1", number, number - 1, SINGLE, going)
        for number, going in enumerate(goes, start=1)
    ]
    progress = Progress(graph, earlier=Earlier(past))

    orders = [*advance(progress, RoomFound(4)), *advance(progress, RunBegan())]

    assert sum(isinstance(order, Reuse) for order in orders) == turns
    assert orders[-1] == Launch("s1", turns + 1, (("s1", turns),))
    assert advance(progress, TaskSucceeded(turns + 1, TransitionTaken("linear", ("s2",))))[0].parents == (
        ("s1", turns + 1),
    )


class Once(Widths):
    """Each loop begins again once."""

    def at(self, place) -> int:
        return 2

    def again(self, place, loop: int) -> bool:
        return len(place) < 3


# SPEC 2.4-9
def test_a_loop_in_each_branch_of_a_foreach_ends_when_that_branch_says_so():
    run = SimulatedRun(graph_of((Each((Repeat((Then(),)),)),)), Once(0))

    run.begin(9)
    while run.running:
        run.succeed(max(run.running))

    assert [launch.index_path for launch in run.launches_of("s2")] == [(1,), (1,), (0,), (0,)]
    assert len(run.launches_of("s4")) == 1
    assert isinstance(run.orders[-1], EndRun)
