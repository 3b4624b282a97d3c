"""Parameters of every type: from the text that is typed to the value that steps see."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, TypedDict

import msgspec
import pytest
from flow_sources import flow_from
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.definition.flow_definition import define
from stepwell.definition.parameter_values import Texts, resolve, specs_of
from stepwell.exceptions import GraphError, UsageError

HEAD = f"""
import enum, click
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Literal
from {__name__} import Color, Layer, Model, Shape
"""
STEP = "    @step\n    def start(self):\n        pass\n"


class Color(enum.Enum):
    RED = "r"
    BLUE = 2


@dataclass
class Layer:
    width: int
    name: str = "dense"


class Model(msgspec.Struct):
    layers: list[Layer]


class Shape(TypedDict):
    depth: int


def flow_with(body: str, head: str = HEAD) -> type:
    return flow_from(
        f"{head}class F(FlowSpec):\n{STEP}" + "".join(f"    {line}\n" for line in body.splitlines())
    )


def value_of(annotation: str, given_value: object) -> Any:
    return resolve(flow_with(f"x: {annotation} = Parameter()"), {"x": given_value})["x"]


# SPEC 3.1-5
@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        ("Literal['a', 'b']", "b", "b"),
        ("Literal[1, 2, None]", "2", 2),
        ("Color", "RED", Color.RED),
        ("Color", "2", Color.BLUE),
        ("list[int]", "[1, 2]", [1, 2]),
        ("list[int]", "7", [7]),
        ("list[int]", Texts(("1", "2")), [1, 2]),
        ("tuple[float, ...]", Texts(("1", "2.5")), (1.0, 2.5)),
        ("list[Color]", '["RED", 2]', [Color.RED, Color.BLUE]),
        ("dict[str, int]", '{"a": 1}', {"a": 1}),
        ("int | None", "3", 3),
        ("None | Literal['x']", "x", "x"),
        ("date", "2026-02-01", date(2026, 2, 1)),
        ("datetime", "2026-02-01 10:30:00", datetime(2026, 2, 1, 10, 30)),
        ("datetime", "2026-02-01", datetime(2026, 2, 1)),
        ("time", "10:30:00", time(10, 30)),
        ("timedelta", "1w2d", timedelta(days=9)),
        ("timedelta", "1h 30m 5s", timedelta(seconds=5405)),
        ("timedelta", "PT90S", timedelta(seconds=90)),
        ("Path", "a/b.txt", Path("a/b.txt")),
        ("Layer", '{"width": 3}', Layer(3)),
        ("Model", '{"layers": [{"width": 3, "name": "x"}]}', Model([Layer(3, "x")])),
        ("Shape", '{"depth": 3}', {"depth": 3}),
        ("'int'", "3", 3),
        ("Any", "3", "3"),
        ("'OnlyForCheckers'", "3", "3"),
    ],
)
def test_an_annotation_says_what_a_text_stands_for(annotation, text, value):
    found = value_of(annotation, text)

    assert (found, type(found)) == (value, type(value))


# SPEC 3.1-5
# SPEC 9.1-3
@pytest.mark.parametrize(
    ("annotation", "text", "said"),
    [
        ("Literal['a', 'b']", "c", "'c' is none of a, b"),
        ("Color", "green", "'green' is none of RED, BLUE"),
        ("list[int]", "[" * 100_000, "it is JSON that is nested too deeply"),
        ("list[int]", "[1, 2", "not valid JSON at line 1, column"),
        ("list[int]", Texts(("1", "x")), "'x' is not an int"),
        ("dict[str, int]", '{"a": "b"}', "Expected `int`, got `str` - at `$[...]`"),
        ("date", "tomorrow", "'tomorrow' is no date, as in 2026-01-31"),
        ("timedelta", "soon", "7d, 1h30m or 90s"),
        ("timedelta", "99999999999999w", "is longer than a timedelta can be, 999999999 days"),
        ("float", 10**400, "a whole number this large is no float"),
        ("Layer", '{"width": "wide"}', "does not fit Layer: Expected `int`, got `str` - at `$.width`"),
        ("Model", '{"layers": [{}]}', "missing required field `width` - at `$.layers[0]`"),
        ("int | None", "x", "'x' is not an int"),
    ],
)
def test_what_does_not_fit_is_said_by_value_and_place(annotation, text, said):
    with pytest.raises(UsageError) as raised:
        value_of(annotation, text)

    assert "--x is wrong" in str(raised.value)
    assert said in str(raised.value)


# SPEC 3.1-3
def test_types_of_click_are_asked_themselves():
    flow = flow_with(
        "size = Parameter('size', type=click.IntRange(1, 9), default=3)\n"
        "kind = Parameter('kind', type=click.Choice(['a', 'b']), default='a')"
    )

    assert resolve(flow, {"size": "7"}) == {"size": 7, "kind": "a"}
    with pytest.raises(UsageError) as raised:
        resolve(flow, {"size": "10", "kind": "c"})
    assert "10 is not in the range 1<=x<=9" in str(raised.value)
    assert "'c' is not one of 'a', 'b'" in str(raised.value)


# SPEC 3.1-6
@pytest.mark.parametrize(
    ("declared", "good", "bad", "said"),
    [
        ("min=1, default=1", "1", "0", "0 is less than 1"),
        ("max=2.5, default=1.0", "2.5", "2.6", "2.6 is more than 2.5"),
        ("choices=[1, 2], default=1", "2", "3", "'3' is none of 1, 2"),
        ("choices=['a', 'b']", "a", "c", "'c' is none of a, b"),
        ("pattern='[a-z]+[0-9]'", "ab1", "ab1x", "'ab1x' does not match the pattern '[a-z]+[0-9]'"),
        ("min=1, type=int, multiple=True", Texts(("1", "2")), Texts(("2", "0")), "0 is less than 1"),
    ],
)
def test_bounds_choices_and_patterns_are_held_against_every_value(declared, good, bad, said):
    flow = flow_with(f"x = Parameter('x', {declared})")

    assert resolve(flow, {"x": good})["x"] is not None
    with pytest.raises(UsageError) as raised:
        resolve(flow, {"x": bad})
    assert said in str(raised.value)


# SPEC 3.1-6
# SPEC 3.1-10
def test_defaults_are_held_against_the_rules_as_well():
    for declared in ("default=0, min=1", "default='x', choices=['a']", "default='x', pattern='y'"):
        with pytest.raises(GraphError) as raised:
            define(flow_with(f"x = Parameter('x', {declared})"))
        assert [problem.rule for problem in raised.value.problems] == ["parameter-default"]


# SPEC 3.1-8
def test_a_multiple_parameter_is_a_tuple_of_what_was_repeated():
    flow = flow_with(
        "words = Parameter('words', multiple=True)\nsizes = Parameter('sizes', multiple=True, default=(1, 2))"
    )

    assert resolve(flow, {"words": Texts(("a b", "c")), "sizes": Texts(("3",))}) == {
        "words": ("a b", "c"),
        "sizes": (3,),
    }
    assert resolve(flow, {}) == {"words": None, "sizes": (1, 2)}
    assert [(spec.repeats, spec.metavar) for spec in specs_of(flow)] == [(True, "STR"), (True, "INT")]


# SPEC 3.1-1
def test_a_flag_is_false_unless_it_is_given():
    flow = flow_with("careful = Parameter('careful', is_flag=True)")

    assert [resolve(flow, given) for given in ({}, {"careful": "True"})] == [
        {"careful": False},
        {"careful": True},
    ]
    assert specs_of(flow)[0].is_bool


# SPEC 3.1-1
def test_an_attribute_that_no_option_has_is_a_problem_of_the_flow():
    with pytest.raises(GraphError) as raised:
        define(flow_with("x = Parameter('x', hidden=True)\ny = Parameter('y', hiden=True)"))

    (problem,) = raised.value.problems
    assert problem.rule == "parameter-attribute"
    assert "Did you mean `hidden`?" in (problem.fix or "")


# SPEC 3.1-3
@pytest.mark.parametrize("annotation", ["complex", "bytes | int", "object"])
def test_a_type_that_no_text_stands_for_is_a_problem_of_the_flow(annotation):
    if annotation == "bytes | int":
        assert value_of(annotation, "3") == 3  # JSON has numbers and text
        return
    with pytest.raises(GraphError) as raised:
        define(flow_with(f"x: {annotation} = Parameter()"))

    assert [problem.rule for problem in raised.value.problems] == ["parameter-type"]


# SPEC 3.1-9
def test_values_of_a_run_before_hold_as_they_are_unless_others_are_given():
    flow = flow_with(
        "kind = Parameter('kind', type=JSONType)\nn = Parameter('n', default=1)",
        HEAD + "from stepwell import JSONType\n",
    )

    assert resolve(flow, {"n": "3"}, known={"kind": "text", "n": 2}) == {"kind": "text", "n": 3}


# SPEC 3.1-5
@settings(deadline=None)
@given(st.lists(st.integers()), st.dictionaries(st.text(), st.floats(allow_nan=False)))
def test_what_json_holds_is_read_as_it_was(numbers, table):
    flow = flow_with("numbers: list[int] = Parameter()\ntable: dict[str, float] = Parameter()")

    found = resolve(flow, {"numbers": json.dumps(numbers), "table": json.dumps(table)})

    assert found == {"numbers": numbers, "table": table}


# SPEC 3.3-2
def test_an_encoding_that_there_is_not_is_said_with_the_file(tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("a")
    flow = flow_with("table = IncludeFile(encoding='utf-88')", head="from stepwell import IncludeFile\n")

    with pytest.raises(UsageError, match="cannot be read as text: unknown encoding: utf-88"):
        resolve(flow, {"table": str(table)})
