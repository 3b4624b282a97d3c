"""What mutators of users may see and change, and when."""

from __future__ import annotations

import pytest
from mutated_flows import by_flow, by_step, flow_with, mutator, names, tell

from stepwell import (
    Config,
    FlowMutator,
    FlowSpec,
    IncludeFile,
    Parameter,
    StepMutator,
    UserStepDecorator,
    exit_hook,
    resources,
    retry,
    step,
)
from stepwell.definition.flow_definition import define
from stepwell.definition.graph_info import graph_info
from stepwell.definition.parameter_values import resolve
from stepwell.exceptions import (
    BadFlowDecoratorException,
    DuplicateFlowDecoratorException,
    DuplicateStepDecoratorException,
    FlowError,
    UnknownFlowDecoratorException,
    UnknownStepDecoratorException,
)

SEEN: list[object] = []


@pytest.fixture(autouse=True)
def nothing_seen():
    SEEN.clear()


# SPEC 4.3-1
def test_hooks_are_called_in_their_order_with_the_arguments_of_the_class():
    class OfFlow(FlowMutator):
        def init(self, word, *, key=None):
            SEEN.append(("init", word, key))

        def pre_mutate(self, mutable_flow):
            SEEN.append("flow early")

        def mutate(self, mutable_flow):
            SEEN.append("flow late")

    class OfStep(StepMutator):
        def pre_mutate(self, mutable_step):
            SEEN.append(f"{mutable_step.name} early")

        def mutate(self, mutable_step):
            SEEN.append(f"{mutable_step.name} late")

    flow = flow_with(OfFlow("a", key=2), OfStep)
    definition = define(flow)

    assert SEEN == [("init", "a", 2), "flow early", "start early", "flow late", "start late"]
    assert names(definition) == ["OfStep", "retry"]


# SPEC 4.3-1
def test_early_hooks_are_called_once_for_the_same_configs():
    flow = flow_with(mutator(lambda flow: SEEN.append("early")))
    define(flow)
    define(flow)
    assert SEEN == ["early"]


# SPEC 4.3-1
def test_late_hooks_see_what_the_command_line_adds():
    by_flow(None, lambda flow: SEEN.append(flow.end.has_decorator("timeout")), "timeout:seconds=5")
    assert SEEN == [True]


# SPEC 4.3-1
def test_a_class_may_be_both_a_step_decorator_and_a_step_mutator():
    class Both(UserStepDecorator, StepMutator):
        def mutate(self, mutable_step):
            mutable_step.add_decorator("timeout:seconds=5")

    definition = define(flow_with(on_step=Both))

    assert names(definition) == ["timeout", "Both", "retry"]
    assert [type(one) for one in definition.layers["start"]] == [Both]
    assert definition.policies["start"].timeout_s == 5


# SPEC 4.3-2
def test_a_mutable_flow_shows_configs_parameters_steps_and_decorators():
    def look(flow):
        SEEN.extend(
            [
                [(name, value.times) for name, value in flow.configs],
                [(name, one.name) for name, one in flow.parameters],
                [(name, type(one).__name__) for name, one in flow.steps],
                (flow.cfg.times, flow.alpha.name, flow.start.name),
                next((short, args, named) for short, _, args, named in flow.decorator_specs),
                flow.get_decorator_specs("exit_hook")[0][1],
                flow.has_decorator("exit_hook"),
                flow.has_decorator("stepwell.decorators.exit_hook.ExitHook"),
                flow.has_decorator("exit_hooks"),
            ]
        )
        with pytest.raises(AttributeError, match="no step, parameter or config 'other'"):
            flow.other

    define(flow_with(lambda cls: exit_hook(on_error=[tell])(mutator(look)(cls))))

    assert [
        [("cfg", 4)],
        [("alpha", "alpha-name")],
        [("start", "MutableStep"), ("end", "MutableStep")],
        (4, "alpha-name", "start"),
        ("exit_hook", [], {"on_success": None, "on_error": [tell], "options": None}),
        "stepwell.decorators.exit_hook.ExitHook",
        True,
        True,
        False,
    ] == SEEN


# SPEC 4.3-3
def test_a_mutable_step_shows_its_flow_and_decorators():
    def look(one):
        SEEN.extend(
            [
                [spec[0] for spec in one.decorator_specs],
                one.get_decorator_specs("retry")[0][3]["times"],
                [name for name, _ in one.flow.steps],
                one.has_decorator("retry"),
                one.has_decorator("timeout"),
            ]
        )

    by_step(look)

    assert SEEN == [["Given", "retry"], 4, ["start", "end"], True, False]


# SPEC 4.3-4
def test_mutators_of_a_flow_cannot_be_removed():
    with pytest.raises(FlowError, match="are at work and cannot be removed"):
        by_flow(lambda flow: flow.remove_decorator("Given"))


# SPEC 4.3-4
def test_a_mutator_that_is_added_has_its_own_hooks_called():
    added = mutator(lambda flow: SEEN.append("early"), lambda flow: SEEN.append("late"))
    of_step = mutator(
        lambda one: SEEN.append(f"{one.name} early"), lambda one: SEEN.append(f"{one.name} late"), StepMutator
    )

    def change(flow):
        flow.add_decorator(added, duplicates=flow.OVERRIDE)
        flow.end.add_decorator(of_step)

    class Adding(mutator(change)):
        pass

    define(flow_with(Adding))

    assert SEEN == ["early", "end early", "late", "end late"]


# SPEC 4.3-5
@pytest.mark.parametrize(("duplicates", "times", "added"), [("IGNORE", 4, False), ("OVERRIDE", 9, True)])
def test_a_duplicate_is_ignored_or_replaces_the_one_that_is_there(duplicates, times, added):
    def change(one):
        SEEN.append(one.add_decorator("retry:times=9", duplicates=getattr(one, duplicates)))

    definition = by_step(None, change)

    assert definition.policies["start"].retry.times == times
    assert (SEEN[0] is not None) == added
    assert names(definition).count("retry") == 1


# SPEC 4.3-5
def test_a_duplicate_is_an_error_only_if_the_new_one_comes_from_the_source():
    class Strict(StepMutator):
        def mutate(self, mutable_step):
            SEEN.append(mutable_step.add_decorator("retry", duplicates=mutable_step.ERROR))

    class StrictFlow(FlowMutator):
        def pre_mutate(self, mutable_flow):
            hook = {"on_error": [tell]}
            mutable_flow.add_decorator(exit_hook, deco_kwargs=hook, duplicates=mutable_flow.ERROR)
            mutable_flow.add_decorator(StrictFlow, duplicates=mutable_flow.ERROR)

    with pytest.raises(DuplicateStepDecoratorException, match="@Strict adds @retry, which is there already"):
        define(flow_with(on_step=Strict))
    with pytest.raises(DuplicateFlowDecoratorException, match="@StrictFlow adds @StrictFlow"):
        define(flow_with(StrictFlow))
    globals()["Strict"] = Strict
    define(flow_with(), (f"{__name__}.Strict",), only="start")
    assert SEEN == [None]


# SPEC 4.3-5
def test_what_was_inserted_says_so():
    inner = mutator(None, lambda one: one.add_decorator("timeout:seconds=5"), StepMutator)

    class Outer(FlowMutator):
        def pre_mutate(self, mutable_flow):
            mutable_flow.start.add_decorator(inner)

    definition = define(flow_with(Outer), ("resources:cpu=1",))
    by_name = {
        one["name"]: (one["statically_defined"], one["inserted_by"])
        for one in graph_info(definition)["steps"]["start"]["decorators"]
    }

    outer, given = (f"{kind.__module__}.{kind.__qualname__}" for kind in (Outer, inner))
    assert by_name == {
        "timeout": (True, [given, outer]),
        "Given": (True, [outer]),
        "retry": (True, None),
        "resources": (False, None),
    }


# SPEC 4.4-1, 4.4-2
def test_base_classes_and_mixins_carry_mutators_decorators_configs_and_parameters():
    class Standard(FlowMutator):
        def init(self, word="of the mixin"):
            self.word = word

        def pre_mutate(self, mutable_flow):
            SEEN.append((self.word, [name for name, _ in mutable_flow.steps], mutable_flow.team.times))
            mutable_flow.add_parameter(f"by_{len(SEEN)}", Parameter(default=1))

    @Standard
    class Mixin:
        team = Config("team", default_value={"times": 6})
        shared = Parameter("shared", default="s")
        text = IncludeFile("text", default=None)

        @retry(times=team.times)
        @step
        def end(self):
            pass

    @exit_hook(on_error=[tell])
    @Standard("of the base")
    class Base(Mixin, FlowSpec):
        LIMIT = 3

        @step
        def start(self):
            self.next(self.middle)

    class Derived(Base):
        shared = Parameter("shared", default="again")

        @resources(cpu=2)
        @step
        def middle(self):
            self.next(self.end)

    definition = define(Derived)

    assert SEEN == [
        ("of the mixin", ["end", "start", "middle"], 6), ("of the base", ["end", "start", "middle"], 6)
    ]  # fmt: skip
    assert [one.name for one in definition.parameters] == ["shared", "text", "by_1", "by_2"]
    assert resolve(Derived, {}, definition.scope)["shared"] == "again"
    assert definition.policies["end"].retry.times == 6
    assert [one.name for one in definition.flow_decorators] == ["exit_hook", "Standard", "Standard"]
    assert definition.constants == {"LIMIT": 3}


# SPEC 4.4-1
def test_a_base_that_is_inherited_twice_counts_once():
    class Standard(FlowMutator):
        def pre_mutate(self, mutable_flow):
            SEEN.append("once")

    @Standard
    class Root(FlowSpec):
        @step
        def start(self):
            pass

    class Left(Root):
        pass

    class Right(Root):
        pass

    class Both(Left, Right):
        pass

    define(Both)

    assert SEEN == ["once"]


# SPEC 4.3-1
def test_a_mutator_of_flows_stands_on_classes_only():
    class Standard(FlowMutator):
        pass

    with pytest.raises(FlowError, match=r"test_mutators.py: .*takes no arguments.* stands on class `Taught`"):

        @Standard(1)
        class Taught(FlowSpec):
            pass

        define(Taught)
    with pytest.raises(BadFlowDecoratorException, match=r"@Standard stands on .*belongs on a flow"):
        Standard()(tell)
    with pytest.raises(UnknownStepDecoratorException, match="is no step decorator"):
        globals()["Standard"] = Standard
        define(flow_with(), (f"{__name__}.Standard",))
    with pytest.raises(UnknownFlowDecoratorException, match="cannot be imported"):
        by_flow(lambda flow: flow.add_decorator("nowhere.nothing"))
