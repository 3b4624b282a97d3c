"""Tasks of a gang start together or not at all, and succeed, fail and are tried again together."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_run import SimulatedRun, Widths, expected_launches

from stepwell.model.policy import CatchPolicy, RetryPolicy, StepPolicy
from stepwell.model.states import RunState
from stepwell.model.task import TransitionTaken
from stepwell.scheduling.earlier import Earlier, PastTask
from stepwell.scheduling.orders import EndGang, GiveUpGang, Launch, SealGang
from stepwell.scheduling.progress import Progress
from stepwell.testing.graphs import Choice, Each, Fork, Repeat, Then, Together, graph_of


def _parts(chains):
    return st.one_of(
        st.just(Then()),
        st.just(Together()),
        st.builds(Each, chains),
        st.builds(Repeat, chains),
        st.builds(
            Choice,
            st.lists(st.one_of(st.none(), st.just(Together()), chains), min_size=2, max_size=3).map(tuple),
        ),
        st.builds(Fork, st.lists(chains, min_size=2, max_size=3).map(tuple)),
    )


shapes = st.recursive(
    st.lists(st.sampled_from((Then(), Together())), max_size=2).map(tuple),
    lambda chains: st.lists(_parts(chains), min_size=1, max_size=3).map(tuple),
    max_leaves=8,
)
seeds = st.integers(0, 10_000)
limits = st.integers(1, 6)
choices = st.randoms(use_true_random=False)


class Sized(Widths):
    """Every gang has so many tasks, every foreach two items."""

    def __init__(self, size: int) -> None:
        self.gang_size = size

    def at(self, place) -> int:
        return 2

    def size(self, place) -> int:
        return self.gang_size


class GangRun:
    """A simulated run whose gangs are held to one fate after each fact."""

    def __init__(self, run: SimulatedRun) -> None:
        self.run = run
        self.ended: dict[tuple, list[bool]] = defaultdict(list)

    def end(self, task: int, ok: bool, at: float = 0.0) -> None:
        launch = self.run.running[task]
        if launch.gang is not None:
            self.ended[launch.gang[0], launch.attempt].append(ok)
        before = len(self.run.orders)
        self.run.succeed(task) if ok else self.run.fail(task, at=at)
        self.check(launch, self.run.orders[before:])

    def check(self, launch: Launch, orders: list) -> None:
        started = Counter((one.gang, one.attempt) for one in orders if isinstance(one, Launch) and one.gang)
        assert all(count == gang[1] for (gang, _), count in started.items()), "a part of a gang was launched"
        if launch.gang is None:
            return
        control, size = launch.gang
        ended = self.ended[control, launch.attempt]
        ends = [one for one in orders if isinstance(one, EndGang)]
        if not ended[-1] and False not in ended[:-1]:
            still = {one.task for one in self.run.running.values() if one.gang == launch.gang}
            assert {task for one in ends for task in one.tasks} == still - started_again(orders)
        else:
            assert not ends
        sealed = [one.control for one in orders if isinstance(one, SealGang)]
        assert sealed == ([control] if len(ended) == size and all(ended) else [])


def started_again(orders: list) -> set[int]:
    return {one.task for one in orders if isinstance(one, Launch)}


def begun(chain, limit: int = 10, size: int = 3, **more) -> SimulatedRun:
    run = SimulatedRun(graph_of(chain), Sized(size), **more)
    run.begin(limit)
    return run


# SPEC 2.6-1, 2.6-4
@settings(max_examples=100, deadline=None)
@given(shapes, seeds, limits, choices)
def test_a_run_with_gangs_launches_exactly_the_tasks_of_its_shape(shape, seed, limit, random):
    run = SimulatedRun(graph_of(shape), Widths(seed))
    checked = GangRun(run)

    run.begin(limit)
    while run.running:
        checked.end(random.choice(list(run.running)), ok=True)

    expected = expected_launches(shape, run.widths)
    assert sorted(map(run.place_of, run.launched.values())) == sorted(expected)
    for launch in run.launched.values():
        want = expected[run.place_of(launch)]
        assert tuple(map(run.place, launch.parents)) == want.parents
        assert launch.index == want.index
    assert [ending.state for ending in run.endings] == [RunState.SUCCEEDED]
    assert not run.progress.gangs and not run.progress.open_splits


# SPEC 2.6-4
@settings(max_examples=150, deadline=None)
@given(shapes, seeds, limits, choices, st.integers(0, 2), st.sampled_from([0.0, 5.0]))
def test_a_gang_fails_and_is_tried_again_as_one(shape, seed, limit, random, times, delay):
    policy = StepPolicy(retry=RetryPolicy(times=times, delay_s=delay))
    run = SimulatedRun(graph_of(shape), Widths(seed), policy=policy)
    checked = GangRun(run)
    now = 0.0

    run.begin(limit)
    while run.running or run.progress.retrying:
        now += random.choice([0.0, 1.0, 5.0])
        run.wait(now)
        if run.running:
            checked.end(random.choice(list(run.running)), ok=random.random() > 0.15, at=now)

    attempts: dict[tuple, set] = defaultdict(set)
    for (control, attempt), ends in checked.ended.items():
        attempts[control].add((attempt, all(ends)))
    for tried in attempts.values():
        numbers = sorted(attempt for attempt, _ in tried)
        assert numbers == list(range(len(numbers)))
        assert [attempt for attempt, ok in tried if ok] in ([], [numbers[-1]])
    given_up = [one.control for one in run.orders if isinstance(one, GiveUpGang)]
    assert len(run.endings) == 1
    assert not given_up or run.endings[0].state is RunState.FAILED
    assert not run.progress.gangs and not run.progress.retrying


# SPEC 2.6-4
def test_a_gang_waits_until_all_of_it_fits_and_nothing_that_came_later_goes_before_it():
    run = begun((Fork(((Together(),), (Then(), Then()))),), limit=3, size=3)
    run.succeed(1)
    opener, other = run.launches_of("s1")[0].task, run.launches_of("s4")[0].task

    run.succeed(opener)
    gang_before = run.launches_of("s2")
    run.succeed(other)

    assert gang_before == []
    assert [launch.gang for launch in run.launches_of("s2")] == [
        (gang := run.launches_of("s2")[0].task, 3)
    ] * 3
    assert run.launches_of("s5") == []
    assert gang == run.launches_of("s2")[0].task


# SPEC 2.6-4
def test_of_two_gangs_neither_is_launched_in_part():
    run = begun((Fork(((Together(),), (Together(),))),), limit=4, size=3)
    run.succeed(1)

    for task in list(run.running):
        run.succeed(task)
    at_first = [len(run.launches_of(step)) for step in ("s2", "s5")]
    for task in list(run.running):
        run.succeed(task)

    assert at_first == [3, 0]
    assert [len(run.launches_of(step)) for step in ("s2", "s5")] == [3, 3]


# SPEC 2.6-4, 6.2-3
def test_a_gang_with_more_tasks_than_there_is_room_for_runs_alone():
    run = begun((Together(),), limit=2, size=5)

    run.succeed(1)

    assert len(run.running) == 5


# SPEC 2.6-4
def test_the_others_are_ended_when_one_fails_and_the_run_fails_with_the_first_reason():
    run = begun((Together(),))
    run.succeed(1)

    orders = run.fail(3, "first")
    run.fail(2, "ended")
    rest = run.succeed(4)

    assert orders == [EndGang(2, (2, 4))]
    assert rest[0] == GiveUpGang(2)
    assert [(ending.state, ending.reason) for ending in run.endings] == [(RunState.FAILED, "first")]
    assert run.launches_of("s2") == []


# SPEC 2.6-4, 6.1-1
def test_each_attempt_of_a_gang_knows_how_many_are_left():
    run = begun((Together(),), policy=StepPolicy(retry=RetryPolicy(times=2, delay_s=0.0)))
    run.succeed(1)
    seen = []

    for _ in range(3):
        seen.append([(launch.attempt, launch.retries_left) for launch in run.running.values()])
        for task in list(run.running):
            run.fail(task)

    assert seen == [[(0, 2)] * 3, [(1, 1)] * 3, [(2, 0)] * 3]
    assert [(retry.task, retry.why) for retry in run.retries] == [(2, "retry 1 of 2"), (2, "retry 2 of 2")]


# SPEC 2.6-4, 6.1-4
def test_a_gang_is_caught_as_one_by_one_more_attempt_of_all():
    run = begun((Together(),), policy=StepPolicy(catch=CatchPolicy(var="failure")))
    run.succeed(1)

    run.fail(2, catchable=True)
    run.succeed(3)
    again = [order for order in run.fail(4) if isinstance(order, Launch)]
    for launch in again:
        run.succeed(launch.task)

    assert [(launch.task, launch.attempt, launch.catch) for launch in again] == [
        (2, 1, True),
        (3, 1, True),
        (4, 1, True),
    ]
    assert len(run.launches_of("s2")) == 1


# SPEC 2.3-9, 2.6-4
def test_a_gang_that_fails_loses_the_branch_around_it():
    class Tolerant(Sized):
        def needed(self, place):
            return 1

    run = SimulatedRun(graph_of((Each((Together(),)),)), Tolerant(2))
    run.begin(10)
    run.succeed(1)
    run.succeed(2)
    run.succeed(3)

    run.fail(4)
    run.fail(5)
    run.succeed(6)
    run.succeed(7)
    run.succeed(8)

    joined = run.launches_of("s4")
    assert [(launch.parents, launch.failed) for launch in joined] == [((("s3", 8),), ((0, "s2", 4),))]


# SPEC 7.3-1, 7.4-1
@settings(max_examples=150, deadline=None)
@given(shapes, seeds, limits, choices, st.integers(0, 40))
def test_an_execution_that_goes_on_reuses_a_gang_as_a_whole_or_runs_it_anew_as_a_whole(
    shape, seed, limit, random, when
):
    expected = expected_launches(shape, Widths(seed))
    first = SimulatedRun(graph_of(shape), Widths(seed))
    first.begin(limit)
    while first.running and len(first.succeeded) < when:
        first.succeed(random.choice(list(first.running)))

    run = SimulatedRun(graph_of(shape), Widths(seed), earlier=first.left_behind(expected))
    run.begin(limit)
    while run.running:
        run.succeed(random.choice(list(run.running)))

    whole: dict[tuple, set] = defaultdict(set)
    for place in expected:
        if run.graph.gangs and place[0] in run.graph.gangs:
            whole[place[0], expected[place].parents].add(place in set(run.reused.values()))
    assert all(len(found) == 1 for found in whole.values())
    launched = {run.place_of(launch): launch for launch in run.launched.values()}
    assert launched.keys() | set(run.reused.values()) == expected.keys()
    for place, launch in launched.items():
        before = first.launched.get(launch.task)
        assert before is None or first.place_of(before) == place, "an id stands for two places"
        assert before is None or launch.attempt == before.attempt + 1
    assert [ending.state for ending in run.endings] == [RunState.SUCCEEDED]


# SPEC 2.6-4, 7.3-1
@pytest.mark.parametrize(("known", "ids"), [((0, 1, 2), [2, 3, 4]), ((0, 2), [5, 6, 7]), ((), [5, 6, 7])])
def test_a_gang_keeps_its_ids_if_all_of_them_are_known_to_have_begun(known, ids):
    opened = PastTask("s0", 1, 0, transition=TransitionTaken("gang", ("s1",), 3))
    begun_before = [PastTask("s1", 2 + index, 1, index, attempt=1 + index) for index in known]

    run = begun((Together(),), earlier=Earlier([opened, *begun_before], last_id=4))

    launched = list(run.running.values())
    assert [launch.task for launch in launched] == ids
    assert {launch.attempt for launch in launched} == {3 if len(known) == 3 else 0}
    assert {launch.gang for launch in launched} == {(ids[0], 3)}


# SPEC 2.6-4
@pytest.mark.parametrize("lost", [0, 2])
def test_a_gang_of_which_one_result_is_lost_is_made_anew_as_a_whole(lost):
    opened = PastTask("s0", 1, 0, transition=TransitionTaken("gang", ("s1",), 3))
    went_on = TransitionTaken("linear", ("s2",))
    kept = [PastTask("s1", 2 + index, 1, index, went_on) for index in range(3) if index != lost]

    run = begun((Together(),), earlier=Earlier([opened, *kept], last_id=5))

    assert list(run.reused) == [1]
    assert sorted(run.running) == [6, 7, 8]


def test_a_cancelled_run_ends_when_every_task_of_a_gang_has():
    run = begun((Together(),), policy=StepPolicy(retry=RetryPolicy(times=2)))
    run.succeed(1)

    run.cancel()
    for task in (2, 3, 4):
        assert not run.endings
        run.fail(task)

    assert [ending.state for ending in run.endings] == [RunState.INTERRUPTED]


def test_a_gang_that_waits_for_its_retry_is_forgotten_when_the_run_fails_elsewhere():
    policies = {"s2": StepPolicy(retry=RetryPolicy(times=1, delay_s=60.0))}
    run = begun((Fork(((Together(),), (Then(),))),), size=2, policies=policies)
    run.succeed(1)
    run.succeed(2)
    run.fail(4)
    run.fail(5)

    run.fail(3)

    assert [ending.state for ending in run.endings] == [RunState.FAILED]
    assert not run.progress.gangs


def test_gangs_are_known_to_scheduling_from_the_graph_alone():
    progress = Progress(graph_of((Together(),)))

    assert progress.steps["s0"].kind == "gang"
    assert not progress.ready
