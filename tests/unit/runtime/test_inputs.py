"""Joins: inputs by order and name, and what merging says when it cannot."""

from collections.abc import Sequence

import pytest
from one_task import Tasks

from stepwell import FlowSpec, step

SAID = {}


class Awkward(FlowSpec):
    """Steps and artifacts with the names of everyday methods."""

    @step
    def start(self):
        self.common = 1
        self.next(self.count, self.failed)

    @step
    def count(self):
        self._pack = self._source = self._entries = "mine"
        self.items = self.keys = self.values = self.get = "plain"
        self.x = 1
        self.next(self.packs)

    @step
    def packs(self):
        self.next(self.join)

    @step
    def failed(self):
        self.x = 2
        self.next(self.join)

    @step
    def join(self, inputs):
        SAID["join"](self, inputs)
        self.next(self.end)

    @step
    def end(self):
        SAID["end"](self)


def run_to_join(look):
    SAID["join"] = look
    tasks = Tasks(Awkward)
    start = tasks.ok("start")
    left = tasks.ok("packs", [tasks.ok("count", [start])])
    right = tasks.ok("failed", [start])
    return tasks, tasks.run("join", [left, right], split=start)


def in_join(look):
    seen = []
    _, outcome = run_to_join(lambda flow, inputs: seen.append(look(flow, inputs)))
    assert outcome.ok, outcome.error
    return seen[0]


# SPEC 2.5-1
# SPEC 2.5-3
# SPEC 2.5-8
def test_any_step_name_reaches_its_input():
    found = in_join(
        lambda flow, inputs: [inputs.count.x, inputs.packs.x, inputs.failed.x, inputs.split_task.common]
    )
    assert found == [1, 1, 2, 1]


# SPEC 2.5-2
def test_any_artifact_name_can_be_read_from_an_input():
    names = ("_pack", "_source", "_entries", "items", "keys", "values", "get")
    found = in_join(lambda flow, inputs: [getattr(inputs[0], name) for name in names])
    assert found == ["mine"] * 3 + ["plain"] * 4


# SPEC 2.5-1
def test_inputs_are_a_sequence():
    facts = in_join(
        lambda flow, inputs: [
            isinstance(inputs, Sequence), len(inputs), inputs[-1].x, [one.x for one in reversed(inputs)],
            inputs[0] in inputs, bool(inputs), len(inputs[5:]), inputs.count is inputs[0],
        ]
    )  # fmt: skip
    assert facts == [True, 2, 2, [2, 1], True, True, 0, True]


@pytest.mark.parametrize(
    ("look", "kind", "words"),
    [
        (lambda flow, inputs: inputs[2], "IndexError", "this join has 2 inputs"),
        (lambda flow, inputs: inputs.nobody, "AttributeError", "they have count, failed, packs"),
        (lambda flow, inputs: inputs[1].items, "AttributeError", "has no artifact 'items'; it has common, x"),
        (lambda flow, inputs: setattr(inputs[0], "x", 1), "AttributeError", "read-only"),
        (lambda flow, inputs: setattr(flow, "kept", inputs), "UnpicklableArtifactException", "self.kept ("),
        (
            lambda flow, inputs: setattr(flow, "kept", [inputs[0]]),
            "UnpicklableArtifactException",
            "self.kept[0]",
        ),
        (lambda flow, inputs: flow.merge_artifacts(3), "StepArgumentError", "gave it 3"),
        (lambda flow, inputs: flow.merge_artifacts([flow]), "StepArgumentError", "list of some of them"),
        (
            lambda flow, inputs: flow.merge_artifacts(inputs),
            "UnhandledInMergeArtifactsException",
            "disagree about x",
        ),
    ],
)
def test_what_does_not_work_says_so(look, kind, words):
    _, outcome = run_to_join(look)
    assert outcome.error.type.rpartition(".")[2] == kind
    assert words in outcome.error.message


# SPEC 2.5-6
def test_merging_takes_by_reference_what_is_not_set_and_some_of_the_inputs_will_do():
    def merge(flow, inputs):
        flow.x = "own"
        flow._pack = "own too"
        flow.merge_artifacts([inputs.count])

    tasks, outcome = run_to_join(merge)
    assert outcome.ok, outcome.error
    pack = tasks.pack(("join", "5"))
    assert {entry.name for entry in pack.own} == {"x", "_pack"}
    assert {"_source", "items", "common"} <= tasks.names(("join", "5"))
    assert tasks.value(("join", "5"), "x") == "own"


# SPEC 2.5-7
def test_merging_outside_a_join_is_refused_with_the_line():
    tasks, outcome = run_to_join(lambda flow, inputs: None)
    SAID["end"] = lambda flow: flow.merge_artifacts([])
    outcome = tasks.run("end", [("join", "5")])
    assert outcome.error.type.endswith("StepArgumentError")
    assert "Step 'end' calls `merge_artifacts`, but it is no join" in outcome.error.message
    assert outcome.error.message.startswith(f"{__file__}:")


# SPEC 1.3-6
# SPEC 2.5-5
def test_a_name_that_the_join_dropped_is_found_in_any_of_its_inputs():
    tasks, _ = run_to_join(lambda flow, inputs: None)
    assert tasks.names(("join", "5")) == set()
    for name in ("items", "x"):
        SAID["end"] = lambda flow, name=name: getattr(flow, name)
        outcome = tasks.run("end", [("join", "5")])
        assert f"cannot see {name!r}: the join 'join' did not take it over" in outcome.error.message


class Wide(FlowSpec):
    @step
    def start(self):
        self.next(self.work, foreach=range(3))

    @step
    def work(self):
        self.x = [self.input]
        self.next(self.join)

    @step
    def join(self, inputs):
        SAID["join"](self, inputs)
        self.next(self.end)

    @step
    def end(self):
        pass


# SPEC 2.5-4
def test_a_foreach_join_keeps_no_input_that_it_has_passed():
    import gc
    import weakref

    alive = []

    def look(flow, inputs):
        seen = []
        for one in inputs:
            one.x
            seen.append(weakref.ref(one))
        del one
        gc.collect()
        alive.extend(ref() for ref in seen)

    SAID["join"] = look
    tasks = Tasks(Wide)
    split = tasks.ok("start")
    children = [tasks.ok("work", [split], index=index) for index in range(3)]
    tasks.ok("join", children, split=split)
    assert alive == [None, None, None]


def test_foreach_inputs_have_no_names():
    SAID["join"] = lambda flow, inputs: inputs.work
    tasks = Tasks(Wide)
    split = tasks.ok("start")
    outcome = tasks.run("join", [tasks.ok("work", [split], index=0)], split=split)
    assert "they come from a foreach: use inputs[i]" in outcome.error.message
