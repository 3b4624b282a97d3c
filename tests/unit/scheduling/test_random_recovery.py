"""Random graphs in which tasks fail: retries, lost branches, executions that go on from an earlier one."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from simulated_run import Place, SimulatedRun, Widths, expected_launches
from test_random_runs import choices, limits, seeds, shapes

from stepwell.model.policy import RetryPolicy, StepPolicy
from stepwell.model.states import RunState
from stepwell.scheduling.earlier import Earlier
from stepwell.scheduling.orders import EndRun, Launch
from stepwell.testing.graphs import Each, Fork, graph_of

PARAMETERS: Place = ("_parameters", ())


class Tolerant(Widths):
    """Each foreach can do without some of its branches, as the seed says."""

    def needed(self, place: Place) -> int | None:
        return (0, 1, None, 0)[self.drawn(place, 7) % 4]


def descendants(expected, of: set[Place]) -> set[Place]:
    """Everything that needs one of these places, directly or not."""
    found: set[Place] = set()
    for place, want in expected.items():  # parents stand before children
        if (set(want.needs) | {want.split}) & (of | found):
            found.add(place)
    return found


# SPEC 6.1-1, 7.1-10
@settings(max_examples=100, deadline=None)
@given(shapes, seeds, limits, choices, st.integers(0, 3), st.sampled_from([0.0, 5.0]))
def test_a_failed_task_is_tried_again_as_often_as_it_may_and_waits_without_taking_room(
    shape, seed, limit, random, times, delay
):
    policy = StepPolicy(retry=RetryPolicy(times=times, delay_s=delay))
    run = SimulatedRun(graph_of(shape), Widths(seed), policy=policy)
    now = 0.0

    run.begin(limit)
    while run.running or run.progress.retrying:
        now += random.choice([0.0, 1.0, 5.0])
        run.wait(now)
        assert len(run.running) == min(limit, len(run.running) + len(run.progress.ready))
        if not run.running:
            assert run.progress.next_due is not None and run.progress.next_due > now
            continue
        task = random.choice(list(run.running))
        run.fail(task, at=now) if random.random() < 0.3 else run.succeed(task)

    tried = Counter(launch.task for launch in run.failed)
    assert all(launch.retries_left == times - launch.attempt for launch in run.launched.values())
    if max(tried.values(), default=0) <= times:
        assert run.endings == [type(run.endings[0])(RunState.SUCCEEDED)]
        assert len(run.retries) == len(run.failed)
    else:
        assert [ending.state for ending in run.endings] == [RunState.FAILED]
        assert max(tried.values()) == times + 1
    assert not run.progress.retrying


# SPEC 7.3-1, 7.4-1, 7.4-6, 7.4-10
@settings(max_examples=150, deadline=None)
@given(shapes, seeds, limits, choices, st.integers(0, 40), st.integers(0, 12))
def test_an_execution_goes_on_from_an_earlier_one_with_nothing_lost_and_nothing_done_twice(
    shape, seed, limit, random, when, excluded
):
    expected = expected_launches(shape, Widths(seed))
    first = SimulatedRun(graph_of(shape), Widths(seed))
    first.begin(limit)
    while first.running and len(first.succeeded) < when:
        first.succeed(random.choice(list(first.running)))
    while first.running and random.random() < 0.7:
        first.fail(random.choice(list(first.running)))
    without = frozenset({f"s{excluded}"}) if excluded % 2 else frozenset()

    run = SimulatedRun(graph_of(shape), Widths(seed), earlier=first.left_behind(expected, without=without))
    run.begin(limit)
    while run.running:
        run.succeed(random.choice(list(run.running)))

    named = {place for place in expected if place[0] in without}
    reusable = set(first.succeeded) - named - descendants(expected, named)
    assert set(run.reused.values()) == reusable
    assert sorted(map(run.place_of, run.launched.values())) == sorted(set(expected) - reusable)
    assert all(run.reused[task] == first.place_of(first.launched[task]) for task in run.reused)
    for launch in run.launched.values():
        want = expected[run.place_of(launch)]
        assert tuple(map(run.place, launch.parents)) == want.parents
        assert (launch.split and run.place(launch.split)) == want.split
        before = first.launched.get(launch.task)
        assert before is None or first.place_of(before) == run.place_of(launch), "an id stands for two places"
        assert launch.attempt == (before.attempt + 1 if before else 0)
    assert [ending.state for ending in run.endings] == [RunState.SUCCEEDED]


# SPEC 7.4-6
@settings(max_examples=100, deadline=None)
@given(shapes, seeds, limits, choices)
def test_nothing_that_followed_a_task_is_reused_if_that_one_is_made_again(shape, seed, limit, random):
    expected = expected_launches(shape, Widths(seed))
    first = SimulatedRun(graph_of(shape), Widths(seed))
    first.begin(limit)
    while first.running:
        first.succeed(random.choice(list(first.running)))
    broken = frozenset(random.sample(list(expected), random.randint(1, min(3, len(expected)))))

    run = SimulatedRun(graph_of(shape), Widths(seed), earlier=first.left_behind(expected, broken=broken))
    run.begin(limit)
    while run.running:
        run.succeed(random.choice(list(run.running)))

    again = broken | descendants(expected, set(broken))
    assert set(run.reused.values()) == set(expected) - again
    assert sorted(map(run.place_of, run.launched.values())) == sorted(again)
    for place in broken - descendants(expected, set(broken)):
        assert run.launched[first.ids[place]].attempt == 1, "it does not keep its id"
    assert [ending.state for ending in run.endings] == [RunState.SUCCEEDED]


class Two(Widths):
    """Each foreach has two items."""

    def at(self, place: Place) -> int:
        return 2


# SPEC 7.4-6
def test_a_join_is_reused_only_with_the_inputs_that_it_had():
    shape = (Each(()),)
    expected = expected_launches(shape, Two(2))
    first = SimulatedRun(graph_of(shape), Two(2))
    first.begin(9)
    while first.running:
        first.succeed(min(first.running))
    past = [first.past_task(place, want) for place, want in expected.items()]
    child = next(task for task in past if task.index == 0)

    run = SimulatedRun(graph_of(shape), Two(2), earlier=Earlier([*past, replace(child, task=50)]))
    run.begin(9)

    assert 50 in run.reused and child.task not in run.reused
    assert [launch.parents[0][1] for launch in run.running.values()] == [50]


# SPEC 7.2-3
@settings(max_examples=100, deadline=None)
@given(shapes, seeds, limits, choices)
def test_with_keep_going_all_that_does_not_depend_on_a_failure_is_executed(shape, seed, limit, random):
    expected = expected_launches(shape, Widths(seed))
    run = SimulatedRun(graph_of(shape), Widths(seed), keep_going=True)

    run.begin(limit)
    while run.running:
        task = random.choice(list(run.running))
        run.fail(task) if random.random() < 0.2 else run.succeed(task)

    broken = {run.place_of(launch) for launch in run.failed}
    never = descendants(expected, broken)
    assert set(map(run.place_of, run.launched.values())) == set(expected) - never
    state = RunState.FAILED if broken else RunState.SUCCEEDED
    assert [ending.state for ending in run.endings] == [state]
    assert not run.progress.open_splits


def fate(expected, broken: set[Place], widths: Widths) -> tuple[set[Place], set[Place]]:
    """Which places never run, and which joins run without some of their branches."""
    never: set[Place] = set()
    partial: set[Place] = set()
    for place, want in expected.items():
        bad = {parent for parent in want.parents if parent in broken or parent in never}
        if want.split is None:
            if bad:
                never.add(place)
            continue
        needed = widths.needed(want.split) if want.parents and is_foreach(expected, want.split) else None
        left = len(want.parents) - len(bad)
        too_few = bool(bad) and (needed is None or left < needed)
        if too_few or want.split in broken | never:
            never.add(place)
        elif bad:
            partial.add(place)
    return never, partial


def is_foreach(expected, opener: Place) -> bool:
    return any(want.index is not None and want.parents == (opener,) for want in expected.values())


# SPEC 2.3-9, 2.3-10
@settings(max_examples=150, deadline=None)
@given(shapes, seeds, limits, choices)
def test_a_tolerant_foreach_is_joined_without_its_failed_branches_if_enough_succeed(
    shape, seed, limit, random
):
    widths = Tolerant(seed)
    expected = expected_launches(shape, widths)
    run = SimulatedRun(graph_of(shape), widths)

    run.begin(limit)
    exit_place = (run.graph.end, ())
    broken: set[Place] = set()
    never, partial = fate(expected, broken, widths)
    while run.running:
        task = random.choice(list(run.running))
        run.fail(task) if random.random() < 0.25 and task > 1 else run.succeed(task)
        broken = {run.place_of(launch) for launch in run.failed}
        never, partial = fate(expected, broken, widths)
        ending = run.progress.ending
        assert (ending is not None and ending.state is RunState.FAILED) == (exit_place in never | broken)

    succeeded = [ending.state for ending in run.endings] == [RunState.SUCCEEDED]
    assert len(run.endings) == 1
    launched = {run.place_of(launch): launch for launch in run.launched.values()}
    if succeeded:
        assert set(launched) == set(expected) - never
    for place in partial & set(launched):
        launch, want = launched[place], expected[place]
        arrived = [parent for parent in want.parents if parent not in broken | never]
        assert list(map(run.place, launch.parents)) == arrived
        assert len(launch.failed) == len(want.parents) - len(arrived)
        assert all(run.place((step, task)) in broken for _, step, task in launch.failed)


def test_a_wide_foreach_that_was_cut_off_launches_only_the_branches_that_are_missing():
    class Wide(Widths):
        def at(self, place: Place) -> int:
            return 1000

    expected = expected_launches((Each(),), Wide(0))
    first = SimulatedRun(graph_of((Each(),)), Wide(0))
    first.begin(8)
    while len(first.succeeded) < 700:
        first.succeed(next(iter(first.running)))

    run = SimulatedRun(graph_of((Each(),)), Wide(0), earlier=first.left_behind(expected))
    orders = run.begin(2000)

    launched = [order for order in orders if isinstance(order, Launch)]
    assert len(run.reused) == 700
    assert sorted(launch.index for launch in launched) == list(range(699, 1000))
    assert len({launch.task for launch in launched} | run.reused.keys()) == 1001


class OneOfTwo(Widths):
    """Two branches, one of which must succeed; in the inner foreach both must."""

    def at(self, place: Place) -> int:
        return 2

    def needed(self, place: Place) -> int | None:
        return 1 if place[0] == "s0" else None


# SPEC 2.3-9
def test_a_split_that_cannot_be_joined_costs_its_branch_of_the_tolerant_foreach_around_it():
    run = SimulatedRun(graph_of((Each((Fork(((), ())),)),)), OneOfTwo(0))
    run.begin(9)
    run.succeed(1)
    run.succeed(2)
    run.succeed(3)

    run.fail(4)
    run.succeed(5)
    for task in (6, 7, 8):
        run.succeed(task)
    orders = run.succeed(9)

    assert run.launched[9].parents == (("s4", 8),)
    assert run.launched[9].failed == ((0, "s2", 4),)
    assert orders == [EndRun(RunState.SUCCEEDED)]
