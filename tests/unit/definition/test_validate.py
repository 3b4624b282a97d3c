from __future__ import annotations

import itertools
import sys

import pytest
from flow_sources import flow_from, flow_of

from stepwell.definition.extended_checks import problems_in_steps
from stepwell.definition.flow_definition import define
from stepwell.definition.transition import Foreach, Linear, Split
from stepwell.exceptions import GraphError

TO_END = "self.next(self.end)"


def rules(flow_class: type) -> list[str]:
    with pytest.raises(GraphError) as caught:
        define(flow_class)
    assert all(problem.where and problem.fix for problem in caught.value.problems)
    return [problem.rule for problem in caught.value.problems]


# SPEC 2.2-3
def test_a_linear_flow_is_read_in_order():
    graph = define(flow_of(start="self.next(self.a)", a=TO_END, end="")).graph

    assert [node.name for node in graph] == ["start", "a", "end"]
    assert isinstance(graph["start"].transition, Linear)


# SPEC 2.3-2
def test_a_foreach_takes_a_name_or_an_expression():
    named = define(
        flow_of(start="self.next(self.a, foreach='xs')", a="self.next(self.j)", j="JOIN " + TO_END, end="")
    )
    given = define(
        flow_of(
            start="self.next(self.a, foreach=range(8))", a="self.next(self.j)", j="JOIN " + TO_END, end=""
        )
    )

    assert named.graph["start"].transition == Foreach("a", var="xs", line=named.graph["start"].line + 1)
    assert given.graph["start"].transition == Foreach(
        "a", expr="range(8)", line=given.graph["start"].line + 1
    )


# SPEC 5.2-8
def test_nested_splits_know_their_joins():
    graph = define(
        flow_of(
            start="self.next(self.a, self.b)",
            a="self.next(self.c, foreach='xs')",
            c="self.next(self.inner)",
            inner="JOIN self.next(self.outer)",
            b="self.next(self.outer)",
            outer="JOIN " + TO_END,
            end="",
        )
    ).graph

    assert graph.join_of == {"a": "inner", "start": "outer"}
    assert graph["c"].splits == ("start", "a")
    assert isinstance(graph["start"].transition, Split)


# SPEC 2.1-2
def test_a_single_step_is_entry_and_exit():
    graph = define(flow_of(only="self.x = 1")).graph

    assert (graph.start, graph.end) == ("only", "only")


# SPEC 2.1-6
# SPEC 2.2-4
def test_inherited_and_overridden_steps_are_read_from_their_own_class():
    flow = flow_from(
        "class Base(FlowSpec):\n"
        "    @step\n    def start(self):\n        self.next(self.a)\n"
        "    @step\n    def a(self):\n        self.next(self.end)\n"
        "    @step\n    def end(self):\n        pass\n"
        "class Sub(Base):\n"
        "    @step\n    def a(self):\n        self.next(self.b)\n"
        "    @step\n    def b(self):\n        self.next(self.end)\n"
    )

    assert [node.name for node in define(flow).graph] == ["start", "a", "b", "end"]


@pytest.mark.parametrize(
    ("steps", "rule"),
    [
        # SPEC 5.2-1
        ({"start": "self.next(self.input)", "input": TO_END, "end": ""}, "step-name"),
        ({"start": "self.next(self.Big)", "Big": TO_END, "end": ""}, "step-name"),
        ({"start": "self.next(self._small)", "_small": TO_END, "end": ""}, "step-name"),
        ({"start": "self.next(self.name)", "name": TO_END, "end": ""}, "step-name"),
        ({"start": "self.next(self.index)", "index": TO_END, "end": ""}, "step-name"),
        ({"start": "self.next(self.cmd)", "cmd": TO_END, "end": ""}, "step-name"),
        ({"start": "self.next(self.next)", "next": TO_END, "end": ""}, "step-name"),
        # SPEC 5.2-2
        ({"begin": TO_END, "end": ""}, "no-entry"),
        ({"start": "self.next(self.stop)", "stop": ""}, "no-exit"),
        # SPEC 5.2-3
        ({"start": "self.next(self.a)", "a": "self.next(self.start, self.end)", "end": ""}, "into-entry"),
        ({"start": TO_END, "end": "self.next(self.start)"}, "exit-goes-on"),
        # SPEC 5.2-5
        ({"start": "self.x = 1", "end": ""}, "no-transition"),
        ({"start": TO_END + "\nself.x = 1", "end": ""}, "statement-after-next"),
        ({"start": TO_END + "\n" + TO_END, "end": ""}, "statement-after-next"),
        # SPEC 5.2-6
        ({"start": "self.next(self.ned)", "end": ""}, "unknown-target"),
        ({"start": TO_END, "a": TO_END, "end": ""}, "unreachable"),
        # SPEC 5.2-7
        (
            {"start": "self.next(self.a)", "a": "self.next(self.b)", "b": "self.next(self.a)", "end": ""},
            "cycle",
        ),
        # SPEC 5.2-8
        ({"start": "self.next(self.a, self.b)", "a": TO_END, "b": TO_END, "end": ""}, "not-a-join"),
        ({"start": "self.next(self.j)", "j": "JOIN " + TO_END, "end": ""}, "join-without-split"),
        ({"start": "self.next(self.a, foreach='x')", "a": TO_END, "end": ""}, "split-not-joined"),
        # SPEC 5.2-9
        ({"start": "self.next(self.j, foreach='x')", "j": "JOIN " + TO_END, "end": ""}, "empty-branch"),
        # SPEC 2.2-2
        ({"start": "self.next()", "end": ""}, "no-target"),
        ({"start": "self.next(self.end())", "end": ""}, "target-form"),
        ({"start": "self.next('end')", "end": ""}, "target-form"),
        ({"start": "self.next(self.end, foreech='x')", "end": ""}, "unknown-option"),
        ({"start": "self.next(self.end, self.end)", "end": ""}, "target-twice"),
        # SPEC 2.2-5
        ({"start": "for x in (1, 2):\n    " + TO_END, "end": ""}, "next-in-loop"),
        ({"start": "try:\n    " + TO_END + "\nfinally:\n    pass", "end": ""}, "next-in-try"),
        ({"start": "def f():\n    " + TO_END + "\nf()", "end": ""}, "next-in-function"),
        ({"start": "(lambda: " + TO_END + ")()", "end": ""}, "next-in-lambda"),
        ({"start": "[" + TO_END + " for _ in 'a']", "end": ""}, "next-in-comprehension"),
        ({"start": TO_END + " if self.x else None", "end": ""}, "next-in-expression"),
        ({"start": "self.x and " + TO_END, "end": ""}, "next-in-expression"),
    ],
)
def test_a_broken_rule_is_reported_by_name(steps: dict[str, str], rule: str):
    assert rule in rules(flow_of(**steps))


# SPEC 5.2-4
def test_a_step_takes_one_or_two_positional_arguments():
    flow = flow_from("class F(FlowSpec):\n    @step\n    def start(self, a, b):\n        pass\n")

    assert rules(flow) == ["step-arguments"]


# SPEC 5.2-2
@pytest.mark.parametrize(
    ("marks", "named"),
    [
        ({"first": "start=True", "second": "start=True", "end": ""}, "2 entry steps: `first`, `second`"),
        ({"first": "start=True", "start": "", "end": ""}, "2 entry steps: `first`, `start`"),
        ({"start": "", "last": "end=True", "final": "end=True"}, "2 exit steps: `last`, `final`"),
        ({"start": "", "last": "end=True", "end": ""}, "2 exit steps: `last`, `end`"),
        ({"start": "", "both": "start=True, end=True"}, "2 entry steps: `both`, `start`"),
    ],
)
def test_several_entries_or_exits_are_named(marks: dict[str, str], named: str):
    steps = "".join(
        f"    @step({mark})\n    def {name}(self):\n        pass\n" for name, mark in marks.items()
    )

    with pytest.raises(GraphError, match=named):
        define(flow_from(f"class F(FlowSpec):\n{steps}"))


# SPEC 5.1-2
def test_all_problems_come_at_once_and_in_the_order_of_lines():
    flow = flow_of(start="self.next(self.ende)", Bad="pass", a="self.next()", end="")

    with pytest.raises(GraphError) as caught:
        define(flow)

    lines = [int(problem.where.rpartition(":")[2]) for problem in caught.value.problems]
    assert lines == sorted(lines)
    assert {problem.rule for problem in caught.value.problems} >= {"unknown-target", "step-name", "no-target"}
    assert "Did you mean `end`?" in str(caught.value)


# SPEC 5.2-7
def test_a_cycle_is_printed_as_its_steps():
    flow = flow_of(start="self.next(self.a)", a="self.next(self.b)", b="self.next(self.a)", end="")

    with pytest.raises(GraphError, match="a -> b -> a"):
        define(flow)


# SPEC 5.2-8
def test_a_missing_branch_names_split_join_and_branches():
    flow = flow_of(
        start="self.next(self.a, self.b, self.c)",
        a="self.next(self.j)",
        b="self.next(self.j)",
        c="self.next(self.j2)",
        j="JOIN self.next(self.j2)",
        j2="JOIN " + TO_END,
        end="",
    )

    with pytest.raises(GraphError, match=r"`j`.*`start`.*expected `a`, `b`, `c`, found `a`, `b`"):
        define(flow)


# SPEC 2.2-5
def test_a_transition_may_stand_in_with_and_before_a_bare_return():
    flow = flow_of(start="with open('/dev/null'):\n    self.next(self.a)", a=TO_END + "\nreturn", end="")

    assert len(define(flow).graph) == 3


def chain(length: int) -> type:
    names = ["start", *(f"s{i}" for i in range(length - 2)), "end"]
    bodies = {name: f"self.next(self.{after})" for name, after in itertools.pairwise(names)}
    return flow_of(**bodies, end="")


def calls_of_check(flow: type) -> int:
    """Return how many functions are called to check a flow: work, whatever else the machine does."""
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        definition = define(flow)
        found = problems_in_steps(flow, definition.graph, definition.decorators)
    finally:
        sys.setprofile(None)
    assert found == []
    return calls


# SPEC 5.1-3
def test_the_work_of_a_check_grows_as_the_graph_does_and_without_recursion():
    calls_of_check(chain(10))  # what is imported and cached is no part of it
    small, large = calls_of_check(chain(600)), calls_of_check(chain(2_400))

    assert large < 4.2 * small
