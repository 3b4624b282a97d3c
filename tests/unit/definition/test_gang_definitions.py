"""Steps whose tasks run in gangs: what is read of them, and what is refused."""

from __future__ import annotations

import pytest
from flow_sources import flow_from, flow_of

from stepwell.definition.flow_definition import define
from stepwell.definition.graph_info import graph_info, graph_view
from stepwell.definition.transition import Gang
from stepwell.exceptions import BadStepDecoratorException, GraphError, InvalidDecoratorAttribute

STEPS = {
    "start": "self.next(self.train, num_parallel=4)",
    "train": "self.next(self.join)",
    "join": "JOIN self.next(self.end)",
    "end": "",
}


CHOICE = "if self.x:\n            self.next(self.train, num_parallel=2)\n        else:\n            "


def gang_flow(decorators: str = "@parallel", above: dict[str, str] | None = None, **bodies: str) -> type:
    """Return a flow in which the step `train` carries these decorators."""
    lines = ["from stepwell import *", "class F(FlowSpec):"]
    for name, body in {**STEPS, **bodies}.items():
        inputs = ", inputs" if body.startswith("JOIN") else ""
        given = decorators if name in ("train", "other") else (above or {}).get(name, "")
        marks = [f"    {one}" for one in given.split()]
        lines += [*marks, "    @step", f"    def {name}(self{inputs}):"]
        lines.append(f"        {body.removeprefix('JOIN ') or 'pass'}")
    return flow_from("\n".join(lines) + "\n")


def problem_of(flow_class: type) -> str:
    with pytest.raises(GraphError) as caught:
        define(flow_class)
    (problem,) = caught.value.problems
    assert problem.where and problem.fix
    return problem.what


# SPEC 2.6-1
@pytest.mark.parametrize("size", ["4", "self.nodes", "len(self.hosts) + 1"])
def test_a_gang_is_read_with_the_source_of_its_size(size):
    graph = define(gang_flow(start=f"self.next(self.train, num_parallel={size})")).graph

    assert graph["start"].transition == Gang("train", size, graph["start"].line + 1)
    assert (graph.gangs, graph.join_of) == ({"train"}, {"start": "join"})
    assert graph["train"].splits == ("start",)


# SPEC 2.6-3
@pytest.mark.parametrize("size", ["0", "True", "2.0", "'4'", "None"])
def test_a_constant_that_is_no_number_of_tasks_is_refused(size):
    flow = gang_flow(start=f"self.next(self.train, num_parallel={size})")

    assert problem_of(flow) == f"step `start`: `num_parallel={size}` is no number of tasks"


# SPEC 2.3-9
@pytest.mark.parametrize("other", ["min_success=1", "foreach='xs'"])
def test_a_gang_has_no_other_options(other):
    flow = gang_flow(start=f"self.next(self.train, num_parallel=4, {other})")

    name = other.partition("=")[0]
    assert problem_of(flow) == f"step `start`: `num_parallel` stands beside `{name}`"


def test_a_gang_has_one_target():
    flow = gang_flow(start="self.next(self.train, self.join, num_parallel=4)")

    assert problem_of(flow) == "step `start`: `num_parallel` has 2 targets instead of one"


# SPEC 5.2-10
def test_num_parallel_leads_to_a_step_that_is_marked():
    assert problem_of(gang_flow(decorators="")) == (
        "`num_parallel` leads to step `train`, which is not marked with @parallel"
    )


# SPEC 5.2-10
@pytest.mark.parametrize(
    ("start", "others"),
    [
        ("self.next(self.train, foreach='xs')", {}),
        ("self.next(self.other, self.train)", {"other": "self.next(self.join)"}),
    ],
)
def test_a_marked_step_is_entered_by_num_parallel_only(start, others):
    with pytest.raises(GraphError) as caught:
        define(gang_flow(start=start, **others))

    assert {problem.what for problem in caught.value.problems} >= {
        "step `start` leads to step `train`, which is marked with @parallel, without `num_parallel`"
    }


# SPEC 5.2-10
def test_no_case_of_a_switch_leads_to_a_marked_step_without_num_parallel():
    what = problem_of(gang_flow(start=CHOICE + "self.next(self.train)"))

    assert what.startswith("step `train` is entered with different splits open")


# SPEC 5.2-10
def test_a_step_that_runs_as_a_gang_is_no_switch():
    flow = gang_flow(
        train="self.next({1: self.join, 2: self.join}, condition='x')",
    )

    assert problem_of(flow) == "step `train` runs as a gang, and is not followed by a join at once"


# SPEC 2.6-1
def test_a_case_of_a_switch_may_open_a_gang():
    flow = gang_flow(
        start=CHOICE + "self.next(self.after)", join="JOIN self.next(self.after)", after="self.next(self.end)"
    )

    graph = define(flow).graph

    assert (graph.gangs, graph["start"].opens_gang, graph["start"].is_split) == ({"train"}, True, True)


# SPEC 6.1-4
@pytest.mark.parametrize("start", ["", "switch"])
def test_a_step_that_opens_a_gang_cannot_be_caught(start):
    body = CHOICE + "self.next(self.after)" if start else STEPS["start"]
    more = {"join": "JOIN self.next(self.after)", "after": "self.next(self.end)"} if start else {}
    text = "@catch(default='self.x')" if start else "@catch"

    assert "nobody would know of how many tasks" in problem_of(
        gang_flow(start=body, above={"start": text}, **more)
    )


# SPEC 5.2-10
def test_the_entry_cannot_be_marked():
    flow = flow_from(
        "from stepwell import *\nclass F(FlowSpec):\n    @parallel\n    @step\n    def start(self):\n"
        "        self.next(self.end)\n    @step\n    def end(self):\n        pass\n"
    )

    assert problem_of(flow) == "step `start` is marked with @parallel, but no `num_parallel` leads to it"


# SPEC 5.2-10
def test_a_marked_step_is_followed_by_a_join_at_once():
    flow = gang_flow(train="self.next(self.after)", after="self.next(self.join)")

    assert problem_of(flow) == "step `train` runs as a gang, and is not followed by a join at once"


# SPEC 5.2-9
def test_a_gang_has_a_step_between_split_and_join():
    flow = flow_of(start="self.next(self.join, num_parallel=2)", join="JOIN self.next(self.end)", end="")

    assert problem_of(flow) == "the gang of step `start` leads directly to its join `join`"


def test_a_gang_takes_no_results_of_the_past():
    assert (
        problem_of(gang_flow("@parallel @cache"))
        == "@cache cannot stand on step `train`, which runs as a gang"
    )


def test_parallel_has_no_attributes_and_belongs_on_a_step():
    with pytest.raises(InvalidDecoratorAttribute, match="@parallel has no attribute `nodes`"):
        gang_flow("@parallel(nodes=4)")
    with pytest.raises(BadStepDecoratorException, match="@parallel stands on"):
        flow_from("from stepwell import *\n@parallel\ndef f(self):\n    pass\n")


# SPEC 12.4-5
@pytest.mark.parametrize(
    ("size", "shown"),
    [("4", {"num_parallel": 4}), ("self.n", {"num_parallel": None, "num_parallel_expr": "self.n"})],
)
def test_tools_read_a_gang_in_graph_info(size, shown):
    definition = define(gang_flow(start=f"self.next(self.train, num_parallel={size})"))
    info = graph_info(definition)

    step = info["steps"]["start"]
    assert (step["type"], step["matching_join"]) == ("split-parallel", "join")
    assert {name: value for name, value in step.items() if name.startswith("num_parallel")} == shown
    assert info["steps"]["train"]["decorators"][0]["name"] == "parallel"
    assert info["graph_structure"] == ["start", [["train"]], "join", "end"]
    view = graph_view(definition)
    assert (view["train"].parallel_step, view["start"].parallel_step) == (True, False)
    assert view["start"].parallel_foreach


def test_leaving_the_mark_out_leaves_the_gang():
    definition = define(gang_flow()).leaving_out(["parallel"])

    assert definition.policies["train"].gang
