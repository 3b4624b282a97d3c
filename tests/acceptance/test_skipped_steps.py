"""Steps that an empty foreach leaves out."""

import json
import os
import subprocess
import sys

import pytest

EMPTY = """
class F(FlowSpec):
    @step
    def start(self):
        self.next(self.outer, foreach={items})

    @step
    def outer(self):
        self.next(self.inner, foreach={inner})

    @step
    def inner(self):
        self.next(self.last)

    @step
    def last(self):
        {last}
        self.next(self.inner_join)

    @step
    def inner_join(self, inputs):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.number = len(inputs)
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def flow(items, inner, last="pass"):
    return EMPTY.format(items=items, inner=inner, last=last)


def shown(flows):
    done = subprocess.run(
        [sys.executable, "flow.py", "show", "1"], cwd=flows.folder,
        capture_output=True, text=True, check=True,
        env={**os.environ, "STEPWELL_DATASTORE_ROOT": str(flows.folder / "store")},
    )  # fmt: skip
    return [line.strip() for line in done.stdout.splitlines() if line.endswith("skipped")]


# SPEC 2.3-4
@pytest.mark.parametrize(
    ("items", "inner", "skipped"),
    [
        ("[]", "[1]", ["outer", "inner", "last", "inner_join"]),
        ("[1, 2, 3]", "[]", ["inner", "last"]),
        ("[1, 2]", "[] if self.input == 1 else [1]", ["inner", "last"]),
    ],
)
def test_the_steps_of_an_empty_foreach_are_told_once_as_skipped(flows, items, inner, skipped):
    ran = flows.run(flow(items, inner), "--json")

    events = [json.loads(line) for line in ran.stdout.splitlines()]

    assert ran.code == 0, ran.output
    assert [event["step"] for event in events if event["event"] == "step_skipped"] == skipped
    assert 0 not in [event["num_splits"] for event in events if event["event"] == "foreach_opened"]


# SPEC 2.3-4
@pytest.mark.parametrize(
    ("items", "inner", "skipped"),
    [
        ("[]", "[1]", ["outer", "inner", "last", "inner_join"]),
        ("[1]", "[]", ["inner", "last"]),
        ("[1]", "[1]", []),
    ],
)
def test_a_run_that_is_shown_lists_its_skipped_steps(flows, items, inner, skipped):
    ran = flows.run(flow(items, inner))

    assert ran.code == 0, ran.output
    assert shown(flows) == [f"step      {step}: skipped" for step in skipped]
    assert [line.split("] ")[1] for line in ran.stdout.splitlines() if "skipped" in line] == [
        "step skipped: its foreach has no items"
    ] * len(skipped)
    assert "0 splits" not in ran.stdout


# SPEC 2.3-4
def test_steps_that_never_ran_after_a_failure_are_not_shown_as_skipped(flows):
    ran = flows.run(flow("[1]", "[1]", "1 / 0"))

    assert ran.code == 1
    assert shown(flows) == []
