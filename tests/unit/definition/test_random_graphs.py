from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from flow_sources import flow_of
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.definition.flow_definition import define
from stepwell.exceptions import GraphError

# A block is a step ("step"), a static split of sequences ("split"), a foreach over one ("foreach"), a switch
# between some ("cases" in a dictionary, "paths" with `if`), or a loop over one ("loop").
_blocks = st.recursive(
    st.just(("step", [])),
    lambda inner: st.one_of(
        st.tuples(
            st.just("split"), st.lists(st.lists(inner, min_size=1, max_size=3), min_size=2, max_size=3)
        ),
        st.tuples(
            st.sampled_from(["foreach", "loop"]),
            st.lists(st.lists(inner, min_size=1, max_size=3), min_size=1, max_size=1),
        ),
        st.tuples(
            st.sampled_from(["cases", "paths"]),
            st.lists(st.lists(inner, max_size=2), min_size=2, max_size=3),
        ),
    ),
    max_leaves=12,
)
_flows = st.lists(_blocks, max_size=4)


def cases(targets: list[str]) -> str:
    listed = ", ".join(f"{number}: self.{target}" for number, target in enumerate(targets))
    return f"self.next({{{listed}}}, condition='c')"


def paths(targets: list[str]) -> str:
    early = [
        f"if self.x == {n}:\n    self.next(self.{target})\n    return" for n, target in enumerate(targets)
    ]
    return "\n".join([*early[1:], f"self.next(self.{targets[0]})"])


@dataclass
class Written:
    """Bodies of steps, and the join that closes each split."""

    bodies: dict[str, str] = field(default_factory=dict)
    joins: dict[str, str] = field(default_factory=dict)


def written(blocks: list) -> Written:
    out, numbers = Written(), itertools.count()

    def sequence(blocks: list, after: str) -> str:
        """Write the blocks so that they lead to the step ``after``; return the step they begin with."""
        for kind, branches in reversed(blocks):
            name = f"s{next(numbers)}"
            if kind == "step":
                out.bodies[name] = f"self.next(self.{after})"
            elif kind == "loop":
                out.bodies[name] = ""  # it must be known as a step, and stand before its body
                first = sequence(branches[0], name)
                out.bodies[name] = cases([first, after])
                name = first
            elif kind in ("cases", "paths"):
                firsts = [sequence(branch, after) for branch in branches]
                out.bodies[name] = cases(firsts) if kind == "cases" else paths(firsts)
            else:
                join = out.joins[name] = f"j{next(numbers)}"
                out.bodies[join] = f"JOIN self.next(self.{after})"
                firsts = [sequence(branch, join) for branch in branches]
                targets = ", ".join(f"self.{first}" for first in firsts)
                out.bodies[name] = f"self.next({targets}{', foreach=[1]' if kind == 'foreach' else ''})"
            after = name
        return after

    first = sequence(blocks, "end")
    out.bodies = {"start": f"self.next(self.{first})", **out.bodies, "end": ""}
    return out


# SPEC 5.2-8
@settings(max_examples=60, deadline=None)
@given(_flows)
def test_every_well_nested_graph_is_accepted_with_its_joins(blocks: list):
    flow = written(blocks)

    graph = define(flow_of(**flow.bodies)).graph

    assert graph.join_of == flow.joins
    places = {name: position for position, name in enumerate(graph.nodes)}
    assert all(
        places[node.name] < places[target] or target in node.loops
        for node in graph
        for target in node.targets
    )
    assert any(node.loops for node in graph) == ("'loop'" in str(blocks))


# SPEC 5.2-6
@settings(max_examples=100, deadline=None)
@given(_flows, st.data())
def test_one_mistake_in_a_right_graph_is_always_found(blocks: list, data: st.DataObject):
    bodies = written(blocks).bodies
    step = data.draw(st.sampled_from([name for name in bodies if name != "end"]))
    body = bodies[step]
    mistakes = [
        body.replace("self.next", "self.nxt"),
        "JOIN self.next(self.nowhere)",
        "JOIN self.next(self.start)",
    ]
    if body.startswith("JOIN"):
        mistakes.append(body.removeprefix("JOIN"))
    else:
        mistakes.append("JOIN " + body)
    if "foreach" in body:
        mistakes.append(body.replace(", foreach=[1]", ""))
    bodies[step] = data.draw(st.sampled_from(mistakes))

    try:
        define(flow_of(**bodies))
    except GraphError as error:
        assert error.problems
    else:
        raise AssertionError(f"accepted, with {step} as: {bodies[step]}")


# SPEC 5.1-2
@settings(max_examples=100, deadline=None)
@given(_flows, st.data())
def test_wrong_targets_never_crash_the_check(blocks: list, data: st.DataObject):
    bodies = written(blocks).bodies
    names = list(bodies)
    step, target = data.draw(st.sampled_from(names)), data.draw(st.sampled_from(names))
    bodies[step] = f"self.next(self.{target})"

    try:
        graph = define(flow_of(**bodies)).graph
    except GraphError as error:
        assert all(problem.rule and problem.where for problem in error.problems)
    else:
        assert len(graph) == len(bodies)
