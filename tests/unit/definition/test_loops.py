"""Steps that lead back, and what of it is allowed."""

from __future__ import annotations

import itertools
import time

import pytest
from flow_sources import flow_of
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.definition.flow_definition import define
from stepwell.definition.graph_info import graph_info
from stepwell.definition.loops import find_loops
from stepwell.exceptions import GraphError, Problem

TO_END = "self.next(self.end)"


def switch(*targets: str) -> str:
    return f"self.next({{{', '.join(f'{name!r}: self.{name}' for name in targets)}}}, condition='c')"


def to(*targets: str) -> str:
    return f"self.next({', '.join(f'self.{name}' for name in targets)})"


def problems_of(**steps: str) -> list[Problem]:
    with pytest.raises(GraphError) as caught:
        define(flow_of(**steps))
    assert all(problem.fix and problem.where for problem in caught.value.problems)
    return list(caught.value.problems)


# SPEC 2.4-8
# SPEC 5.2-7
def test_a_switch_may_lead_to_its_own_step():
    graph = define(flow_of(start=to("a"), a=switch("a", "end"), end="")).graph

    assert graph["a"].loops == ("a",)
    assert [node.name for node in graph] == ["start", "a", "end"]


# SPEC 5.2-3
def test_the_entry_may_lead_back_to_itself_by_a_switch_only():
    graph = define(flow_of(start=switch("start", "a"), a=TO_END, end="")).graph
    loop = problems_of(start=to("a"), a=switch("start", "end"), end="")
    plain = problems_of(start=to("start"), a=TO_END, end="")

    assert graph["start"].loops == ("start",)
    assert "into-entry" in [problem.rule for problem in loop]
    assert "into-entry" in [problem.rule for problem in plain]


# SPEC 2.4-9
def test_a_switch_may_lead_back_to_an_earlier_step_over_splits_that_are_joined():
    graph = define(
        flow_of(
            start=to("a"),
            a="self.next(self.b, foreach='xs')",
            b=switch("b", "j"),
            j="JOIN " + switch("a", "end"),
            end="",
        )
    ).graph

    assert {node.name: node.loops for node in graph} == {
        "start": (), "a": ("a",), "b": ("a", "b"), "j": ("a",), "end": (),
    }  # fmt: skip
    assert [node.name for node in graph] == ["start", "a", "b", "j", "end"]


# SPEC 2.4-9
def test_a_loop_may_decide_at_its_beginning_and_hold_other_loops():
    graph = define(
        flow_of(
            start=to("check"),
            check=switch("body", "end"),
            body=to("inner"),
            inner=switch("inner", "check"),
            end="",
        )
    ).graph

    assert graph["inner"].loops == ("check", "inner")
    assert graph["body"].loops == ("check",)


# SPEC 2.4-9
# SPEC 5.2-7
@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ({"start": to("a"), "a": to("b"), "b": to("a"), "end": ""}, "a -> b -> a"),
        ({"start": to("a"), "a": switch("a"), "end": ""}, "a -> a"),
        ({"start": to("a"), "a": switch("b", "a"), "b": to("a"), "end": ""}, "a -> a"),
        (
            {
                "start": to("a", "b"),
                "a": switch("start2", "j"),
                "start2": to("a"),
                "b": to("j"),
                "j": "JOIN " + switch("b", "end"),
                "end": "",
            },
            "a loop stays in its branch",
        ),
        (
            {
                "start": to("a"),
                "a": to("b", "c"),
                "b": switch("a", "j"),
                "c": to("j"),
                "j": "JOIN " + TO_END,
                "end": "",
            },
            "a loop stays in its branch",
        ),
        (
            {
                "start": to("a"),
                "a": "self.next(self.b, foreach='xs')",
                "b": to("j"),
                "j": "JOIN " + switch("b", "end"),
                "end": "",
            },
            "a loop stays in its branch",
        ),
    ],
)
def test_any_other_cycle_is_an_error(steps: dict[str, str], words: str):
    found = [problem for problem in problems_of(**steps) if problem.rule == "cycle"]

    assert found
    assert words in found[0].what


# SPEC 2.4-9
def test_a_cycle_without_a_way_out_is_printed_as_its_steps_in_the_line_of_its_transition():
    flow = flow_of(start=to("a"), a=switch("b", "c"), b=to("a"), c=to("a"), end="")
    with pytest.raises(GraphError) as caught:
        define(flow)
    problem = next(problem for problem in caught.value.problems if problem.rule == "cycle")

    assert "a -> b -> a" in problem.what
    assert "let a case of a switch leave the loop" in problem.fix
    assert problem.where.endswith(f":{flow.__dict__['a'].__code__.co_firstlineno + 2}")


# SPEC 1.3-15
def test_graph_info_ends_with_the_exit_behind_a_loop():
    info = graph_info(define(flow_of(start=to("a"), a=to("b"), b=switch("a", "end"), end="")))

    assert info["graph_structure"] == ["start", "a", "b", [[], []], "end"]
    assert info["steps"]["b"]["next"] == ["a", "end"]


# SPEC 5.1-3
def test_ten_thousand_steps_with_loops_are_checked_without_recursion():
    names = ["start", *(f"s{i}" for i in range(9_998)), "end"]
    bodies = {name: to(after) for name, after in itertools.pairwise(names)}
    for number in range(1, 9_900, 3):
        bodies[f"s{number}"] = switch(f"s{number}", f"s{number + 1}")
    bodies["s9997"] = switch("s0", "end")
    flow = flow_of(**bodies, end="")

    began = time.process_time()
    graph = define(flow).graph

    assert graph["s1"].loops == ("s0", "s1")
    assert time.process_time() - began < 4


# SPEC 2.4-9
@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=24))
def test_what_leads_forward_has_no_cycle_and_every_step_on_a_cycle_is_in_a_loop(edges):
    targets = {f"s{i}": tuple(sorted({f"s{b}" for a, b in edges if a == i})) for i in range(8)}
    behind = {name: reached_from(name, targets) for name in targets}
    among = {"s0", *behind["s0"]}

    loops = find_loops("s0", targets, among)

    forward = {name: reached_from(name, loops.forward) for name in among}
    assert not [name for name in among if name in forward[name]]
    assert {name for name in among if name in behind[name]} == set(loops.around)
    for name, firsts in loops.around.items():
        outermost = next(loop for loop in loops.loops if loop.first == firsts[0])
        assert outermost.steps == {other for other in behind[name] if name in behind[other]}


def reached_from(name: str, targets) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        new = set(targets[waiting.pop()]) - found
        found |= new
        waiting += new
    return found
