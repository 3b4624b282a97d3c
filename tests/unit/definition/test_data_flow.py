"""Artifacts followed along the graph: what is found wrong, and above all what is not."""

from __future__ import annotations

import itertools

import pytest
from checked_steps import FLOW, found, in_start
from flow_sources import flow_from, flow_of

from stepwell.definition.data_flow.arrivals import Arrivals
from stepwell.definition.data_flow.body import Body
from stepwell.definition.extended_checks import all_problems, problems_in_steps
from stepwell.definition.flow_definition import define
from stepwell.definition.validate import read_graph

TO_END = "self.next(self.end)"
ERROR = [("error", "unknown-artifact")]
WARNING = [("warning", "unknown-artifact")]


# SPEC 5.3-1
@pytest.mark.parametrize(
    "body",
    [
        "print(self.missing)",
        "self.missing += 1",
        "x = 1 + self.missing",
        "self.missing[0] = 1",
        "del self.missing",
        "print(f'{self.missing}')",
        "self.helper()",
        "print(self.doubled)",
        "getattr(self, 'missing')",
        "if self.missing:\n    pass",
        "while self.missing:\n    pass",
        "for x in self.missing:\n    pass",
        "with open(self.missing):\n    pass",
        "with open('f') as f:\n    f.write(self.missing)",
        "match self.missing:\n    case _:\n        pass",
        "x = [y for y in self.missing]",
        "x = lambda a=self.missing: a",
        "try:\n    self.missing\nfinally:\n    pass",
        "self.missing = self.missing",
        "self.missing: int = self.missing + 1",
        "(self.a, self.b) = self.missing",
        "if self.number:\n    raise ValueError\nprint(self.missing)",
        "assert self.missing",
        "self.fixed(self.missing)",
        "self.only_looks()\nprint(self.missing)",
    ],
)
def test_a_read_of_what_nothing_sets_is_an_error_where_it_is_sure_to_happen(body):
    assert in_start(body) == ERROR


# SPEC 5.3-1
@pytest.mark.parametrize(
    "body",
    [
        "if self.number:\n    print(self.missing)",
        "for x in range(3):\n    print(self.missing)",
        "x = self.number and self.missing",
        "x = self.missing if self.number else 1",
        "x = lambda: self.missing",
        "def f():\n    return self.missing",
        "try:\n    self.missing\nexcept AttributeError:\n    pass",
        "with contextlib.suppress(AttributeError):\n    self.missing",
        "for name in 'abc':\n    setattr(self, name, 1)\nprint(self.missing)",
        "vars(self).update(missing=1)\nprint(self.missing)",
        "self.__dict__['missing'] = 1\nprint(self.missing)",
        "touch(self)\nprint(self.missing)",
        "exec('self.missing = 1')\nprint(self.missing)",
        "map(self.helper, [1])",
        "if self.number:\n    return self.next(self.end)\nprint(self.missing)",
        "x = [self.missing for y in range(3)]",
        "assert self.number, self.missing",
        "self.prepares()\nprint(self.missing)",
        "type(self).missing = 1\nprint(self.missing)",
        "Sample.missing = 1\nprint(self.missing)",
        "setattr(Base, 'missing', 1)\nprint(self.missing)",
        "self.__setattr__('missing', 1)\nprint(self.missing)",
        "super().__setattr__('missing', 1)\nprint(self.missing)",
    ],
)
def test_what_may_not_happen_or_may_be_set_unseen_is_a_warning(body):
    if "return" in body:
        body += "\nif self.number:\n    raise ValueError"
    assert in_start(body) == WARNING


@pytest.mark.parametrize("decorator", ["@custom", "@catch(var='failure')"])
def test_a_decorator_that_may_do_anything_leaves_a_warning(decorator):
    header = "from stepwell.decorators.catch import catch\n"
    text = FLOW.replace("{body}", "        self.missing").replace("{end}", "pass")
    flow = flow_from(header + text.replace("{decorator}", decorator))

    assert [one[:2] for one in found(flow)] == WARNING


# SPEC 5.3-1
# SPEC 5.3-2
@pytest.mark.parametrize(
    "body",
    [
        "self.given = 1",
        "self.given: int = 1",
        "self.given, self.b = 1, 2",
        "[self.given, *self.rest] = 1, 2",
        "self.a = self.given = 1",
        "for self.given in range(3):\n    pass",
        "with open('f') as self.given:\n    pass",
        "self.sets()",
        "self.setup()",
        "self.deep()",
        "print(self.settled)",
        "self.changeable = 1\nprint(self.changeable)",
        "setattr(self, 'changeable', 1)",
        "setattr(self, 'given', 1)",
        "if self.number:\n    self.given = 1\nelse:\n    self.given = 2",
        "if self.number:\n    self.given = 1\nelse:\n    raise ValueError",
        "try:\n    self.given = 1\nexcept ValueError:\n    self.given = 2",
        "try:\n    pass\nfinally:\n    self.given = 1",
        "match self.number:\n    case 1:\n        self.given = 1\n    case _:\n        self.given = 2",
        "while True:\n    self.given = 1\n    break",
        "def f():\n    self.given = 1\nf()",
        "self.once, self.KINDS, self.fixed(1), self.foreach_stack(), self.input, self.name\nself.given = 1",
        "if hasattr(self, 'what'):\n    print(self.what)\nself.given = getattr(self, 'given', 1)",
    ],
)
def test_what_is_set_in_any_form_is_known_in_the_next_step(body):
    assert in_start(body, end="print(self.given, self.number, self.KINDS)") == []


# SPEC 5.3-2
def test_what_some_paths_of_a_step_set_may_be_missing_in_the_next():
    assert in_start("if self.number:\n    self.given = 1", end="self.given") == [
        ("warning", "artifact-on-some-paths")
    ]


def problems(**steps: str) -> list[tuple[str, str, str]]:
    flow = flow_of(**steps)
    definition = define(flow)
    return [
        (one.rule, one.step, one.what)
        for one in problems_in_steps(flow, definition.graph, definition.decorators)
    ]


SWITCH = "self.k = 1\nself.next({1: self.a, 2: self.b}, condition='k')"


# SPEC 5.3-2
def test_a_case_that_does_not_set_what_is_read_behind_it_is_named_as_a_way():
    ((rule, step, what),) = problems(start=SWITCH, a="self.x = 1\n" + TO_END, b=TO_END, end="self.x")

    assert (rule, step) == ("artifact-on-some-paths", "end")
    assert "nothing sets it on the way start -> b -> end" in what


# SPEC 5.3-2
def test_a_guarded_read_of_what_some_ways_bring_is_left_alone():
    guarded = "try:\n    self.x\nexcept AttributeError:\n    pass"
    asked = "if hasattr(self, 'x'):\n    self.x"
    for end in (guarded, asked, "getattr(self, 'x', 1)"):
        assert problems(start=SWITCH, a="self.x = 1\n" + TO_END, b=TO_END, end=end) == []


JOINED = {
    "start": "self.base = 1\nself.next(self.a, self.b)",
    "a": "self.x = 1\nself.next(self.j)",
    "b": "self.y = 1\nself.next(self.j)",
}


# SPEC 5.3-2
def test_what_a_join_does_not_take_over_is_reported_with_the_join():
    ((rule, step, what),) = problems(**JOINED, j="JOIN " + TO_END, end="self.base")

    assert (rule, step) == ("artifact-dropped", "end")
    assert "join `j` does not take it over" in what


# SPEC 5.3-2
@pytest.mark.parametrize(
    ("join", "rules"),
    [
        ("self.merge_artifacts(inputs)", []),
        ("self.merge_artifacts(inputs, include=['base', 'x', 'y'])", []),
        ("self.merge_artifacts(inputs, exclude=['other'])", []),
        ("self.merge_artifacts(inputs, None, self.names())", ["unknown-artifact"]),
        ("self.merge_artifacts(inputs, ['y'])", ["artifact-dropped"]),
        ("self.merge_artifacts(inputs, include=['base', 'x'])", ["artifact-dropped"]),
        ("self.base = inputs[0].base\nself.x = inputs.a.x\nself.y = [i.y for i in inputs]", []),
    ],
)
def test_a_join_takes_over_what_it_names(join, rules):
    assert [
        one[0] for one in problems(**JOINED, j=f"JOIN {join}\n{TO_END}", end="self.base, self.x, self.y")
    ] == (rules)


# SPEC 5.3-2
def test_what_is_read_before_it_is_merged_does_not_arrive():
    found = problems(**JOINED, j=f"JOIN self.x\nself.merge_artifacts(inputs)\n{TO_END}", end="self.x")

    assert [one[:2] for one in found] == [("artifact-dropped", "j")]


# SPEC 5.3-2
def test_what_a_step_deletes_is_missing_behind_it():
    ((rule, _, what),) = problems(
        start="self.x = 1\nself.next(self.a)", a="del self.x\n" + TO_END, end="self.x"
    )

    assert rule == "artifact-dropped" and "step `a` deletes it" in what


# SPEC 5.3-1
@pytest.mark.parametrize(
    ("read", "severity"),
    [
        ("inputs.a.nope", "error"),
        ("inputs[0].nope", "error"),
        ("[i.nope for i in inputs]", "error"),
        ("{i.nope: n for n, i in enumerate(inputs)}", "error"),
        ("for i in inputs:\n    print(i.nope)", "error"),
        ("for i in inputs:\n    if i.x: break\n    print(i.nope)", "warning"),
        ("[i.nope for i in inputs if i.x]", "warning"),
        ("getattr(inputs[0], 'nope')", "error"),
    ],
)
def test_what_no_branch_sets_cannot_be_read_from_the_inputs(read, severity):
    flow = flow_of(**JOINED, j=f"JOIN {read}\n{TO_END}", end="")

    assert [one[:3] for one in found(flow)] == [(severity, "unknown-artifact", "j")]


def test_the_inputs_of_a_foreach_may_be_none_and_have_more_than_artifacts():
    join = "JOIN [(i.index, i.input, i.x) for i in inputs], [i.nope for i in inputs]"
    flow = flow_of(
        start="self.next(self.a, foreach=[1])",
        a="self.x = 1\nself.next(self.j)",
        j=f"{join}\ninputs.failed[0].exception\nlen(inputs)\n{TO_END}",
        end="",
    )

    assert [one[:3] for one in found(flow)] == [("warning", "unknown-artifact", "j")]


# SPEC 5.3-1
def test_the_artifact_that_a_transition_names_must_be_there():
    foreach = problems(
        start="self.items = [1]\nself.next(self.a, foreach='itms')",
        a="self.next(self.j)",
        j="JOIN " + TO_END,
        end="",
    )
    switch = problems(start=SWITCH.replace("'k'", "'q'"), a=TO_END, b=TO_END, end="")

    assert [one[:2] for one in foreach + switch] == [("unknown-artifact", "start")] * 2


# SPEC 5.3-1
def test_the_nearest_name_is_offered_with_the_line():
    flow = flow_of(start="self.score = 1\nself.next(self.a)", a="self.scor\n" + TO_END, end="")
    definition = define(flow)
    (problem,) = problems_in_steps(flow, definition.graph, definition.decorators)

    assert problem.fix.startswith("Did you mean `score`?")
    assert int(problem.where.rpartition(":")[2]) == definition.graph["a"].line + 1


# SPEC 5.3-2
def test_a_loop_brings_what_its_rounds_set_and_its_first_round_is_told():
    steps = {
        "start": "self.k = 1\nself.next(self.a)",
        "a": "{}\nself.next(self.b)",
        "b": "self.seen = 1\nself.next({1: self.a, 2: self.end}, condition='k')",
    }
    known = problems(**{**steps, "a": steps["a"].format("self.k")}, end="self.seen")
    first = problems(**{**steps, "a": steps["a"].format("self.seen")}, end="")

    assert known == []
    assert [one[:2] for one in first] == [("artifact-on-some-paths", "a")]


@pytest.mark.parametrize("method", ["__init__", "__getattr__", "__setattr__"])
def test_a_class_that_opens_its_attributes_is_not_followed(method):
    flow = flow_from(
        f"class F(FlowSpec):\n    def {method}(self, *args):\n        pass\n"
        "    @step\n    def start(self):\n        self.missing\n"
    )

    assert found(flow) == []


# SPEC 5.1-2
def test_what_is_wrong_in_steps_is_told_beside_what_is_wrong_with_the_graph():
    flow = flow_of(start="print(undefined)\nself.next(self.ende)", end="self.start = 1")
    _, of_graph = read_graph(flow)

    rules = [one.rule for one in all_problems(of_graph, flow)]

    assert rules == ["undefined-name", "unknown-target", "shadowing-artifact"]


# SPEC 5.1-3
def test_each_step_is_visited_once_and_in_loops_as_often_as_they_change_something():
    names = ["start", *(f"s{i}" for i in range(500)), "end"]
    bodies = {name: f"self.next(self.{after})" for name, after in itertools.pairwise(names)}
    chain = define(flow_of(**bodies, end="")).graph
    loop = define(
        flow_of(**{**bodies, "s499": "self.next({1: self.s0, 2: self.end}, condition='k')"}, end="")
    )
    effects = {name: Body(may_set={name}, sets={name}) for name in names}

    assert Arrivals(chain, effects).visits == len(names)
    assert Arrivals(loop.graph, effects).visits <= 3 * len(names)
