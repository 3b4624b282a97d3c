"""The graph as an outline, for Mermaid, and as a picture."""

from __future__ import annotations

import itertools
from xml.etree import ElementTree as Xml

import pytest
from flow_sources import flow_of

from stepwell.definition.flow_definition import define
from stepwell.definition.graph_info import graph_info
from stepwell.definition.graph_layout import BOX_HEIGHT, boxes_of
from stepwell.definition.graph_picture import svg
from stepwell.definition.graph_text import edges_of, mermaid_lines, outline_lines

FLOW = flow_of(
    start="self.next(self.a)",
    a="self.next(self.b, self.c)",
    b="self.next(self.d, foreach=range(3))",
    c="self.next(self.j)",
    d="self.next(self.e)",
    e="JOIN self.next(self.j)",
    j="JOIN\nself.again = 'no'\nself.next({'<\"yes\">': self.a, 'no': self.end}, condition='again')",
    end="",
)
DEFINITION = define(FLOW)
ARROWS = {node.name: list(edges_of(node)) for node in DEFINITION.graph}


def outline(definition, width=80):
    return list(outline_lines(definition.graph, graph_info(definition)["graph_structure"], width))


# SPEC 9.3-7
def test_the_outline_indents_branches_and_names_joins_switches_and_what_leads_back():
    assert outline(DEFINITION) == [
        "start",
        "a  split",
        "+- b  foreach range(3)",
        "|  +- d",
        "|  e  (joins b)",
        "+- c",
        'j  (joins a)  switch by again  <"yes"> -> a; no -> end  ^ back to a',
        "end",
    ]


# SPEC 9.3-7
@pytest.mark.parametrize("width", [1, 3, 10, 40])
def test_no_line_of_the_outline_is_wider_than_the_terminal(width):
    deep = 40
    steps = {"start": "self.next(self.f0)"}
    steps |= {f"f{n}": f"self.next(self.f{n + 1}, foreach=[1])" for n in range(deep)}
    steps[f"f{deep}"] = f"self.next(self.j{deep - 1})"
    steps |= {f"j{n}": f"JOIN self.next(self.j{n - 1})" for n in range(deep - 1, 0, -1)}
    lines = outline(define(flow_of(**steps, j0="JOIN self.next(self.end)", end="")), width)

    assert len(lines) == 2 * deep + 3
    assert max(map(len, lines)) <= width


# SPEC 9.3-7
def test_mermaid_has_every_step_and_arrow_and_no_name_is_a_word_of_its_language():
    lines = list(mermaid_lines(DEFINITION.graph))

    assert lines[0] == "flowchart LR"
    assert '  s_end["end"]' in lines and '  s_j{"j"}' in lines and '  s_b[["b"]]' in lines
    assert '  s_j -->|"<#quot;yes#quot;>"| s_a' in lines and '  s_b -->|"foreach range(3)"| s_d' in lines
    assert sum("-->" in line for line in lines) == sum(map(len, ARROWS.values()))


# SPEC 9.3-7
def test_the_picture_is_valid_and_has_a_box_for_each_step_and_a_path_for_each_arrow():
    picture = Xml.fromstring(svg(ARROWS))
    name = "{http://www.w3.org/2000/svg}"

    assert [title.text for title in picture.iter(f"{name}title")] == list(ARROWS)
    paths = [path for path in picture.iter(f"{name}path") if path.get("marker-end")]
    assert len(paths) == sum(map(len, ARROWS.values()))
    assert sum(path.get("class") == "back" for path in paths) == 1
    assert '<"yes">' in {text.text for text in picture.iter(f"{name}text")}


# SPEC 9.3-7
def test_no_two_steps_lie_on_each_other_and_all_arrows_but_those_back_go_right():
    boxes = boxes_of(ARROWS)

    for one, other in itertools.combinations(boxes.values(), 2):
        apart = one.right < other.x or other.right < one.x or abs(one.y - other.y) > BOX_HEIGHT
        assert apart, (one, other)
    right = [
        (name, target) for name, own in ARROWS.items() for target, _ in own if (name, target) != ("j", "a")
    ]
    assert all(boxes[target].x > boxes[name].x for name, target in right)


def test_branches_stand_below_each_other_around_the_middle():
    boxes = boxes_of({"start": [("a", ""), ("b", "")], "a": [("join", "")], "b": [("join", "")], "join": []})

    assert boxes["a"].x == boxes["b"].x and boxes["a"].y != boxes["b"].y
    assert boxes["start"].middle == boxes["join"].middle == (boxes["a"].middle + boxes["b"].middle) / 2


def test_the_picture_of_nothing_is_empty():
    assert Xml.fromstring(svg({})).findall("{http://www.w3.org/2000/svg}rect") == []
