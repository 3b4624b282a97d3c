"""Random graphs, orders of completion, room, failures and cancels, held against what the shape says."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_run import Expected, Place, SimulatedRun, Widths, expected_launches

from stepwell.model.states import RunState
from stepwell.scheduling.orders import CancelRunning, Launch
from stepwell.testing.graphs import Choice, Each, Fork, Repeat, Then, graph_of


def _parts(chains):
    # A switch whose ways part leads to the join by each of them.
    bodies = st.one_of(
        chains, st.builds(lambda *parts: (*parts[0], parts[1]), chains, _choices(chains, True))
    )
    splits = [
        st.builds(Each, bodies),
        st.builds(Fork, st.lists(bodies, min_size=2, max_size=3).map(tuple)),
    ]
    return st.one_of(st.just(Then()), *splits, _choices(chains, False), st.builds(Repeat, chains))


def _choices(chains, part: bool):
    case = st.one_of(
        st.none(),
        chains,
        st.builds(Each, chains),
        st.builds(Fork, st.lists(chains, min_size=2, max_size=2).map(tuple)),
    )
    return st.builds(Choice, st.lists(case, min_size=1, max_size=3).map(tuple), st.just(part))


_plain = st.lists(st.just(Then()), max_size=2).map(tuple)
shapes = st.recursive(
    _plain, lambda chains: st.lists(_parts(chains), min_size=1, max_size=3).map(tuple), max_leaves=8
)
seeds = st.integers(0, 10_000)
limits = st.integers(1, 6)
choices = st.randoms(use_true_random=False)


class CheckedRun:
    """A simulated run and the launches that its shape allows."""

    def __init__(self, shape, seed: int) -> None:
        self.run = SimulatedRun(graph_of(shape), Widths(seed))
        self.expected = expected_launches(shape, self.run.widths)

    def check_launches(self) -> None:
        """Each launch is one of the shape's, complete in every field, and none came before its inputs."""
        run, done = self.run, set(self.run.succeeded)
        for launch in run.running.values():
            found = Expected(
                tuple(map(run.place, launch.parents)), launch.index, launch.split and run.place(launch.split)
            )
            assert found == self.expected[run.place_of(launch)]
            assert set(found.needs) <= done | {("_parameters", ())}

    def check_nothing_waits_beside_room(self) -> None:
        run = self.run
        if len(run.running) >= run.limit or run.progress.ending:
            return
        done = {*run.succeeded, ("_parameters", ())}
        ready = {place for place, expected in self.expected.items() if set(expected.needs) <= done}
        assert ready == set(map(run.place_of, run.launched.values()))

    def check_tables(self) -> None:
        """The splits that are kept are those that are open, and the counts agree with what happened."""
        run, done = self.run, set(self.run.succeeded)
        joins = {expected.split: expected for expected in self.expected.values() if expected.split}
        still_open = {
            opener
            for opener, join in joins.items()
            if opener in done and not set(join.needs) <= done and run.progress.ending is None
        }
        assert {
            run.place((split.step, task)) for task, split in run.progress.open_splits.items()
        } == still_open
        assert set(run.progress.running) == set(run.running)
        counts = run.progress.snapshot()
        assert {step: count.done for step, count in counts.items() if count.done} == Counter(
            place[0] for place in run.succeeded
        )
        assert sum(count.running for count in counts.values()) == len(run.running)
        if run.progress.ending is None:
            assert sum(count.waiting for count in counts.values()) == len(run.progress.ready)

    def check_all(self) -> None:
        self.check_launches()
        self.check_nothing_waits_beside_room()
        self.check_tables()

    def check_nothing_is_kept(self) -> None:
        progress = self.run.progress
        assert (len(progress.running), len(progress.ready), len(progress.open_splits)) == (0, 0, 0)


# SPEC 2.3-1, 2.3-4, 2.3-6, 2.5-1, 2.5-2, 2.5-3
@settings(max_examples=100, deadline=None)
@given(shapes, seeds, limits, choices)
def test_a_run_launches_exactly_the_tasks_of_its_shape_and_ends_once(shape, seed, limit, random):
    checked = CheckedRun(shape, seed)
    run = checked.run

    run.begin(limit)
    while run.running:
        checked.check_all()
        if random.random() < 0.2:
            run.find_room(random.randint(1, 6) if len(run.running) > 1 else limit)
        run.succeed(random.choice(list(run.running)))

    assert sorted(map(run.place_of, run.launched.values())) == sorted(checked.expected)
    assert [ending.state for ending in run.endings] == [RunState.SUCCEEDED]
    assert isinstance(run.orders[-1], type(run.endings[0]))
    checked.check_nothing_is_kept()


# SPEC 7.1-7
@settings(max_examples=100, deadline=None)
@given(shapes, seeds, limits, choices)
def test_ids_count_up_in_the_order_of_becoming_ready_and_of_launching(shape, seed, limit, random):
    checked = CheckedRun(shape, seed)
    run = checked.run

    run.begin(limit)
    while run.running:
        run.succeed(random.choice(list(run.running)))

    since: dict[Place, int] = {place: at for at, place in enumerate(run.succeeded, start=1)}
    since["_parameters", ()] = 0
    ready_at = [
        max(since[need] for need in checked.expected[run.place_of(launch)].needs)
        for launch in run.launched.values()
    ]
    assert list(run.launched) == list(range(1, len(run.launched) + 1))
    assert ready_at == sorted(ready_at)
    siblings: dict[tuple, list[int]] = {}
    for launch in run.launched.values():
        if launch.index is not None:
            siblings.setdefault(launch.parents, []).append(launch.index)
    assert all(indexes == list(range(len(indexes))) for indexes in siblings.values())


# SPEC 7.2-8
@settings(max_examples=100, deadline=None)
@given(shapes, seeds, limits, choices, st.integers(0, 30))
def test_after_a_failure_nothing_is_launched_and_the_run_fails_when_the_rest_has_ended(
    shape, seed, limit, random, when
):
    checked = CheckedRun(shape, seed)
    run = checked.run
    run.begin(limit)
    while len(run.running) + len(run.succeeded) < when and len(run.succeeded) < len(checked.expected) - 1:
        checked.check_all()
        run.succeed(random.choice(list(run.running)))

    late = run.fail(random.choice(list(run.running)), "first")
    while run.running:
        assert not run.endings
        checked.check_all()
        end = run.fail if random.random() < 0.3 else run.succeed
        late += run.find_room(9) + end(random.choice(list(run.running)))

    assert not [order for order in late if isinstance(order, Launch)]
    assert [(ending.state, ending.reason) for ending in run.endings] == [(RunState.FAILED, "first")]
    checked.check_nothing_is_kept()


@settings(max_examples=100, deadline=None)
@given(shapes, seeds, limits, choices, st.integers(0, 30))
def test_a_cancel_is_ordered_at_once_and_the_run_is_interrupted_when_all_has_ended(
    shape, seed, limit, random, when
):
    checked = CheckedRun(shape, seed)
    run = checked.run
    run.begin(limit)
    while len(run.succeeded) < min(when, len(checked.expected) - 2):
        run.succeed(random.choice(list(run.running)))
    exit_runs = bool(run.launches_of(run.graph.end))

    orders = run.cancel()
    late = run.cancel()
    while run.running:
        assert not run.endings
        end = run.succeed if random.random() < 0.3 and not exit_runs else run.fail
        late += end(random.choice(list(run.running)))

    assert orders == [CancelRunning("asked")]
    assert not [order for order in late if isinstance(order, Launch | CancelRunning)]
    assert [(ending.state, ending.reason) for ending in run.endings] == [(RunState.INTERRUPTED, "asked")]
    checked.check_nothing_is_kept()
