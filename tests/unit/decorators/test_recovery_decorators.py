from __future__ import annotations

from datetime import timedelta

import pytest

from stepwell.decorators.catch import catch
from stepwell.decorators.retry import retry
from stepwell.decorators.timeout import timeout
from stepwell.definition.flow_definition import define
from stepwell.definition.flowspec import FlowSpec
from stepwell.definition.step import step
from stepwell.exceptions import GraphError, InvalidDecoratorAttribute, StepwellException, TimeoutException
from stepwell.model.failure_kinds import kinds_of, kinds_of_death
from stepwell.model.policy import CatchPolicy, RetryPolicy, StepPolicy


class Odd(Exception):
    pass


class Odder(Odd):
    pass


def policy(*decorators, with_specs=()) -> StepPolicy:
    """What the decorators say of a step, the outermost first."""

    def start(self):
        self.next(self.end)

    marked = step(start)
    for decorator in reversed(decorators):
        marked = decorator(marked)

    class Flow(FlowSpec):
        @step
        def end(self):
            pass

    Flow.start = marked
    return define(Flow, with_specs).policies["start"]


# SPEC 6.1-1
# SPEC 6.1-3
@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, RetryPolicy(times=3)),
        ({"times": 0}, RetryPolicy()),
        ({"times": "5"}, RetryPolicy(times=5)),
        ({"minutes_between_retries": 2}, RetryPolicy(times=3, delay_s=120)),
        ({"minutes_between_retries": 0}, RetryPolicy(times=3, delay_s=0)),
        ({"delay": 1.5}, RetryPolicy(times=3, delay_s=1.5)),
        ({"delay": timedelta(minutes=1)}, RetryPolicy(times=3, delay_s=60)),
        ({"backoff": 2}, RetryPolicy(times=3, backoff=2)),
        ({"jitter": 0.5}, RetryPolicy(times=3, jitter=0.5)),
        ({"jitter": 1}, RetryPolicy(times=3, jitter=1.0)),
        ({"jitter": 30}, RetryPolicy(times=3, jitter_s=30)),
        ({"jitter": timedelta(milliseconds=500)}, RetryPolicy(times=3, jitter_s=0.5)),
        ({"max_delay": timedelta(hours=1)}, RetryPolicy(times=3, max_delay_s=3600)),
        ({"on": Odd}, RetryPolicy(times=3, on=(f"{__name__}.Odd",))),
        ({"on": [ValueError, "Signal"]}, RetryPolicy(times=3, on=("ValueError", "Signal"))),
        ({"never_on": "builtins.OSError"}, RetryPolicy(times=3, never_on=("OSError",))),
        ({"never_on": "a.b.C"}, RetryPolicy(times=3, never_on=("a.b.C",))),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)  # fmt: skip
def test_retry_says_how_often_when_and_after_what(attributes, expected):
    assert policy(retry(**attributes)).retry == expected


# SPEC 6.1-3
@pytest.mark.parametrize(
    ("attributes", "word"),
    [
        ({"times": -1}, "negative"),
        ({"times": 0.5}, "whole"),
        ({"delay": timedelta(seconds=-1)}, "negative"),
        ({"jitter": -1}, "negative"),
        ({"backoff": 0}, "at least 1"),
        ({"backoff": None}, "at least 1"),
        ({"delay": 1, "minutes_between_retries": 1}, "same wait"),
        ({"on": 7}, "exception classes"),
        ({"on": ["a-b"]}, "exception classes"),
    ],
)
def test_retry_refuses_what_makes_no_sense(attributes, word):
    with pytest.raises(InvalidDecoratorAttribute, match=f"(?s)@retry.*{word}"):
        policy(retry(**attributes))


# SPEC 6.1-3
@pytest.mark.parametrize(
    ("on", "never_on", "error", "again"),
    [
        ((), (), Odd(), True),
        ((Odd,), (), Odder(), True),
        ((Odder,), (), Odd(), False),
        ((), (Odd,), Odder(), False),
        ((Exception,), (Odder,), Odd(), True),
        ((OSError,), (), ConnectionResetError(), True),
        (("Timeout",), (), TimeoutException(), True),
        ((TimeoutException,), (), TimeoutException(), True),
        ((), ("Timeout",), TimeoutException(), False),
        ((StepwellException,), (), TimeoutException(), True),
        ((), ("Timeout",), Odd(), True),
    ],
)
def test_what_is_tried_again_is_told_by_the_class_and_its_bases(on, never_on, error, again):
    assert policy(retry(on=on, never_on=never_on)).retry.applies_to(kinds_of(error)) is again


# SPEC 6.1-3
@pytest.mark.parametrize(
    ("on", "kind", "again"),
    [
        (("Signal",), "Signal", True),
        (("Signal",), "OutOfMemory", False),
        ((Odd,), "Lost", False),
        (("Timeout",), "Timeout", True),
        ((TimeoutException,), "Timeout", True),
    ],
)
def test_a_death_has_a_kind_and_a_timeout_has_that_of_its_exception_too(on, kind, again):
    assert policy(retry(on=on)).retry.applies_to(kinds_of_death(kind)) is again


# SPEC 6.1-1
# SPEC 4.1-2
def test_retry_of_the_source_stands_against_retry_of_the_command_line():
    assert policy(retry(times=0), with_specs=["retry:times=9"]).retry.times == 0
    assert policy(with_specs=["retry:times=9,delay=0.5"]).retry == RetryPolicy(times=9, delay_s=0.5)


# SPEC 6.1-9
def test_the_parts_of_a_limit_add_up():
    found = policy(timeout(seconds=1.5, minutes=2, hours="1", grace=4))

    assert (found.timeout_s, found.timeout_grace_s) == (3721.5, 4.0)
    assert policy(timeout(seconds=1)).timeout_grace_s == 30.0
    assert policy().timeout_s == 0.0


# SPEC 6.1-9
@pytest.mark.parametrize("attributes", [{}, {"seconds": 0, "hours": 0}, {"seconds": None}])
def test_a_limit_of_no_time_is_refused(attributes):
    with pytest.raises(InvalidDecoratorAttribute, match="states no time"):
        policy(timeout(**attributes))


# SPEC 6.1-5
def test_catch_names_its_artifact_and_whether_the_log_has_the_traceback():
    assert policy(catch).catch == CatchPolicy()
    assert policy(catch(var="bad", print_exception=False)).catch == CatchPolicy(
        var="bad", print_exception=False
    )
    assert policy().catch is None


# SPEC 6.1-7
def test_catch_is_refused_on_a_step_whose_items_nobody_would_know():
    class Flow(FlowSpec):
        @catch
        @step
        def start(self):
            self.next(self.each, foreach=range(3))

        @step
        def each(self):
            self.next(self.end)

        @step
        def end(self, inputs):
            pass

    with pytest.raises(GraphError, match=r"(?s)@catch.*start.*items"):
        define(Flow)


# SPEC 4.1-7
# SPEC 6.1-11
def test_the_three_stand_on_one_step_in_any_order():
    one = policy(retry(times=1), catch(var="bad"), timeout(seconds=1))

    assert one == policy(timeout(seconds=1), retry(times=1), catch(var="bad"))
    assert one.retry.times == 1 and one.catch == CatchPolicy(var="bad") and one.timeout_s == 1.0
