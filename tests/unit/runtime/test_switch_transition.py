"""What a switch takes and says at run time."""

from __future__ import annotations

import enum

import pytest
from one_task import Tasks

from stepwell import FlowSpec, step


class Color(enum.Enum):
    RED = "red"


LIMIT = 10


class Keyed(FlowSpec):
    MODE = "class constant"

    @step
    def start(self):
        self.kind = VALUE[0]
        self.next(
            {
                "a": self.a, 2: self.b, None: self.c, Color.RED: self.a, LIMIT: self.b, self.MODE: self.c,
                -1.5: self.a, "10": self.c,
            },
            condition="kind",
        )  # fmt: skip

    @step
    def a(self):
        self.next(self.end)

    @step
    def b(self):
        self.next(self.end)

    @step
    def c(self):
        self.next({"again": self.c}, condition="missing", default=self.end)

    @step
    def end(self):
        pass


class Paths(FlowSpec):
    @step
    def start(self):
        self.items = [1, 2]
        if VALUE[0] == 1:
            self.next(self.last)
        elif VALUE[0] == 2:
            self.next(self.a, foreach="items")
            return
        elif VALUE[0] == 3:
            self.next(
                self.b,
                self.c,
            )
        elif VALUE[0] == 4:
            self.next(self.last)
        elif VALUE[0] == 5:
            self.kind = "y"
            self.next({"x": self.last, "y": self.end}, condition="kind")
        else:
            CALLS[VALUE[0]](self)
            self.next(self.end)

    @step
    def a(self):
        self.next(self.join_a)

    @step
    def b(self):
        self.next(self.join_b)

    @step
    def c(self):
        self.next(self.join_b)

    @step
    def join_a(self, inputs):
        self.next(self.last)

    @step
    def join_b(self, inputs):
        self.next(self.last)

    @step
    def last(self):
        self.next(self.end)

    @step
    def end(self):
        pass


CALLS = {
    "other": lambda flow: flow.next(flow.c),
    "foreach": lambda flow: flow.next(flow.b, foreach="items"),
    "no dictionary": lambda flow: flow.next(flow.a, condition="kind"),
    "two": lambda flow: flow.next({"x": flow.a}, flow.b, condition="kind"),
    "empty": lambda flow: flow.next({}, condition="kind"),
    "no condition": lambda flow: flow.next({"x": flow.a}),
    "no text": lambda flow: flow.next({"x": flow.a}, condition=3),
    "beside": lambda flow: flow.next({"x": flow.a}, condition="kind", foreach="items"),
    "no step": lambda flow: flow.next({"x": "a"}, condition="kind"),
    "bad default": lambda flow: flow.next({"x": flow.a}, condition="kind", default=len),
    "not the source's": lambda flow: flow.next({[1, 2][0]: flow.b}, condition="one"),
}


VALUE: list[object] = [None]


def taken(flow: type, value: object, name: str = "start"):
    VALUE[0] = value
    outcome = Tasks(flow).run(name)
    assert outcome.ok, outcome.error
    return outcome.transition


# SPEC 2.4-1
# SPEC 2.4-2
@pytest.mark.parametrize(
    ("value", "target", "case"),
    [
        ("a", "a", "a"),
        (2, "b", "2"),
        (2.0, "b", "2"),
        (None, "c", "None"),
        (Color.RED, "a", "Color.RED"),
        (10, "b", "LIMIT"),
        ("10", "c", "10"),
        ("class constant", "c", "self.MODE"),
        (-1.5, "a", "-1.5"),
    ],
)
def test_the_case_whose_key_equals_the_artifact_is_taken(value, target, case):
    found = taken(Keyed, value)

    assert (found.kind, found.targets, found.case) == ("linear", (target,), case)


# SPEC 2.4-4
@pytest.mark.parametrize(
    ("value", "shown"), [("A" * 500, "AAAAAAAA"), ([1, 2], "[1, 2]"), ({}, "{}"), (3, "3"), (True, "True")]
)
def test_a_value_that_is_no_key_fails_with_the_value_the_keys_and_the_way_out(value, shown):
    VALUE[0] = value
    error = Tasks(Keyed).run("start").error

    assert error.type == "stepwell.exceptions.InvalidNextException"
    assert "decides by `self.kind`, which is " in error.message
    assert shown in error.message
    assert len(error.message) < 900
    assert "keys are 'a', 2, None, <Color.RED: 'red'>, 10, 'class constant', -1.5, '10'" in error.message
    assert "`default=self.<step>`" in error.message
    assert f":{Keyed.start.__code__.co_firstlineno + 3}: " in error.message


# SPEC 2.4-3
def test_a_missing_artifact_is_named_with_the_nearest_known_one():
    VALUE[0] = None
    tasks = Tasks(Keyed)
    tasks.run("start")
    error = tasks.run("c").error

    assert error.type == "stepwell.exceptions.InvalidNextException"
    assert "decides by `self.missing`: step 'c' of flow Keyed has no artifact 'missing'" in error.message


# SPEC 2.4-5
# SPEC 2.4-6
@pytest.mark.parametrize(
    ("value", "kind", "targets", "case"),
    [
        (1, "linear", ("last",), "VALUE[0] == 1"),
        (2, "foreach", ("a",), "VALUE[0] == 2"),
        (3, "split", ("b", "c"), "VALUE[0] == 3"),
        (4, "linear", ("last",), "VALUE[0] == 4"),
        (5, "linear", ("end",), "VALUE[0] == 5 and y"),
    ],
)
def test_a_plain_transition_is_the_case_of_its_line(value, kind, targets, case):
    found = taken(Paths, value)

    assert (found.kind, found.targets, found.case) == (kind, targets, case)
    assert found.num_splits == (2 if kind == "foreach" else 0)


# SPEC 2.2-1
# SPEC 2.4-3
@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        ("other", "went on to `self.next(self.c)`, but its source says `self.next(self.last)` or "),
        ("foreach", "went on to `self.next(self.b, foreach=...)`, but its source says "),
        ("no dictionary", "A switch takes one dictionary"),
        ("two", "A switch takes one dictionary"),
        ("empty", "A switch takes one dictionary"),
        ("no condition", "it needs `condition=`, the name of the artifact that decides."),
        ("no text", "the name of the artifact that decides, and not 3."),
        ("beside", "but no 'foreach'"),
        ("no step", "got `'a'`, which is no step of this flow"),
        ("bad default", "got `len`, which is no step of this flow"),
        ("not the source's", "decides by `self.one`"),
    ],
)
def test_what_the_source_does_not_say_is_refused_with_the_line(call, complaint):
    VALUE[0] = call
    error = Tasks(Paths).run("start").error

    assert error.type == "stepwell.exceptions.InvalidNextException"
    assert complaint in error.message
    assert error.message.startswith(f"{__file__}:{CALLS[call].__code__.co_firstlineno}: ")
