from __future__ import annotations

import pytest

from stepwell.decorators.environment import environment
from stepwell.decorators.resources import resources
from stepwell.definition.attach import parse_spec
from stepwell.definition.decorator import FlowDecorator
from stepwell.definition.flow_definition import define
from stepwell.definition.flowspec import FlowSpec
from stepwell.definition.placing import decorate_flow
from stepwell.definition.step import step
from stepwell.exceptions import (
    BadFlowDecoratorException,
    BadStepDecoratorException,
    DuplicateFlowDecoratorException,
    DuplicateStepDecoratorException,
    InvalidDecoratorAttribute,
    UnknownStepDecoratorException,
)
from stepwell.model.policy import Resources


class Plain(FlowSpec):
    @step
    def start(self):
        self.next(self.end)

    @resources(memory="100")
    @step
    def end(self):
        pass


# SPEC 4.1-7
# SPEC 6.2-1
# SPEC 6.2-2
def test_decorators_write_the_policy_of_their_step_in_any_order():
    class Flow(FlowSpec):
        @environment(vars={"B": "2", "A": "1"})
        @resources(cpu=2, memory="4096")
        @step
        def start(self):
            pass

    policy = define(Flow).policies["start"]

    assert policy.variables == (("A", "1"), ("B", "2"))
    assert policy.resources == Resources(cpu=2.0, memory_mb=4096.0)


# SPEC 4.1-1
def test_an_unknown_attribute_lists_the_known_ones_and_the_nearest():
    with pytest.raises(InvalidDecoratorAttribute, match=r"Did you mean `memory`\?.*`cpu`"):
        resources(memroy=1)(Plain.start)  # pyright: ignore


# SPEC 4.1-1
def test_a_value_that_is_no_number_is_refused():
    with pytest.raises(InvalidDecoratorAttribute, match="`cpu` must be a number"):
        resources(cpu="many")(Plain.start)


# SPEC 6.2-1
def test_a_variable_that_is_not_text_is_named():
    with pytest.raises(InvalidDecoratorAttribute, match="`A`"):
        environment(vars={"A": 1})(Plain.start)  # pyright: ignore


# SPEC 4.1-1
def test_the_same_decorator_twice_is_refused():
    with pytest.raises(DuplicateStepDecoratorException, match=r"`end`.*twice"):
        resources(Plain.end)


# SPEC 2.1-1
def test_a_decorator_below_step_is_told_the_right_order():
    def fit(self):
        pass

    with pytest.raises(
        BadStepDecoratorException, match=r"(?s)@resources stands on `fit`.*@resources\n.*@step\n"
    ):
        resources(fit)


# SPEC 4.1-1
def test_a_flow_decorator_belongs_on_a_flow_and_only_once():
    class Mark(FlowDecorator):
        name = "mark"

    class Flow(FlowSpec):
        pass

    with pytest.raises(BadFlowDecoratorException):
        decorate_flow(Mark, Plain.start, {})
    decorate_flow(Mark, Flow, {})
    with pytest.raises(DuplicateFlowDecoratorException):
        decorate_flow(Mark, Flow, {})


# SPEC 4.1-3
def test_a_spec_reads_its_values_as_json_or_text_and_splits_only_before_a_name():
    assert parse_spec("retry") == ("retry", {})
    assert parse_spec('d:a=1,b=x y,c=[1, 2],d={"k": "v"},e=0.5,f=a,b') == (
        "d",
        {"a": 1, "b": "x y", "c": [1, 2], "d": {"k": "v"}, "e": 0.5, "f": "a,b"},
    )


# SPEC 4.1-2
# SPEC 6.2-8
def test_with_attaches_to_the_steps_that_do_not_carry_the_decorator():
    definition = define(Plain, ["resources:cpu=2", "resources:cpu=8"])

    assert definition.policies["start"].resources == Resources(cpu=2.0)
    assert definition.policies["end"].resources == Resources(memory_mb=100.0)
    assert define(Plain).policies["start"].resources == Resources()


# SPEC 4.1-3
def test_an_unknown_name_lists_what_there_is_and_a_dotted_one_is_imported():
    with pytest.raises(UnknownStepDecoratorException, match=r"Did you mean `resources`\?.*`environment`"):
        define(Plain, ["resorces"])

    dotted = define(Plain, ["stepwell.decorators.resources.ResourcesDecorator:gpu=1"])

    assert dotted.policies["start"].resources == Resources(gpu=1.0)
