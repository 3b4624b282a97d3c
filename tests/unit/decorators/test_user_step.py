"""What may become a step decorator of the user's, and how its arguments are checked."""

import pytest

from stepwell import Config, FlowSpec, UserStepDecorator, step, user_step_decorator
from stepwell.definition.configs_given import ConfigsGiven
from stepwell.definition.flow_definition import define
from stepwell.exceptions import (
    BadStepDecoratorException,
    FlowError,
    InvalidDecoratorAttribute,
    UnknownStepDecoratorException,
)


@user_step_decorator
def plain(step_name, flow, inputs):
    yield


@user_step_decorator(word="hello")
def wordy(step_name, flow, inputs, attributes):
    yield


class Taking(UserStepDecorator):
    def init(self, first, *, key=0):
        self.first, self.key = first, key


class Broken(UserStepDecorator):
    def init(self):
        self.rate = 1 / 0


class Bare(UserStepDecorator):
    pass


def flow_with(decorate):
    class Small(FlowSpec):
        cfg = Config("cfg", default_value={"word": "configured"})

        @decorate
        @step
        def start(self):
            pass

    return Small


def layers(decorate, *specs):
    return define(flow_with(decorate), specs).layers["start"]


def async_generator():
    async def function(step_name, flow, inputs):
        yield

    return function


# SPEC 4.2-1
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (lambda step_name, flow, inputs: None, "no generator function"),
        (async_generator(), "no generator function"),
        (7, "no generator function"),
        (Bare, "no generator function"),
        (lambda step_name: (yield), "takes 1 arguments"),
    ],
)
def test_only_a_generator_function_of_three_or_four_arguments_becomes_a_decorator(given, said):
    with pytest.raises(InvalidDecoratorAttribute, match=said):
        user_step_decorator(given)


# SPEC 4.2-1
def test_arguments_need_a_function_with_a_fourth_parameter():
    with pytest.raises(InvalidDecoratorAttribute, match="fourth parameter"):

        @user_step_decorator(word="hello")
        def silent(step_name, flow, inputs):
            yield

    with pytest.raises(InvalidDecoratorAttribute, match=r"@plain takes no arguments.*fourth parameter"):
        define(flow_with(plain(word="hello")))


# SPEC 4.2-1
def test_arguments_are_named_and_arrive_in_attributes():
    with pytest.raises(InvalidDecoratorAttribute, match="@wordy takes arguments by name only"):
        define(flow_with(wordy("hello")))
    [layer] = layers(wordy(more=1))
    assert layer._attributes == {"word": "hello", "more": 1}
    assert [type(one).__name__ for one in (*layers(wordy), *layers(plain()))] == ["wordy", "plain"]


# SPEC 4.2-6
def test_init_is_needed_for_arguments_and_says_which_it_takes():
    [layer] = layers(Taking(1, key=2))
    assert (layer.first, layer.key) == (1, 2)
    with pytest.raises(InvalidDecoratorAttribute, match=r"@Bare takes no arguments.*`init"):
        define(flow_with(Bare(1)))
    with pytest.raises(InvalidDecoratorAttribute, match="@Taking: missing a required argument: 'first'"):
        define(flow_with(Taking()))
    with pytest.raises(InvalidDecoratorAttribute, match="@Taking: got an unexpected keyword argument 'kye'"):
        define(flow_with(Taking(1, kye=1)))


def test_what_fails_in_init_is_told_with_the_users_line():
    with pytest.raises(
        FlowError, match=r"(?s)@Broken: its `init` failed: ZeroDivisionError.*1 / 0"
    ) as caught:
        define(flow_with(Broken))
    assert caught.value.source_file == __file__


# SPEC 4.1-4
def test_arguments_may_be_expressions_over_configs():
    class Configured(FlowSpec):
        cfg = Config("cfg", default_value={"word": "configured"})

        @Taking(cfg.word, key=cfg.word)
        @wordy(**cfg)
        @step
        def start(self):
            pass

    first, second = define(Configured, (), ConfigsGiven()).layers["start"]

    assert (first.first, first.key) == ("configured", "configured")
    assert second._attributes["word"] == "configured"


@pytest.mark.parametrize("decorator", [plain, wordy(), Bare, Taking(1)])
def test_what_is_no_step_cannot_be_decorated(decorator):
    with pytest.raises(BadStepDecoratorException, match=r"`helper`.*which is no step"):

        @decorator
        def helper(self):
            pass

    with pytest.raises(BadStepDecoratorException, match=r"stands on class `Flow`.*belongs on steps"):

        @decorator
        class Flow(FlowSpec):
            pass


# SPEC 4.1-3
def test_own_decorators_are_attached_by_their_dotted_place_or_by_name_if_the_flow_has_them():
    def identity(function):
        return function

    assert [type(one).__name__ for one in layers(identity, "plain")] == ["plain"]
    [layer] = layers(identity, f"{__name__}.wordy:more=1,word=x")
    assert layer._attributes == {"word": "x", "more": 1}
    with pytest.raises(UnknownStepDecoratorException, match=r"`plane`\. Did you mean `plain`\?"):
        layers(identity, "plane")
    with pytest.raises(UnknownStepDecoratorException, match="is no step decorator"):
        layers(identity, "json.loads")
    with pytest.raises(FlowError, match="`--with plain:a=1`: @plain takes no arguments"):
        layers(identity, "plain:a=1")
