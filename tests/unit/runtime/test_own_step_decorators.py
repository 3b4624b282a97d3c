"""What users' own decorators do around a step, and in its place."""

from __future__ import annotations

import pytest
from one_task import Tasks

from stepwell import USER_SKIP_STEP, FlowSpec, UserStepDecorator, step, user_step_decorator

SEEN: list[object] = []
GIVEN: list[object] = [None]
"""What the decorator under test yields, and afterwards does."""
AFTER: list[object] = [None]


@pytest.fixture(autouse=True)
def nothing_seen():
    SEEN.clear()
    GIVEN[0] = AFTER[0] = None


@user_step_decorator
def giving(step_name, flow, inputs):
    SEEN.append(f"giving before {step_name}")
    yield GIVEN[0]
    SEEN.append(f"giving after {step_name}")
    return AFTER[0]


@user_step_decorator
def inner(step_name, flow, inputs):
    SEEN.append(f"inner before {step_name}")
    yield
    SEEN.append(f"inner after {step_name}")


class Listening(UserStepDecorator):
    """The class form, which does what the test says."""

    def init(self, *names, **more):
        self.names, self.more = names, more

    def pre_step(self, step_name, flow, inputs=None):
        SEEN.append(("before", step_name, self.names, self.more))
        if isinstance(GIVEN[0], bool | dict):
            self.skip_step = GIVEN[0]
            return None
        return GIVEN[0]

    def post_step(self, step_name, flow, exception=None):
        SEEN.append(("after", step_name, exception))
        return AFTER[0](exception) if callable(AFTER[0]) else AFTER[0]


def flow_of(decorate, body=lambda self: SEEN.append("step"), onward=None):
    """A flow whose step `work` is decorated: start -> work -> end."""

    class Plain(FlowSpec):
        @step
        def start(self):
            self.base = 1
            self.next(self.work)

        @decorate
        @step
        def work(self):
            body(self)
            self.next(self.end)

        @step
        def end(self):
            pass

    return Tasks(Plain)


def worked(tasks):
    return tasks.run("work", [tasks.ok("start")])


# SPEC 4.2-2
def test_code_before_and_after_yield_may_set_change_and_delete_artifacts():
    @user_step_decorator
    def changing(step_name, flow, inputs):
        flow.before, flow.base, flow.temporary = step_name, 2, (one for one in ())
        yield
        flow.after = flow.made + 1
        del flow.temporary, flow.made

    def body(self):
        self.made = self.base + 1

    tasks = flow_of(changing, body)
    task = tasks.ok("work", [tasks.ok("start")])

    assert tasks.names(task) == {"base", "before", "after"}
    assert [tasks.value(task, name) for name in ("base", "before", "after")] == [2, "work", 4]


# SPEC 4.2-9
def test_what_cannot_be_stored_and_is_not_deleted_again_is_an_error():
    @user_step_decorator
    def leaving(step_name, flow, inputs):
        flow.temporary = (one for one in ())
        yield

    outcome = worked(flow_of(leaving))

    assert outcome.error.type.endswith("UnpicklableArtifactException")
    assert "temporary" in outcome.error.message


# SPEC 4.2-2
def test_yielding_more_than_once_is_an_error_and_never_yielding_skips_the_step():
    @user_step_decorator
    def twice(step_name, flow, inputs):
        yield
        yield

    @user_step_decorator
    def never(step_name, flow, inputs):
        if not flow:
            yield

    message = worked(flow_of(twice)).error.message
    assert "test_own_step_decorators.py:" in message
    assert "@twice yields more than once" in message
    SEEN.clear()
    outcome = worked(flow_of(never))
    assert outcome.transition.targets == ("end",)
    assert SEEN == []


# SPEC 4.2-3
@pytest.mark.parametrize("decorate", [giving, Listening])
@pytest.mark.parametrize("said", [None, False, True, {}])
def test_a_function_in_place_of_the_step_goes_on_itself_or_leaves_it_to_the_source(decorate, said):
    def instead(flow):
        flow.made = "instead"
        if not said and said != {}:
            flow.next(flow.end)
        return said

    GIVEN[0] = instead
    tasks = flow_of(decorate)
    task = tasks.ok("work", [tasks.ok("start")])

    assert tasks.value(task, "made") == "instead"
    assert tasks.pack(task).outcome.transition.targets == ("end",)
    assert "step" not in SEEN


# SPEC 4.2-3
def test_a_function_in_place_of_the_step_must_say_what_comes_next():
    GIVEN[0] = lambda flow: 7
    assert "returned 7. It may return None or False" in worked(flow_of(giving)).error.message
    GIVEN[0] = lambda flow: None
    assert "self.next" in worked(flow_of(giving)).error.message
    GIVEN[0] = 7
    assert "@giving yields 7. It may yield nothing" in worked(flow_of(giving)).error.message


# SPEC 4.2-4
@pytest.mark.parametrize("decorate", [giving, Listening])
def test_a_step_that_is_skipped_makes_its_own_transition(decorate):
    GIVEN[0] = USER_SKIP_STEP

    outcome = worked(flow_of(decorate))

    assert outcome.transition.targets == ("end",)
    assert "step" not in SEEN
    assert len(SEEN) == 2, "the decorator's own second half runs"


# SPEC 4.2-5
def test_an_exception_of_the_step_appears_at_the_yield():
    @user_step_decorator
    def swallowing(step_name, flow, inputs):
        try:
            yield
        except ValueError as error:
            flow.failure = str(error)

    @user_step_decorator
    def replacing(step_name, flow, inputs):
        try:
            yield
        except ValueError as error:
            raise RuntimeError("another") from error

    def fail(self):
        raise ValueError("no")

    tasks = flow_of(swallowing, fail)
    task = tasks.ok("work", [tasks.ok("start")])
    assert tasks.value(task, "failure") == "no"
    assert tasks.pack(task).outcome.transition.targets == ("end",)
    error = worked(flow_of(replacing, fail)).error
    assert error.type.endswith("RuntimeError")
    assert "in replacing" in error.frames and "in fail" in error.frames
    assert "stepwell/runtime" not in error.frames


@pytest.mark.parametrize("error", [StopIteration("end"), RuntimeError("r"), SystemExit(3)])
def test_an_exception_passes_a_decorator_that_does_not_catch_it(error):
    def fail(self):
        raise error

    assert worked(flow_of(giving, fail)).error.type.endswith(type(error).__name__)


def test_what_ends_the_process_cannot_be_swallowed():
    def leave(self):
        raise SystemExit(3)

    assert worked(flow_of(Listening, leave)).error.type.endswith("SystemExit")


# SPEC 4.2-6
@pytest.mark.parametrize(
    ("after", "ending"),
    [
        (lambda error: error, "ValueError"),
        (lambda error: KeyError("k"), "KeyError"),
        (lambda error: None, ""),
        (lambda error: (None, None), ""),
        (lambda error: (None, False), ""),
        (lambda error: (error, None), "ValueError"),
        (lambda error: 7, "TaskError"),
        (lambda error: (None, 7), "TaskError"),
    ],
)
def test_what_the_class_form_returns_after_the_step_decides(after, ending):
    def fail(self):
        raise ValueError("no")

    AFTER[0] = after
    outcome = worked(flow_of(Listening, fail))

    assert outcome.ok == (ending == "")
    assert outcome.ok or outcome.error.type.endswith(ending)


# SPEC 4.2-6
def test_the_class_form_has_hooks_that_do_nothing_by_themselves():
    class Bare(UserStepDecorator):
        pass

    def fail(self):
        raise ValueError("no")

    assert worked(flow_of(Bare)).ok
    assert worked(flow_of(Bare, fail)).error.type.endswith("ValueError")
    assert Listening.skip_step.fget(type.__call__(Listening)) is False


# SPEC 4.2-6
def test_skip_step_takes_nothing_but_true_false_and_a_dictionary():
    class Skipping(UserStepDecorator):
        def pre_step(self, step_name, flow, inputs=None):
            self.skip_step = "yes"

    assert "`skip_step` is True, False or a dictionary" in worked(flow_of(Skipping)).error.message


# SPEC 4.2-6
def test_the_class_form_gets_its_arguments_in_init_and_each_attempt_an_object_of_its_own():
    class Counting(Listening):
        def pre_step(self, step_name, flow, inputs=None):
            SEEN.append(getattr(self, "count", 0))
            self.count = 1

    tasks = flow_of(Counting("a", 2, key=[1]))
    start = tasks.ok("start")
    AFTER[0] = lambda error: error
    tasks.ok("work", [start])
    tasks.ok("work", [start])

    assert SEEN == [0, "step", ("after", "work", None), 0, "step", ("after", "work", None)]


# SPEC 4.2-7
def test_several_run_as_an_onion():
    tasks = flow_of(lambda function: giving(inner(function)))
    worked(tasks)

    assert SEEN == [
        "giving before work", "inner before work", "step", "inner after work", "giving after work",
    ]  # fmt: skip


# SPEC 4.2-7
@pytest.mark.parametrize("given", [{}, lambda flow: True])
def test_one_that_skips_or_replaces_the_step_keeps_the_inner_ones_from_running(given):
    GIVEN[0] = given
    worked(flow_of(lambda function: giving(inner(function))))

    assert SEEN == ["giving before work", "giving after work"]


# SPEC 4.2-7
def test_outer_ones_see_what_an_inner_one_raises():
    @user_step_decorator
    def failing(step_name, flow, inputs):
        raise KeyError("early")
        yield

    @user_step_decorator
    def watching(step_name, flow, inputs):
        try:
            yield
        except KeyError as error:
            SEEN.append(repr(error))
            raise

    outcome = worked(flow_of(lambda function: watching(failing(function))))

    assert SEEN == ["KeyError('early')"]
    assert outcome.error.type.endswith("KeyError")


def test_an_exit_step_can_be_skipped_but_has_no_transition_to_change():
    class Short(FlowSpec):
        @giving
        @step
        def start(self):
            SEEN.append("step")

    GIVEN[0] = {}
    assert Tasks(Short).run("start").transition.kind == "end"
    assert "step" not in SEEN
    GIVEN[0] = {"foreach": [1]}
    assert "it is the exit" in Tasks(Short).run("start").error.message


# SPEC 4.2-3
def test_an_async_step_and_an_async_function_in_its_place_run_between_the_halves():
    class Async(FlowSpec):
        @giving
        @step
        async def start(self):
            SEEN.append("step")
            self.next(self.end)

        @step
        def end(self):
            pass

    async def instead(flow):
        SEEN.append("instead")
        return True

    Tasks(Async).ok("start")
    GIVEN[0] = instead
    Tasks(Async).ok("start")

    before, after = "giving before start", "giving after start"
    assert [before, "step", after, before, "instead", after] == SEEN
