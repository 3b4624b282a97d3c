from __future__ import annotations

import pytest
from flow_sources import flow_from

from stepwell.definition.flow_definition import define
from stepwell.definition.parameter_values import resolve, specs_of
from stepwell.exceptions import GraphError, ParameterFieldFailed, ParameterFieldTypeMismatch, UsageError

STEP = "    @step\n    def start(self):\n        pass\n"


def flow_with(body: str) -> type:
    return flow_from(f"class F(FlowSpec):\n{STEP}" + "".join(f"    {line}\n" for line in body.splitlines()))


# SPEC 3.1-3
def test_the_type_comes_from_annotation_type_or_default():
    flow = flow_with(
        "a: int = Parameter()\nb = Parameter('b', type=float)\n"
        "c = Parameter('c', default=True)\nd = Parameter('d')"
    )

    assert [spec.type_name for spec in specs_of(flow)] == ["int", "float", "bool", "str"]


# SPEC 3.1-1
def test_text_is_converted_and_stands_under_the_attribute():
    flow = flow_with("alpha = Parameter('learning-rate', default=0.1)\nn = Parameter('n', type=int)")

    assert resolve(flow, {"learning-rate": "0.5", "n": "3"}) == {"alpha": 0.5, "n": 3}
    assert resolve(flow, {"learning_rate": 1}) == {"alpha": 1.0, "n": None}


# SPEC 3.1-3
def test_a_bool_is_given_as_a_word():
    flow = flow_with("f = Parameter('f', default=True)")

    assert resolve(flow, {"f": "False"}) == {"f": False}
    with pytest.raises(UsageError, match="neither True nor False"):
        resolve(flow, {"f": "maybe"})


# SPEC 3.1-7
def test_bad_json_shows_its_position():
    flow = flow_with("j = Parameter('j', type=JSONType, default='[1]')")

    assert resolve(flow, {}) == {"j": [1]}
    with pytest.raises(UsageError, match="line 1, column 6"):
        resolve(flow, {"j": '{"a" 1}'})


# SPEC 3.1-9
def test_missing_and_unknown_values_are_told_together():
    flow = flow_with("needed = Parameter('needed', required=True)\nn = Parameter('n', type=int)")

    with pytest.raises(UsageError) as caught:
        resolve(flow, {"n": "x", "nedeed": "1"})

    assert "--needed is required" in str(caught.value)
    assert "'x' is not an int" in str(caught.value)
    assert "Did you mean `needed`?" in str(caught.value)


# SPEC 3.1-10
def test_a_default_may_be_a_function_of_the_context():
    flow = flow_with("p = Parameter('p', default=lambda ctx: f'{ctx.flow_name}/{ctx.parameter_name}')")

    assert specs_of(flow)[0].default_shown == "computed when a run starts"
    assert resolve(flow, {}) == {"p": "F/p"}


# SPEC 3.1-10
def test_a_failing_or_mistyped_default_function_has_its_own_error():
    with pytest.raises(ParameterFieldFailed, match="ZeroDivisionError"):
        resolve(flow_with("p = Parameter('p', default=lambda ctx: 1 / 0)"), {})
    with pytest.raises(ParameterFieldTypeMismatch, match="not int"):
        resolve(flow_with("p = Parameter('p', type=int, default=lambda ctx: [])"), {})


# SPEC 3.1-12
@pytest.mark.parametrize(
    "body", ["p = Parameter('run-id')", "p = Parameter('max_workers')", "help = Parameter()"]
)
def test_reserved_names_are_refused(body: str):
    with pytest.raises(GraphError, match="command line needs itself"):
        define(flow_with(body))


# SPEC 3.1-12
def test_names_that_differ_only_in_case_are_refused():
    with pytest.raises(GraphError, match="differ only"):
        define(flow_with("a = Parameter('Big')\nb = Parameter('big')"))


# SPEC 3.1-1
@pytest.mark.parametrize("name", ["my param", "-x", "a=b", "a/b", "--flag"])
def test_a_name_that_cannot_be_an_option_is_refused(name):
    with pytest.raises(GraphError, match="cannot be the name of a parameter"):
        define(flow_with(f"p = Parameter({name!r})"))


# SPEC 3.1-4
def test_a_bool_takes_the_name_of_its_negation_too():
    with pytest.raises(GraphError, match="means `--x False` as well"):
        define(flow_with("x = Parameter('x', default=True)\nno_x = Parameter('no-x')"))
    define(flow_with("x = Parameter('x')\nno_x = Parameter('no-x')"))


def test_everything_that_is_wrong_with_parameters_is_told_at_once():
    flow = flow_with(
        "a = Parameter('a b')\nb = Parameter('b', default='x', type=int)\nc = Parameter('c', type=complex)\n"
        "d = Parameter('d', default=1, separator=',')\ne = Parameter('e', separator='')\nA = Parameter('B')"
    )

    with pytest.raises(GraphError) as caught:
        define(flow)

    assert sorted(problem.rule for problem in caught.value.problems) == [
        "parameter-default",
        "parameter-name",
        "parameter-separator",
        "parameter-separator",
        "parameter-twice",
        "parameter-type",
    ]
