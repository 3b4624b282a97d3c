from __future__ import annotations

import sys

import pytest
from simulated_run import SimulatedRun, Widths

from stepwell.definition.graph import Graph, Node
from stepwell.definition.transition import End, Foreach, Linear, Split
from stepwell.exceptions import StepwellInternalError
from stepwell.model.states import RunState
from stepwell.model.task import TransitionTaken
from stepwell.scheduling.facts import RoomFound, RunBegan, TaskFailed, TaskSucceeded
from stepwell.scheduling.orders import CancelRunning, EndRun, Launch
from stepwell.scheduling.progress import Progress, StepCounts
from stepwell.scheduling.transitions import advance
from stepwell.testing.graphs import Each, Fork, Then, graph_of


class Fixed(Widths):
    """Every foreach has as many items as the list says for its step."""

    def __init__(self, **widths: int) -> None:
        self.widths = widths

    def at(self, place) -> int:
        return self.widths[place[0]]


def begun(chain, limit: int = 10, **widths: int) -> SimulatedRun:
    run = SimulatedRun(graph_of(chain), Fixed(**widths))
    run.begin(limit)
    return run


def test_the_entry_inherits_from_the_parameters():
    run = SimulatedRun(graph_of((Then(),)))

    orders = run.begin(1)

    assert orders == [Launch("s0", 1, (("_parameters", 0),))]


def test_nothing_is_launched_before_room_is_found():
    run = SimulatedRun(graph_of((Then(),)))

    orders = run.tell(RunBegan())

    assert orders == []
    assert run.find_room(1) == [Launch("s0", 1, (("_parameters", 0),))]


def test_a_flow_with_one_step_succeeds_with_it():
    run = begun(())

    orders = run.succeed(1)

    assert orders == [EndRun(RunState.SUCCEEDED)]


# SPEC 2.5-3
def test_a_static_join_gets_the_last_step_of_each_branch_in_the_order_of_the_arguments():
    run = begun((Fork(((Then(),), ())), Then()))
    run.succeed(1)

    run.succeed(3)
    run.succeed(2)
    orders = run.succeed(4)

    assert orders == [Launch("s4", 5, (("s2", 4), ("s3", 3)), None, (), ("s0", 1))]


# SPEC 2.3-1
def test_foreach_children_have_consecutive_ids_indexes_and_one_parent():
    run = begun((Each(), Then()), s0=3)

    orders = run.succeed(1)

    assert orders == [Launch("s1", 2 + index, (("s0", 1),), index, (index,)) for index in range(3)]


# SPEC 2.5-2
def test_a_foreach_join_gets_its_inputs_in_item_order_whatever_ends_first():
    run = begun((Each(), Then()), s0=3)
    run.succeed(1)

    run.succeed(4)
    run.succeed(2)
    orders = run.succeed(3)

    assert orders == [Launch("s2", 5, (("s1", 2), ("s1", 3), ("s1", 4)), None, (), ("s0", 1))]


# SPEC 2.3-4
def test_an_empty_foreach_goes_straight_to_its_join():
    run = begun((Each((Then(), Each())), Then()), s0=0)

    orders = run.succeed(1)

    assert orders == [Launch("s5", 2, (), None, (), ("s0", 1))]


# SPEC 2.3-4
def test_an_empty_foreach_inside_a_foreach_is_closed_in_its_own_branch():
    run = begun((Each((Each(),)), Then()), s0=2, s1=0)
    run.succeed(1)

    orders = run.succeed(3)

    assert orders == [Launch("s3", 4, (), None, (1,), ("s1", 3))]


# SPEC 2.5-10
def test_a_join_may_split_again():
    run = begun((Each(), Each()), s0=1, s2=2)
    run.succeed(1)
    run.succeed(2)

    orders = run.succeed(3)

    assert orders == [Launch("s3", 4 + index, (("s2", 3),), index, (index,)) for index in range(2)]


# SPEC 7.1-7
def test_waiting_children_start_in_item_order_before_what_became_ready_later():
    run = begun((Each((Then(),)),), limit=2, s0=3)
    run.succeed(1)

    launched = [run.succeed(2), run.succeed(3), run.succeed(4)]

    assert [[(o.step, o.task, o.index_path) for o in orders] for orders in launched] == [
        [("s1", 4, (2,))],
        [("s2", 5, (0,))],
        [("s2", 6, (1,))],
    ]


# SPEC 7.1-8
def test_less_room_stops_no_task_and_launches_none_until_enough_have_ended():
    run = begun((Each(),), limit=3, s0=5)
    run.succeed(1)

    run.find_room(1)
    launched = [run.succeed(2), run.succeed(3), run.succeed(4)]

    assert [len(orders) for orders in launched] == [0, 0, 1]


def test_cancelling_when_nothing_runs_ends_the_run_at_once():
    run = SimulatedRun(graph_of((Then(),)))
    run.tell(RunBegan())

    orders = run.cancel()

    assert orders == [EndRun(RunState.INTERRUPTED, "asked")]
    assert run.find_room(5) == []


def test_a_failing_run_that_is_cancelled_is_interrupted():
    run = begun((Each(),), s0=2)
    run.succeed(1)
    run.fail(2)

    orders = run.cancel() + run.fail(3)

    assert orders == [CancelRunning("asked"), EndRun(RunState.INTERRUPTED, "asked")]


# SPEC 7.2-8
def test_a_run_has_succeeded_if_its_exit_step_committed_before_a_cancel_reached_it():
    run = begun(())

    orders = run.cancel() + run.succeed(1)

    assert orders == [CancelRunning("asked"), EndRun(RunState.SUCCEEDED)]


def test_after_the_end_room_and_cancels_change_nothing():
    run = begun(())
    run.fail(1, "broken")

    orders = run.cancel() + run.find_room(3)

    assert orders == []
    assert run.progress.ending == EndRun(RunState.FAILED, "broken")


def test_a_run_cancelled_before_it_began_launches_nothing():
    run = SimulatedRun(graph_of((Then(),)))

    orders = run.cancel() + run.begin(5)

    assert orders == [EndRun(RunState.INTERRUPTED, "asked")]


# SPEC 7.2-8
def test_a_run_that_cannot_go_on_fails_with_the_reason_and_does_not_hang():
    nodes = {
        "start": Node("start", Split(("a", "b"))),
        "a": Node("a", End(), splits=("start",)),
        "b": Node("b", Linear("join"), splits=("start",)),
        "join": Node("join", Linear("end"), is_join=True, split="start"),
        "end": Node("end", End()),
    }
    run = SimulatedRun(Graph("start", "end", nodes))
    run.begin(9)
    run.succeed(1)
    run.succeed(2)

    [end] = run.succeed(3)

    assert end.state is RunState.FAILED
    assert "join waits for branches of start/1 (1 missing)" in end.reason
    assert not run.progress.open_splits


@pytest.mark.parametrize(
    "taken",
    [
        TransitionTaken("linear", ("s1",)),
        TransitionTaken("foreach", ("s2",), 1),
        TransitionTaken("linear", ()),
        TransitionTaken("split", ("s1",)),
        TransitionTaken("foreach", ("s1",), -1),
        TransitionTaken("end"),
    ],
)
def test_a_transition_that_the_graph_does_not_have_is_refused_and_changes_nothing(taken):
    run = begun((Each(), Then()), s0=1)

    with pytest.raises(StepwellInternalError, match="s0"):
        advance(run.progress, TaskSucceeded(1, taken))

    assert run.progress.snapshot()["s0"] == StepCounts(running=1)
    assert len(run.succeed(1)) == 1


@pytest.mark.parametrize("fact", [TaskSucceeded(7, TransitionTaken("end")), TaskFailed(7, "")])
def test_the_end_of_a_task_that_does_not_run_is_refused(fact):
    run = begun((Then(),))

    with pytest.raises(StepwellInternalError, match="7"):
        advance(run.progress, fact)


def test_a_run_begins_once():
    run = begun((Then(),))

    with pytest.raises(StepwellInternalError, match="twice"):
        run.tell(RunBegan())


def test_a_branch_that_leads_to_the_join_of_another_split_is_refused():
    nodes = {
        "start": Node("start", Foreach("a", var="x")),
        "a": Node("a", Linear("other"), splits=("start",)),
        "join": Node("join", Linear("end"), is_join=True, split="start"),
        "other": Node("other", Linear("join"), is_join=True, split="elsewhere"),
        "end": Node("end", End()),
    }
    run = SimulatedRun(Graph("start", "end", nodes), Fixed(start=1))
    run.begin(9)
    run.succeed(1)

    with pytest.raises(StepwellInternalError, match="another split"):
        run.succeed(2)


def test_the_snapshot_counts_tasks_by_step():
    run = begun((Each(), Then()), limit=2, s0=5)
    run.succeed(1)
    run.succeed(2)
    run.fail(3)

    counts = run.progress.snapshot()

    assert counts["s0"] == StepCounts(done=1)
    assert counts["s1"] == StepCounts(waiting=2, running=1, done=1, failed=1)
    assert list(counts) == ["s0", "s1", "s2", "s3"]


def test_a_waiting_foreach_child_costs_no_object():
    progress = Progress(graph_of((Each(), Then())))
    advance(progress, RoomFound(1))
    advance(progress, RunBegan())
    before = sys.getallocatedblocks()

    orders = advance(progress, TaskSucceeded(1, TransitionTaken("foreach", ("s1",), 1_000_000)))

    assert len(orders) == 1
    assert sys.getallocatedblocks() - before < 100


def test_a_task_that_waits_further_down_a_branch_costs_no_object():
    run = begun((Each((Then(),)), Then()), limit=1, s0=2_000)
    run.succeed(1)
    progress, taken = run.progress, TransitionTaken("linear", ("s2",))
    advance(progress, TaskSucceeded(2, taken))
    before = sys.getallocatedblocks()

    for task in range(3, 1_900):
        advance(progress, TaskSucceeded(task, taken))

    assert progress.snapshot()["s2"].waiting == 1_898
    assert sys.getallocatedblocks() - before < 100
