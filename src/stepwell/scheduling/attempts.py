"""What follows a failed attempt: another one, and when; one that catches the failure; or nothing."""

from __future__ import annotations

from enum import Enum
from random import Random

from msgspec import Struct

from stepwell.model.policy import RetryPolicy, StepPolicy
from stepwell.scheduling.facts import TaskFailed

LONGEST_WAIT_S = 30 * 24 * 3600.0


class Verdict(Enum):
    AGAIN = "again"
    CATCH = "catch"
    GIVE_UP = "give up"


class AttemptDecision(Struct, frozen=True):
    """What is to be done, how long to wait before it, and why."""

    verdict: Verdict
    wait_s: float = 0.0
    why: str = ""


def decide(policy: StepPolicy, failed: TaskFailed, attempt: int, failures: int) -> AttemptDecision:
    """Return what follows a failure.

    Parameters
    ----------
    attempt
        The one that failed.
    failures
        How many attempts have failed since the run was started or continued, this one included.
    """
    retry = policy.retry
    if failed.final:
        why = failed.final
    elif failures > retry.times:
        why = f"it has been tried {failures} times" if retry.times else "it is not to be retried"
    else:
        wait_s = wait_before(retry, failures, f"{failed.task}/{attempt}")
        return AttemptDecision(Verdict.AGAIN, wait_s, f"retry {failures} of {retry.times}")
    if policy.catch is not None and failed.catchable:
        return AttemptDecision(Verdict.CATCH, 0.0, f"{why}, and @catch takes over")
    return AttemptDecision(Verdict.GIVE_UP, 0.0, why)


def wait_before(retry: RetryPolicy, number: int, seed: str) -> float:
    """Return how many seconds to wait before a retry, the first of which has number 1.

    What is random about it is a function of ``seed``: the same failure always waits as long.
    """
    longest = LONGEST_WAIT_S if retry.max_delay_s is None else retry.max_delay_s
    try:
        wait = min((retry.delay_s or 0.0) * retry.backoff ** (number - 1), longest)
    except OverflowError:
        wait = longest
    if retry.jitter or retry.jitter_s:
        wait += Random(seed).random() * (wait * retry.jitter + retry.jitter_s)
    return min(wait, longest)
