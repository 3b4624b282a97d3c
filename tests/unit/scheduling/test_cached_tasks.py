"""Tasks of cached steps are looked up before they start, and take no room for it."""

from __future__ import annotations

from hypothesis import given, settings
from simulated_run import SimulatedRun, Widths, expected_launches
from test_random_runs import choices, limits, seeds, shapes

from stepwell.model.cache import CachePolicy
from stepwell.model.policy import StepPolicy
from stepwell.model.states import RunState
from stepwell.scheduling.look_ups import AT_ONCE
from stepwell.scheduling.orders import Launch, LookUp
from stepwell.testing.graphs import Each, Then, graph_of

CACHED = StepPolicy(cache=CachePolicy())
WIDE = (Each(()),)


class Wide(Widths):
    def at(self, place):
        return 3 * AT_ONCE


def begun(shape, limit=1, cached=("s1",), widths=None):
    run = SimulatedRun(graph_of(shape), widths or Widths(0), policies=dict.fromkeys(cached, CACHED))
    run.begin(limit)
    return run


@settings(max_examples=100, deadline=None)
@given(shapes, seeds, limits, choices)
def test_whatever_is_cached_the_run_comes_to_every_place_of_its_shape_once(shape, seed, limit, random):
    graph = graph_of(shape)
    widths = Widths(seed)
    cached = {step: CACHED for step in graph.nodes if random.random() < 0.6}
    run = SimulatedRun(graph, widths, policies=cached)
    run.begin(limit)

    while not run.endings:
        deeds = [(run.succeed, task) for task in run.running]
        deeds += [(deed, task) for task in run.asked for deed in (run.hit, run.miss, run.put_off)]
        deed, task = random.choice(deeds)
        deed(task)

    assert run.endings[0].state is RunState.SUCCEEDED
    assert sorted(run.succeeded) == sorted(expected_launches(shape, widths))
    assert not run.progress.asked
    assert not run.progress.put_off
    counts = run.progress.snapshot().values()
    assert sum(count.done for count in counts) == len(run.succeeded)
    assert all(count.waiting == count.running == 0 for count in counts)


# SPEC 7.1-10
def test_a_task_that_is_looked_up_leaves_its_slot_to_others():
    run = begun((Then(), Then()), cached=("s1",))
    run.succeed(1)

    assert list(run.asked) == [2]
    assert not run.running
    run.hit(2)
    assert list(run.running) == [3]


def test_a_task_that_is_looked_up_starts_only_after_a_miss():
    run = begun((Then(),), cached=("s0",))
    assert [type(order) for order in run.orders] == [LookUp]

    orders = run.miss(1)

    assert [type(order) for order in orders] == [Launch]


def test_a_task_that_was_missed_keeps_the_place_of_its_age():
    shape = (Each((Then(),)),)
    run = begun(shape, limit=1, cached=("s1",), widths=Widths(3))
    run.succeed(1)
    first, second, *_ = list(run.asked)

    run.miss(second)
    run.miss(first)
    run.succeed(second)

    assert list(run.running) == [first], "the older one is next, although it was missed later"


def test_of_a_wide_foreach_so_many_are_looked_up_at_once():
    run = begun(WIDE, widths=Wide(0))
    run.succeed(1)

    assert len(run.asked) == AT_ONCE


def test_one_that_waits_for_another_does_not_keep_the_next_from_being_looked_up():
    run = begun(WIDE, widths=Wide(0))
    run.succeed(1)
    first = next(iter(run.asked))

    orders = run.put_off(first)

    assert [type(order) for order in orders] == [LookUp]
    run.hit(first)
    assert run.place_of(run.launched[first]) in run.succeeded


def test_an_answer_that_comes_when_the_run_is_ending_means_nothing():
    run = begun(WIDE, limit=4, widths=Widths(3))
    run.succeed(1)
    hit, missed, *_ = list(run.asked)

    run.cancel()

    assert run.endings
    assert run.hit(hit) == run.miss(missed) == []


def test_a_failed_task_is_tried_again_without_a_look_up():
    from stepwell.model.policy import RetryPolicy

    policy = StepPolicy(cache=CachePolicy(), retry=RetryPolicy(times=1, delay_s=0.0))
    run = SimulatedRun(graph_of((Then(),)), policies={"s0": policy})
    run.begin(1)
    run.miss(1)

    orders = run.fail(1)

    assert [order.attempt for order in orders if isinstance(order, Launch)] == [1]
    assert not run.asked
