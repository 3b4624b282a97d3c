"""Whatever runs do while a collection goes on, and wherever it is killed: what a kept run refers to stays."""

from hypothesis import given, note, settings
from hypothesis import strategies as st
from worlds import FLOW, Killed, World, finish

from stepwell.metadata_store.store import RunQuery
from stepwell.model.ids import TaskKey
from stepwell.upkeep.retention import DropRule

VALUES = st.lists(st.integers(0, 6), min_size=1, max_size=3)
PLACES = st.integers(0, 3)
PROCESSES = st.one_of(
    st.tuples(st.just("run"), VALUES, st.none(), st.none()),
    st.tuples(st.just("run"), VALUES, PLACES, st.none()),
    st.tuples(st.just("run"), VALUES, st.none(), PLACES),
    st.tuples(st.just("run"), VALUES, PLACES, PLACES),
    st.tuples(st.just("continued"), PLACES, st.integers(0, 6)),
)
HISTORY = st.lists(PROCESSES, min_size=1, max_size=4)
DELETED = st.lists(PLACES, max_size=3)


def runs_in(world):
    return [run for run in reversed(world.metadata.runs(RunQuery())) if run.state.finished]


def chosen(world, place):
    """Return one of the runs that there are; None if there is none."""
    runs = runs_in(world)
    return runs[place % len(runs)] if runs else None


def process_of(world, asked):
    """Return the process that is asked for."""
    if asked[0] == "continued":
        run = chosen(world, asked[1])
        if run is None:
            return iter(())
        world.fail(run.run)
        return world.continued(run.run, asked[2])
    _, values, origin, cached = asked
    origin_run = None if origin is None else chosen(world, origin)
    cached_run = None if cached is None else chosen(world, cached)
    return world.run(
        values,
        None if origin_run is None else origin_run.run,
        None if cached_run is None else TaskKey(FLOW, cached_run.run, "s1", "1"),
    )


def a_world(history):
    world = World()
    for asked in history:
        finish(process_of(world, asked))
    return world


def doomed(world, places):
    return list({run.run: run for place in places if (run := chosen(world, place)) is not None}.values())


def check(world):
    problems = list(world.problems())
    assert not problems, problems


def check_that_nothing_is_left(world):
    """Once all runs are deleted, nothing may be left of them."""
    world.collect(delete=runs_in(world))
    world.collect()
    check(world)
    assert world.stored() == []


# SPEC 12.5-1 12.5-3
@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(PROCESSES, DELETED, st.booleans()), min_size=1, max_size=5))
def test_what_kept_runs_refer_to_survives_any_sequence_of_runs_and_deletions(script):
    world = World()
    for asked, deleted, dry in script:
        finish(process_of(world, asked))
        before = set(world.stored())
        world.collect(delete=doomed(world, deleted), dry_run=dry)
        assert not dry or set(world.stored()) == before
        check(world)

    check_that_nothing_is_left(world)


# SPEC 12.5-1
@settings(max_examples=200, deadline=None)
@given(
    HISTORY,
    DELETED,
    st.lists(st.tuples(PROCESSES, st.integers(0, 8)), min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2), st.integers(1, 6)), max_size=25),
)
def test_what_runs_rely_on_while_a_collection_goes_on_survives_it(history, deleted, begun, schedule):
    world = a_world(history)
    gone = doomed(world, deleted)
    processes = [process_of(world, asked) for asked, _ in begun]
    for process, (_, steps) in zip(processes, begun, strict=True):
        for _ in range(steps):
            next(process, None)
    turns = list(schedule)
    world.wait = turns[0][0] if turns else -1

    def before(_name):
        if not turns:
            return
        if world.wait:
            world.wait -= 1
            return
        _, which, steps = turns.pop(0)
        world.storage.before = lambda name: None
        for _ in range(steps):
            next(processes[which % len(processes)], None)
        world.wait = turns[0][0] if turns else -1
        world.storage.before = before

    world.storage.before = before
    world.collect(delete=gone)
    world.storage.before = lambda name: None
    for process in processes:
        finish(process)

    check(world)
    world.collect()
    check(world)
    check_that_nothing_is_left(world)


# SPEC 12.5-1
@settings(max_examples=200, deadline=None)
@given(HISTORY, DELETED, st.lists(st.integers(1, 120), min_size=1, max_size=3))
def test_a_collection_that_is_killed_anywhere_leaves_nothing_dangling_and_can_be_done_again(
    history, deleted, kills
):
    world = a_world(history)
    gone = doomed(world, deleted)
    for kill in kills:
        world.left = kill

        def before(_name):
            world.left -= 1
            if not world.left:
                raise Killed

        world.storage.before = before
        try:
            world.collect(delete=[run for run in gone if world.record(run.run) is not None])
        except Killed:
            note("killed")
        check(world)

    check_that_nothing_is_left(world)


def at_every_moment(make_process, **asked):
    """Let a process do one thing at every moment of a collection, each time from a start of its own.

    Yields the world once both are through.
    """
    head, moment = 0, 0
    while True:
        world = World()
        finish(world.run([0, 4]))
        finish(world.run([1]))
        process = make_process(world)
        given = {name: value(world) for name, value in asked.items()}  # as it is seen before
        steps = sum(1 for _ in zip(range(head), process, strict=False))
        if steps < head:
            return
        world.left = moment + 1

        def before(_name, world=world, process=process):
            world.left -= 1
            if not world.left:
                world.storage.before = lambda name: None
                finish(process)

        world.storage.before = before
        world.collect(**given)
        world.storage.before = lambda name: None
        is_past = world.left > 0
        finish(process)
        yield world
        head, moment = (head + 1, 0) if is_past else (head, moment + 1)


# SPEC 12.5-1
def test_a_run_is_resumed_whole_or_not_at_all_at_whatever_moment_its_origin_is_deleted():
    resumed = set()
    for world in at_every_moment(
        lambda world: world.run([5], origin="1"), delete=lambda world: [world.record("1")]
    ):
        resumed.add(world.record("3") is not None)
        check(world)
    assert resumed == {True, False}


# SPEC 12.5-1
def test_a_run_is_continued_or_deleted_at_whatever_moment_both_are_asked_for():
    outcomes = set()

    def process(world):
        world.fail("1")
        return world.continued("1", 3)

    for world in at_every_moment(process, delete=lambda world: [world.record("1")]):
        outcomes.add(world.record("1") is not None)
        check(world)
    assert outcomes == {True, False}


# SPEC 12.5-1 12.5-2
def test_a_result_that_is_taken_from_the_cache_is_whole_at_whatever_moment_its_values_are_dropped():
    rule = DropRule("s1/*", 0.0, "s1/* older than 0s")

    def process(world):
        world.collect(delete=[world.record("1")])  # it has equal values
        return world.run([], cached_from=TaskKey(FLOW, "2", "s1", "1"))

    for world in at_every_moment(process, drops=lambda _: {(FLOW, "2"): [rule]}):
        del world.expected["2"]
        world.metadata.delete_run(world.record("2"))
        check(world)
