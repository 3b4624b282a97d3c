from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.model.policy import CatchPolicy, RetryPolicy, StepPolicy
from stepwell.scheduling.attempts import LONGEST_WAIT_S, Verdict, decide, wait_before
from stepwell.scheduling.facts import TaskFailed


def failed(final: str = "", catchable: bool = False) -> TaskFailed:
    return TaskFailed(7, "broken", 100.0, final, catchable)


def policy(times: int = 0, caught: bool = False) -> StepPolicy:
    return StepPolicy(retry=RetryPolicy(times=times), catch=CatchPolicy() if caught else None)


# SPEC 6.1-3
@pytest.mark.parametrize(
    ("retry", "waits"),
    [
        (RetryPolicy(times=3), [0, 0, 0]),
        (RetryPolicy(times=3, delay_s=5), [5, 5, 5]),
        (RetryPolicy(times=4, delay_s=1, backoff=2), [1, 2, 4, 8]),
        (RetryPolicy(times=4, delay_s=1, backoff=10, max_delay_s=50), [1, 10, 50, 50]),
        (RetryPolicy(times=2, delay_s=9, max_delay_s=0), [0, 0]),
        (RetryPolicy(times=2, backoff=3), [0, 0]),
    ],
)
def test_each_wait_is_longer_than_the_one_before_by_the_factor_up_to_the_longest(retry, waits):
    assert [wait_before(retry, number, "7/0") for number in range(1, len(waits) + 1)] == waits


# SPEC 6.1-3
def test_no_wait_is_longer_than_a_month_whatever_the_factor():
    retry = RetryPolicy(times=10_000, delay_s=60, backoff=1e300)

    assert wait_before(retry, 5_000, "7/0") == wait_before(retry, 3, "7/0") == LONGEST_WAIT_S


# SPEC 6.1-3
@given(
    st.floats(0, 100),
    st.floats(1, 4),
    st.floats(0, 1),
    st.floats(0, 50),
    st.floats(0, 500),
    st.integers(1, 9),
)
def test_a_jitter_lengthens_a_wait_by_no_more_than_it_says_and_never_beyond_the_longest(
    delay, backoff, jitter, jitter_s, longest, number
):
    plain = RetryPolicy(times=9, delay_s=delay, backoff=backoff, max_delay_s=longest)
    shaken = RetryPolicy(
        times=9, delay_s=delay, backoff=backoff, max_delay_s=longest, jitter=jitter, jitter_s=jitter_s
    )

    wait, shaken_wait = wait_before(plain, number, "7/0"), wait_before(shaken, number, "7/0")

    assert wait <= shaken_wait <= min(longest, wait * (1 + jitter) + jitter_s) + 1e-9


# SPEC 6.1-3
def test_a_jitter_differs_from_task_to_task_and_is_the_same_for_one_failure():
    retry = RetryPolicy(times=3, delay_s=10, jitter=1.0)

    waits = [wait_before(retry, 1, f"{task}/0") for task in range(50)]

    assert len(set(waits)) == 50
    assert waits == [wait_before(retry, 1, f"{task}/0") for task in range(50)]
    assert wait_before(retry, 1, "7/0") != wait_before(retry, 1, "7/1")


# SPEC 6.1-1
# SPEC 6.1-11
@pytest.mark.parametrize(
    ("times", "failures", "caught", "fact", "verdict"),
    [
        (0, 1, False, failed(), Verdict.GIVE_UP),
        (2, 1, False, failed(), Verdict.AGAIN),
        (2, 2, True, failed(catchable=True), Verdict.AGAIN),
        (2, 3, False, failed(), Verdict.GIVE_UP),
        (2, 3, True, failed(catchable=True), Verdict.CATCH),
        (2, 3, True, failed(catchable=False), Verdict.GIVE_UP),
        (5, 1, False, failed("it must not"), Verdict.GIVE_UP),
        (5, 1, True, failed("it must not", catchable=True), Verdict.CATCH),
    ],
)
def test_a_failure_is_tried_again_while_it_may_be_then_caught_if_it_can_be(
    times, failures, caught, fact, verdict
):
    decision = decide(policy(times, caught), fact, attempt=failures - 1, failures=failures)

    assert decision.verdict is verdict


# SPEC 6.1-3
@pytest.mark.parametrize(
    ("times", "failures", "fact", "why"),
    [
        (3, 2, failed(), "retry 2 of 3"),
        (3, 4, failed(), "it has been tried 4 times"),
        (0, 1, failed(), "it is not to be retried"),
        (3, 1, failed("it exited with 202"), "it exited with 202"),
    ],
)
def test_a_decision_says_why(times, failures, fact, why):
    assert decide(policy(times), fact, failures - 1, failures).why == why


# SPEC 7.3-1
def test_attempts_of_an_earlier_execution_do_not_count():
    assert decide(policy(times=1), failed(), attempt=12, failures=1).verdict is Verdict.AGAIN
