"""The attempts of a spun task: more than one if a `@retry`, or a `@catch`, acts."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from stepwell.model.policy import StepPolicy
from stepwell.model.task_record import brief
from stepwell.runtime.single_task import TaskResult
from stepwell.runtime.task_order import DueTask
from stepwell.scheduling.attempts import Verdict, decide


class SpunAttempts:
    """Tries a task as often as its policy says.

    Parameters
    ----------
    wait
        Waits so many seconds; returns False if the user does not want to.
    tell
        Gets words on each attempt that another one follows.
    """

    def __init__(
        self, policy: StepPolicy, wait: Callable[[float], bool], tell: Callable[[str], None]
    ) -> None:
        self._policy = policy
        self._wait = wait
        self._tell = tell

    def run(self, due: DueTask, attempt: Callable[[DueTask], TaskResult]) -> TaskResult:
        """Make attempts until one succeeds or none is left; return what became of the last."""
        times, failures, catches = self._policy.retry.times, 0, False
        request = replace(due.request, retries_left=times)
        while True:
            result = attempt(DueTask(request, due.index_path))
            failed = result.failure
            if failed is None or result.interrupted or catches:
                return result
            failures += 1
            decision = decide(self._policy, failed, request.attempt, failures)
            if decision.verdict is Verdict.GIVE_UP:
                return result
            when = f"in {decision.wait_s:g} s" if decision.wait_s else "at once"
            self._tell(f"attempt {request.attempt} failed: {brief(result.error)}; {decision.why}, {when}")
            if not self._wait(decision.wait_s):
                return replace(result, interrupted=True)
            catches = decision.verdict is Verdict.CATCH
            request = replace(
                request,
                attempt=request.attempt + 1,
                retries_left=max(0, times - failures),
                failure=result.error if catches else None,
            )
