"""What `@exit_hook` takes, and what it gives to a run that has ended."""

import sys

import pytest

from stepwell.decorators.exit_hook import Hook, call, check_names, exit_hook, hooks_of
from stepwell.definition.flowspec import FlowSpec
from stepwell.definition.placing import flow_decorators_of
from stepwell.exceptions import BadFlowDecoratorException, InvalidDecoratorAttribute


def nothing():
    return None


def with_run(run):
    return run


def with_more(run, other):
    return other


class Plain(FlowSpec):
    pass


# SPEC 6.1-12
def test_it_may_stand_several_times_and_the_outermost_comes_first():
    @exit_hook(on_success=[nothing], on_error=["a.b"])
    @exit_hook(on_success=["later"], options={"timeout": 5})
    class Flow(FlowSpec):
        pass

    decorators = flow_decorators_of(Flow)

    assert hooks_of(decorators, ok=True) == [Hook(nothing, 300.0), Hook("later", 5.0)]
    assert hooks_of(decorators, ok=False) == [Hook("a.b", 300.0)]


# SPEC 6.1-12
@pytest.mark.parametrize("lists", [{}, {"on_success": []}, {"on_success": [], "on_error": ()}])
def test_giving_neither_list_is_an_error(lists):
    with pytest.raises(InvalidDecoratorAttribute, match="calls nothing"):
        exit_hook(**lists)(Plain)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"on_error": nothing}, "must be a list"),
        ({"on_error": [3]}, "is none of these"),
        ({"on_error": ["no name"]}, "no name of a function"),
        ({"on_error": [with_more]}, "or one that is named `run`"),
        ({"on_error": [nothing], "options": {"timeuot": 1}}, "Did you mean `timeout`"),
        ({"on_error": [nothing], "options": {"timeout": "long"}}, "number of seconds"),
        ({"on_error": [nothing], "options": 3}, "must be a dictionary"),
    ],
)
def test_what_cannot_be_called_is_refused_where_it_stands(given, words):
    with pytest.raises(InvalidDecoratorAttribute, match=words):
        exit_hook(**given)(Plain)


def test_it_belongs_on_a_flow():
    with pytest.raises(BadFlowDecoratorException):
        exit_hook(on_error=[nothing])(nothing)  # pyright: ignore


# SPEC 6.1-12
def test_a_function_gets_the_run_if_it_takes_one():
    seen: list[object] = []

    call(lambda: seen.append("none"), lambda: "run")
    call(lambda run: seen.append(run), lambda: "run")

    assert seen == ["none", "run"]


@pytest.mark.parametrize(
    ("name", "words"),
    [("missing", "cannot be found"), ("no_package.function", "no module 'no_package'")],
)
def test_names_are_looked_up_before_a_run(name, words):
    module = sys.modules[__name__]

    check_names([Hook("nothing", 1.0), Hook("os.path.join", 1.0)], module)
    with pytest.raises(InvalidDecoratorAttribute, match=words):
        check_names([Hook(name, 1.0)], module)
