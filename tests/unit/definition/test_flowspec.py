from __future__ import annotations

import json
import pickle

import pytest
from flow_sources import flow_from, flow_of

from stepwell.definition.constants import constants_of
from stepwell.definition.flow_definition import define
from stepwell.definition.flowspec import attach_live
from stepwell.definition.graph_info import graph_info, graph_view
from stepwell.exceptions import InvalidNextException, UnpicklableArtifactException


class Live:
    """A live half whose stored artifacts are a dictionary."""

    input, index = "item", 3

    def __init__(self, **stored: object) -> None:
        self.stored, self.loaded, self.gone, self.transitions = stored, [], [], []

    def load(self, name: str) -> object:
        self.loaded.append(name)
        if name not in self.stored:
            raise AttributeError(name)
        return self.stored[name]

    def check_assignable(self, name: str) -> None:
        if name == "fixed":
            raise AttributeError(f"{name} is fixed for the run")

    def removed(self, name: str) -> None:
        self.gone.append(name)
        self.stored.pop(name, None)

    def transition(self, targets: object, options: object, line: int) -> None:
        self.transitions.append((targets, options, line))

    def framework(self, name: str) -> object:
        return f"framework {name}"

    def describe(self) -> str:
        return "described"


def running(flow_class: type, live: Live):
    flow = flow_class.__new__(flow_class)
    attach_live(flow, live)
    return flow


# SPEC 1.2-1
def test_without_the_command_line_a_flow_object_is_inert():
    flow = flow_of(start="self.next(self.end)", end="")(use_cli=False)

    assert flow.name == "Sample"
    assert [step.name for step in flow] == ["start", "end"]
    assert (flow.input, flow.index, flow.foreach_stack()) == (None, None, [])
    with pytest.raises(InvalidNextException):
        flow.next(flow.end)


def test_an_inherited_artifact_is_loaded_once_and_only_when_read():
    live = Live(x=1)
    flow = running(flow_of(start=""), live)

    assert (flow.x, flow.x) == (1, 1)
    assert live.loaded == ["x"]


# SPEC 3.2-2
def test_a_parameter_reads_as_its_value_in_a_step():
    flow_class = flow_from("class F(FlowSpec):\n    alpha = Parameter('a-b', default=1)\n")

    assert running(flow_class, Live(alpha=7)).alpha == 7
    assert flow_class.alpha.name == "a-b"


# SPEC 1.2-6
def test_what_is_fixed_can_neither_be_set_nor_deleted():
    flow = running(flow_of(start=""), Live(fixed=1))

    with pytest.raises(AttributeError, match="fixed for the run"):
        flow.fixed = 2
    with pytest.raises(AttributeError, match="fixed for the run"):
        del flow.fixed


def test_a_deleted_artifact_is_hidden():
    flow = running(flow_of(start=""), Live(x=1))

    del flow.x

    assert not hasattr(flow, "x")
    with pytest.raises(AttributeError):
        del flow.never_there


def test_next_tells_the_targets_and_the_line_of_the_call():
    flow_class = flow_of(start="self.next(self.end, foreach='xs')", end="")
    live = Live()
    flow = running(flow_class, live)

    flow.start()

    line = define_line(flow_class)
    assert live.transitions == [((flow.end,), {"foreach": "xs"}, line)]


def define_line(flow_class: type) -> int:
    return flow_class.start.__code__.co_firstlineno + 2


# SPEC 1.3-16
def test_framework_attributes_are_asked_for_and_not_kept():
    flow = running(flow_of(start=""), Live())

    assert flow._current_step == "framework _current_step"
    assert "_current_step" not in flow.__dict__


# SPEC 1.2-7
def test_a_flow_object_cannot_be_stored():
    with pytest.raises(UnpicklableArtifactException, match="single values"):
        pickle.dumps(running(flow_of(start=""), Live()))


# SPEC 1.2-5
def test_constants_are_the_plain_values_of_the_class_and_its_bases():
    flow = flow_from(
        "import functools\nclass Base(FlowSpec):\n    A = 1\n    B = 2\n    _private = 3\n"
        "class F(Base):\n    B = [4]\n    p = Parameter('p')\n    class Inner: pass\n"
        "    @property\n    def q(self): return 1\n    def helper(self): pass\n"
        "    part = functools.partialmethod(helper)\n"
        "    @functools.singledispatchmethod\n    def by_type(self, value): pass\n"
    )

    assert constants_of(flow) == {"A": 1, "B": [4]}


# SPEC 1.3-15
# SPEC 2.1-3
def test_graph_info_has_the_shape_that_tools_read():
    flow = flow_from(
        "class F(FlowSpec):\n    '''What it does.'''\n    A = 1\n    p = Parameter('q', default=1)\n"
        "    @resources(cpu=2)\n    @step(node_info={'k': (1, 2)})\n    def start(self):\n"
        "        '''First.'''\n        self.next(self.a, foreach='xs')\n"
        "    @step\n    def a(self):\n        self.next(self.j)\n"
        "    @step\n    def j(self, inputs):\n        self.next(self.end)\n"
        "    @step\n    def end(self):\n        pass\n"
    )

    info = json.loads(json.dumps(graph_info(define(flow))))

    assert info["graph_structure"] == ["start", [["a"]], "j", "end"]
    assert (info["start_step"], info["end_step"], info["doc"]) == ("start", "end", "What it does.")
    assert info["parameters"] == [{"name": "p", "type": "Parameter"}]
    assert info["constants"] == [{"name": "A", "type": "int"}]
    start = info["steps"]["start"]
    assert (start["type"], start["foreach_artifact"], start["matching_join"]) == ("split-foreach", "xs", "j")
    assert (start["doc"], start["node_info"], start["next"]) == ("First.", {"k": [1, 2]}, ["a"])
    assert start["decorators"][0]["name"] == "resources"
    assert [info["steps"][name]["type"] for name in ("a", "j", "end")] == ["linear", "join", "end"]


# SPEC 1.3-16
def test_the_graph_view_has_types_and_neighbours():
    view = graph_view(define(flow_of(start="self.next(self.a)", a="self.next(self.end)", end="")))

    assert [(node.name, node.type) for node in view] == [("start", "start"), ("a", "linear"), ("end", "end")]
    assert (view["a"].in_funcs, view["a"].out_funcs, view["a"].parallel_step) == (["start"], ["end"], False)
