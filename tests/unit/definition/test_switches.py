"""Switches as the graph has them: a dictionary of cases, or a transition at the end of each path."""

from __future__ import annotations

import re

import pytest
from flow_sources import flow_from, flow_of

from stepwell.definition.flow_definition import define
from stepwell.definition.graph import Node
from stepwell.definition.graph_info import graph_info
from stepwell.definition.transition import Switch
from stepwell.exceptions import GraphError

TO_END = "-> self.end"
AB = {"a": TO_END, "b": TO_END, "end": ""}
JOINED = {"a": "-> self.j", "b": "-> self.j", "j": "JOIN " + TO_END, "end": ""}


def flow(**steps: str) -> type:
    """Return a flow of these steps, where ``-> self.a`` stands for ``self.next(self.a)``."""
    written = {name: re.sub(r"-> (.+)", r"self.next(\1)", body) for name, body in steps.items()}
    return flow_of(**written)


def cases_of(node: Node) -> dict[str, tuple[str, tuple[str, ...]]]:
    assert isinstance(node.transition, Switch)
    return {case.label: (case.way.kind, case.way.targets) for case in node.transition.cases}


def targets_of(node: Node) -> dict[str, str]:
    return {label: targets[0] for label, (_, targets) in cases_of(node).items()}


def problems_of(**steps: str) -> list[tuple[str, int]]:
    """Rules that are broken, and the line of each, counted from the first of the step's body."""
    whole = flow(**steps)
    with pytest.raises(GraphError) as caught:
        define(whole)
    assert all(problem.fix for problem in caught.value.problems)
    first = whole.__dict__["start"].__code__.co_firstlineno + 2
    return [
        (problem.rule, int(problem.where.rpartition(":")[2]) - first + 1) for problem in caught.value.problems
    ]


# SPEC 2.4-1
# SPEC 2.4-4
def test_a_switch_has_a_case_for_each_key_and_one_for_every_other_value():
    text = "self.next({'x': self.a, 2: self.b, -1.5: self.a, True: self.b}, condition='c', default=self.end)"
    start = define(flow(start=text, **AB)).graph["start"]

    assert targets_of(start) == {"x": "a", "2": "b", "-1.5": "a", "True": "b", "default": "end"}
    assert start.transition.condition == "c"
    assert start.targets == ("a", "b", "end")


# SPEC 2.4-1
# SPEC 2.4-2
def test_keys_that_are_named_are_shown_by_their_source_text():
    whole = flow_from(
        "import enum\n"
        "class Color(enum.Enum):\n    RED = 1\n"
        "LIMIT = 7\n"
        "class F(FlowSpec):\n"
        "    MODE = 'm'\n"
        "    class settings:\n        kind = 'k'\n"
        "    config = settings()\n"
        "    class Kind(enum.Enum):\n        K = 1\n"
        "    @step\n    def start(self):\n"
        "        self.next({None: self.a, Color.RED: self.b, LIMIT: self.a, self.MODE: self.b,"
        " self.config.kind: self.a, self.Kind.K: self.a}, condition='c')\n"
        "    @step\n    def a(self):\n        self.next(self.end)\n"
        "    @step\n    def b(self):\n        self.next(self.end)\n"
        "    @step\n    def end(self):\n        pass\n"
    )

    assert list(targets_of(define(whole).graph["start"])) == [
        "None", "Color.RED", "LIMIT", "self.MODE", "self.config.kind", "self.Kind.K",
    ]  # fmt: skip


# SPEC 2.4-2
def test_a_text_that_reads_like_another_key_is_shown_with_quotes():
    start = define(flow(start="self.next({'2': self.a, 2: self.b}, condition='c')", **AB)).graph["start"]

    assert targets_of(start) == {"'2'": "a", "2": "b"}


# SPEC 2.4-3
# SPEC 5.2-11
@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ("{'x': self.a}, condition=7", "switch-condition"),
        ("{'x': self.a}, condition=self.c", "switch-condition"),
        ("{'x': self.a}, condition='not a name'", "switch-condition"),
        ("{'x': self.a}", "switch-condition"),
        ("{}, condition='c'", "switch-empty"),
        ("{'x': self.a}, condition='c', foreach='xs'", "switch-options"),
        ("{'x': self.a}, condition='c', num_parallel=2", "switch-options"),
        ("{'x': self.a}, condition='c', **more", "hidden-options"),
        ("{'x': self.a}, self.b, condition='c'", "switch-form"),
        ("self.a, condition='c'", "switch-form"),
        ("self.a, default=self.b", "switch-form"),
        ("self.cases, condition='c'", "switch-form"),
        ("{'x': self.a, 'x': self.b}, condition='c'", "switch-key-twice"),
        ("{f'x': self.a}, condition='c'", "switch-key"),
        ("{('x', 1): self.a}, condition='c'", "switch-key"),
        ("{self.f(): self.a}, condition='c'", "switch-key"),
        ("{self.artifact: self.a}, condition='c'", "switch-key"),
        ("{self.b: self.a}, condition='c'", "switch-key"),
        ("{self.merge_artifacts.x: self.a}, condition='c'", "switch-key"),
        ("{here: self.a}, condition='c'", "switch-key"),
        ("{b'x': self.a}, condition='c'", "switch-key"),
        ("{**self.more}, condition='c'", "switch-key"),
        ("{'x': self.a()}, condition='c'", "target-form"),
        ("{'x': 'a'}, condition='c'", "target-form"),
        ("{'x': self.a}, condition='c', default='b'", "target-form"),
        ("{'x': self.nowhere}, condition='c'", "unknown-target"),
    ],
)
def test_what_is_wrong_with_a_switch_is_said_by_name_and_line(arguments: str, rule: str):
    assert (rule, 2) in problems_of(start=f"here = 1\nself.next({arguments})", **AB)


# SPEC 5.2-11
def test_a_key_that_cannot_be_read_is_answered_with_the_forms_that_can():
    with pytest.raises(GraphError, match=r"key `self\.f\(\)` .* cannot be read") as caught:
        define(flow(start="self.next({self.f(): self.a}, condition='c')", a=TO_END, end=""))

    assert "a member of an Enum" in str(caught.value)


# SPEC 2.4-5
# SPEC 2.2-5
@pytest.mark.parametrize(
    ("body", "labels"),
    [
        (
            "if self.x > 1:\n    -> self.a\nelif self.y:\n    -> self.b\n"
            "else:\n    -> self.end",
            {"self.x > 1": "a", "self.y": "b", "else": "end"},
        ),
        ("if self.x:\n    -> self.a\n    return\n-> self.b", {"self.x": "a", "else": "b"}),
        ("if self.x:\n    return self.next(self.a)\n-> self.b", {"self.x": "a", "else": "b"}),
        (
            "if self.x:\n    -> self.a\n    return\nself.z = 1\n"
            "if self.y:\n    -> self.b\n    return\n-> self.end",
            {"self.x": "a", "self.y": "b", "else": "end"},
        ),
        (
            "if self.x or self.y:\n    if self.z:\n        -> self.a\n    else:\n"
            "        -> self.b\nelse:\n    -> self.end",
            {"(self.x or self.y) and self.z": "a", "(self.x or self.y) and else": "b", "else": "end"},
        ),
        (
            "match self.x:\n    case 'p' | 'q':\n        -> self.a\n"
            "    case int() if self.y:\n        -> self.b\n    case _:\n        -> self.end",
            {"'p' | 'q'": "a", "int() if self.y": "b", "else": "end"},
        ),
        (
            "match self.x:\n    case 1:\n        -> self.a\n        return\n-> self.b",
            {"1": "a", "else": "b"},
        ),
        (
            "with self.f():\n    if self.x:\n        -> self.a\n    else:\n        -> self.b",
            {"self.x": "a", "else": "b"},
        ),
        (
            "if self.x:\n    -> self.a\nelif self.y:\n    raise ValueError\nelse:\n    -> self.b",
            {"self.x": "a", "else": "b"},
        ),
        (
            "if self.x:\n    if self.y:\n        -> self.a\n        return\n-> self.b",
            {"self.x and self.y": "a", "else": "b"},
        ),
        (
            "if self.x:\n    self.next({'k': self.a, 'l': self.b}, condition='c')\n"
            "else:\n    -> self.end",
            {"self.x and k": "a", "self.x and l": "b", "else": "end"},
        ),
        (
            "if self.x:\n    -> self.a\n    pass\nelse:\n    -> self.b\nreturn",
            {"self.x": "a", "else": "b"},
        ),
    ],
)  # fmt: skip
def test_a_transition_at_the_end_of_each_path_is_a_case_labelled_with_its_conditions(body, labels):
    used = {name: text for name, text in AB.items() if name in (*labels.values(), "end")}
    graph = define(flow(start=body, **used)).graph

    assert targets_of(graph["start"]) == labels


# SPEC 2.4-5
def test_one_transition_beside_paths_that_raise_is_no_switch():
    body = "if self.x:\n    with self.f():\n        -> self.a\nelse:\n    raise ValueError"

    assert define(flow(start=body, a=TO_END, end="")).graph["start"].transition.kind == "linear"


# SPEC 2.4-5
def test_equal_conditions_are_told_apart_by_their_lines():
    body = "if self.x:\n    -> self.a\n    return\nself.f()\nif self.x:\n    -> self.b\n    return\n" + TO_END
    start = define(flow(start=body, **AB)).graph["start"]

    first = start.line
    assert list(targets_of(start)) == [f"self.x (line {first + 2})", f"self.x (line {first + 6})", "else"]


# SPEC 2.4-5
# SPEC 5.2-5
@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("if self.x:\n    -> self.a", [("path-without-next", 1)]),
        ("if self.x:\n    -> self.a\nelse:\n    self.y = 1", [("path-without-next", 4)]),
        ("if self.x:\n    -> self.a\nelif self.y:\n    -> self.b", [("path-without-next", 3)]),
        (
            "if self.x:\n    return\nif self.y:\n    -> self.a\nelse:\n    -> self.b",
            [("path-without-next", 2)],
        ),
        (
            "for x in self.y:\n    if x:\n        return\nif self.y:\n    -> self.a\nelse:\n"
            "    -> self.b",
            [("path-without-next", 3)],
        ),
        ("match self.x:\n    case 1:\n        -> self.a", [("path-without-next", 1)]),
        (
            "match self.x:\n    case 1:\n        -> self.a\n    case _:\n        self.y = 1\n",
            [("path-without-next", 5)],
        ),
        ("if self.x:\n    -> self.a\n-> self.b", [("statement-after-next", 2)]),
        (
            "if self.x:\n    -> self.a\n    self.y = 1\nelse:\n    -> self.b",
            [("statement-after-next", 2)],
        ),
        ("if self.x:\n    -> self.a\nelse:\n    for y in self.z:\n        -> self.b",
         [("path-without-next", 4), ("next-in-loop", 5)]),
        ("if self.x:\n    -> self.a\nelse:\n    try:\n        -> self.b\n    finally:\n        pass",
         [("path-without-next", 4), ("next-in-try", 5)]),
    ],
)  # fmt: skip
def test_a_path_that_ends_otherwise_is_reported_in_the_line_where_it_ends(body, found):
    wanted = {name: TO_END for name in ("a", "b") if f"-> self.{name}" in body}
    rules = [one for one in problems_of(start=body, **wanted, end="") if one[0] != "unreachable"]

    assert rules == found


# SPEC 2.4-6
def test_a_case_may_open_a_split_of_its_own_and_each_is_joined():
    graph = define(
        flow(
            start="if self.x:\n    -> self.a, self.b\nelif self.y:\n    -> self.c, foreach='xs'\n"
            "else:\n    -> self.d",
            a="-> self.j",
            b="-> self.j",
            c="-> self.k",
            j="JOIN -> self.d",
            k="JOIN -> self.d",
            d=TO_END,
            end="",
        )
    ).graph

    assert cases_of(graph["start"]) == {
        "self.x": ("split", ("a", "b")),
        "self.y": ("foreach", ("c",)),
        "else": ("linear", ("d",)),
    }
    assert [graph[name].split for name in ("j", "k", "d")] == ["start", "start", None]
    assert [graph.join_after("start", name) for name in ("a", "b", "c")] == ["j", "j", "k"]
    assert [graph[name].splits for name in ("a", "c", "d")] == [("start",), ("start",), ()]


# SPEC 2.4-6
@pytest.mark.parametrize(
    ("steps", "rule"),
    [
        (
            {
                "start": "if self.x:\n    -> self.a, foreach='xs'\nelse:\n    -> self.b",
                "a": "-> self.b",
                "b": TO_END,
                "end": "",
            },
            "uneven-ways",
        ),
        ({"start": "if self.x:\n    -> self.a, self.a\nelse:\n    -> self.b", **AB}, "target-twice"),
        (
            {"start": "if self.x:\n    -> self.j, foreach='xs'\nelse:\n    -> self.a, self.b", **JOINED},
            "empty-branch",
        ),
        (
            {"start": "if self.x:\n    -> self.a, self.b\nelse:\n    -> self.j", **JOINED},
            "unrelated-branches",
        ),
        (
            {"start": "if self.x:\n    -> self.a\nelse:\n    -> self.b, self.a", **JOINED},
            "uneven-ways",
        ),
        (
            {"start": "if self.x:\n    -> self.a, foreach='xs'\nelse:\n    -> self.a, self.b", **JOINED},
            "not-a-join",
        ),
        (
            {
                "start": "-> self.a, self.b",
                "a": "self.next({1: self.c, 2: self.b}, condition='x')",
                "b": "-> self.j",
                "c": "-> self.j",
                "j": "JOIN " + TO_END,
                "end": "",
            },
            "not-a-join",
        ),
        (
            {
                "start": "-> self.a, self.b",
                "a": "self.next({1: self.j, 2: self.end}, condition='x')",
                "b": "-> self.j",
                "j": "JOIN " + TO_END,
                "end": "",
            },
            "uneven-ways",
        ),
    ],
)  # fmt: skip
def test_every_case_is_held_to_the_rules_of_its_form_and_of_its_level(steps: dict[str, str], rule: str):
    assert rule in [found for found, _ in problems_of(**steps)]


# SPEC 2.4-7
def test_a_case_may_lead_directly_to_the_join_of_the_split_around_it():
    graph = define(
        flow(
            start="-> self.a, self.b",
            a="self.next({1: self.j, 2: self.c}, condition='x')",
            b="-> self.j",
            c="-> self.j",
            j="JOIN " + TO_END,
            end="",
        )
    ).graph

    assert graph["j"].split == "start"
    assert graph.parents["j"] == ("a", "b", "c")


# SPEC 1.3-15
# SPEC 2.4-5
# SPEC 2.5-10
def test_graph_info_has_cases_and_conditions():
    info = graph_info(
        define(
            flow(
                start="-> self.a, self.b",
                a="self.next({1: self.j, 'k': self.c}, condition='x')",
                b="-> self.j",
                c="-> self.j",
                j="JOIN if self.x:\n    -> self.d, foreach='xs'\nelse:\n    -> self.end",
                d="-> self.k",
                k="JOIN " + TO_END,
                end="",
            )
        )
    )
    steps = info["steps"]

    assert (steps["a"]["type"], steps["a"]["condition"]) == ("split-switch", "x")
    assert steps["a"]["switch_cases"] == {"1": "j", "k": "c"}
    assert steps["a"]["next"] == ["j", "c"]
    assert (steps["j"]["type"], steps["j"]["condition"], steps["j"]["join"]) == ("split-switch", None, True)
    assert steps["j"]["switch_cases"] == {"self.x": "d", "else": "end"}
    assert steps["j"]["matching_join"] == "k"
    assert info["graph_structure"] == ["start", [["a", [[], ["c"]]], ["b"]], "j", [["d"], []], "k", "end"]
