"""How a decorator of the user's goes on in place of a foreach, a join, a switch or a gang."""

from __future__ import annotations

import pytest
from one_task import Tasks

from stepwell import FlowSpec, UserStepDecorator, parallel, step, user_step_decorator

GIVEN: list[object] = [None]
"""What the decorator under test yields, and returns at its end."""
AFTER: list[object] = [None]


@pytest.fixture(autouse=True)
def nothing_given():
    GIVEN[0] = AFTER[0] = None


@user_step_decorator
def giving(step_name, flow, inputs):
    yield GIVEN[0]
    return AFTER[0]


class Branching(FlowSpec):
    """A foreach, a join and a switch, with a decorator on each."""

    MODE = "fixed"

    @giving
    @step
    def start(self):
        self.items = [1, 2]
        self.next(self.each, foreach="items", min_success=0.5)

    @step
    def each(self):
        self.next(self.join)

    @giving
    @step
    def join(self, inputs):
        self.next(self.choose)

    @giving
    @step
    def choose(self):
        self.kind = "a"
        self.next({"a": self.end, 2: self.other, self.MODE: self.end}, condition="kind", default=self.other)

    @step
    def other(self):
        self.next(self.end)

    @step
    def end(self):
        pass


# SPEC 4.2-4
def test_another_foreach_can_be_given_in_place_of_the_step():
    GIVEN[0] = {"foreach": ["x", "y", "z"]}
    tasks = Tasks(Branching)

    start = tasks.ok("start")

    assert tasks.pack(start).outcome.transition.num_splits == 3
    assert tasks.pack(start).outcome.transition.min_success == 2, "the source says 0.5"


# SPEC 4.2-4
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"foreach": 7}, "cannot be iterated over"),
        ({"foreach": [1], "colour": 1}, "no option 'colour'"),
        ({"foreach": [1], "num_parallel": 2}, "its source says"),
    ],
)
def test_arguments_that_do_not_fit_are_errors(given, said):
    GIVEN[0] = given
    assert said in Tasks(Branching).run("start").error.message


# SPEC 4.2-6
def test_arguments_given_after_the_step_replace_what_it_has_said():
    AFTER[0] = (None, {"foreach": list("abc")})
    tasks = Tasks(Branching)

    start = tasks.ok("start")

    assert tasks.pack(start).outcome.transition.num_splits == 3


# SPEC 4.2-8
def test_a_skipped_foreach_is_that_of_the_source_if_its_artifact_exists():
    GIVEN[0] = {}
    error = Tasks(Branching).run("start").error
    assert "`self.items` is not set, which its foreach iterates over" in error.message

    @user_step_decorator
    def setting(step_name, flow, inputs):
        flow.items = "ab"
        yield {}

    class Skipped(Branching):
        @setting
        @step
        def start(self):
            self.next(self.each, foreach="items")

    tasks = Tasks(Skipped)
    assert tasks.pack(tasks.ok("start")).outcome.transition.num_splits == 2


def chosen(given):
    """Run `choose` with what its decorator yields; return its outcome."""
    GIVEN[0] = None
    tasks = Tasks(Branching)
    start = tasks.ok("start")
    inputs = [tasks.ok("each", [start], index) for index in (0, 1)]
    join = tasks.ok("join", inputs, split=start)
    GIVEN[0] = given
    return tasks.run("choose", [join])


# SPEC 4.2-8
@pytest.mark.parametrize(
    ("given", "target", "case"),
    [
        ({"condition": "a"}, "end", "a"),
        ({"condition": 2}, "other", "2"),
        ({"condition": "fixed"}, "end", "self.MODE"),
        ({"condition": "else"}, "other", "default"),
        ({"target": "other"}, "other", "2"),
    ],
)
def test_who_skips_a_switch_names_the_case(given, target, case):
    taken = chosen(given).transition

    assert (taken.targets, taken.case) == ((target,), case)


# SPEC 4.2-8
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "nobody says which case of its switch to take"),
        ({"target": "each"}, "its switch has no case"),
    ],
)
def test_a_skipped_switch_without_its_case_says_what_there_is(given, said):
    error = chosen(given).error

    assert said in error.message
    assert "The cases are: `a`, `2`, `self.MODE`, `default`" in error.message


# SPEC 4.2-8
def test_a_switch_whose_failure_is_swallowed_goes_by_the_artifact_that_it_has_set():
    class Swallowing(UserStepDecorator):
        def post_step(self, step_name, flow, exception=None):
            return None

    class Failing(FlowSpec):
        @Swallowing
        @step
        def start(self):
            self.kind = "b"
            assert self.kind == "a"
            self.next({"a": self.one, "b": self.end}, condition="kind")

        @step
        def one(self):
            self.next(self.end)

        @step
        def end(self):
            pass

    assert Tasks(Failing).run("start").transition.targets == ("end",)


# SPEC 4.2-3
def test_a_join_gives_its_inputs_to_decorators_and_to_the_function_in_its_place():
    tasks = Tasks(Branching)
    start = tasks.ok("start")
    inputs = [tasks.ok("each", [start], index) for index in (0, 1)]

    def instead(flow, inputs):
        flow.merge_artifacts(inputs)
        flow.count = len(inputs)
        return True

    GIVEN[0] = instead
    join = tasks.ok("join", inputs, split=start)

    assert tasks.value(join, "count") == 2
    assert tasks.pack(join).outcome.transition.targets == ("choose",)


class Ganged(FlowSpec):
    @giving
    @step
    def start(self):
        self.next(self.work, num_parallel=2)

    @parallel
    @step
    def work(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass


# SPEC 4.2-4
def test_who_skips_the_opening_of_a_gang_says_how_many_tasks_it_has():
    GIVEN[0] = {}
    assert "how many tasks its gang has" in Tasks(Ganged).run("start").error.message
    GIVEN[0] = {"num_parallel": 3}
    tasks = Tasks(Ganged)
    assert tasks.pack(tasks.ok("start")).outcome.transition.num_splits == 3
