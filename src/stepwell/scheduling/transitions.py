"""The deciding half of the executor: ``advance(progress, fact)`` changes the progress and says what to do.

::

    RunBegan         the entry step becomes ready, and what is known of an earlier execution is reused
    RoomFound        tasks that wait are launched while there is room
    TaskSucceeded    what follows it becomes ready; after the exit step the run has succeeded
    TaskFailed       it is tried again, caught or given up; given up, it loses its branch, or ends the run;
                     of a gang, the others are ended first, and then all of that is for all of them
    TaskCached       it has taken the result of an equal task of the past; else as if it had succeeded
    CacheMissed      it waits for room
    CacheWaits       its answer comes later; others may be looked up meanwhile
    Tick             retries whose wait is over become ready; after a failure, what still runs is cancelled
    CancelAsked      what runs is cancelled; the run is interrupted when nothing runs any more
"""

from __future__ import annotations

from msgspec.structs import replace

from stepwell.exceptions import StepwellInternalError
from stepwell.model.ids import PARAMETERS_STEP, PARAMETERS_TASK
from stepwell.model.states import RunState
from stepwell.model.task import TransitionTaken
from stepwell.scheduling import look_ups
from stepwell.scheduling.attempts import Verdict, decide
from stepwell.scheduling.dependencies import OpenSplit
from stepwell.scheduling.facts import (
    CacheMissed,
    CacheWaits,
    CancelAsked,
    Fact,
    RoomFound,
    RunBegan,
    TaskCached,
    TaskFailed,
    TaskSucceeded,
    Tick,
)
from stepwell.scheduling.following import go_on, go_to, is_tolerated, lose
from stepwell.scheduling.gang import Gang
from stepwell.scheduling.orders import (
    CancelRunning,
    EndGang,
    EndRun,
    GiveUpGang,
    Launch,
    Order,
    Remark,
    Retry,
    Reuse,
    SealGang,
    Withdraw,
)
from stepwell.scheduling.progress import FAILURES_KEPT, LaunchedTask, Progress, StepProgress

_PARAMETERS = (PARAMETERS_STEP, int(PARAMETERS_TASK))

# A later cause replaces one of lower rank: the user's word counts more than a failure, and a run whose exit
# step has committed is complete, whatever was asked meanwhile.
_RANK = {RunState.FAILED: 0, RunState.INTERRUPTED: 1, RunState.SUCCEEDED: 2}


def advance(progress: Progress, fact: Fact) -> list[Order]:
    """Take one fact and return what to do now, in this order.

    `EndRun` is given once, when every launched task has ended; after it, room and cancels mean nothing.

    Raises
    ------
    StepwellInternalError
        The fact cannot be true: the task does not run, or the graph has no such transition. Nothing has
        changed then.
    """
    orders: list[Order] = []
    match fact:
        case TaskSucceeded():
            _succeed(progress, fact.task, fact.transition, orders)
        case TaskFailed():
            _fail(progress, fact, orders)
        case TaskCached() | CacheMissed() | CacheWaits():
            _take_answer(progress, fact)
        case RoomFound():
            progress.ready.limit = fact.limit
        case Tick():
            _wake(progress, fact.at, orders)
        case CancelAsked():
            if _cancel(progress, fact.reason):
                orders.append(CancelRunning(fact.reason))
        case RunBegan():
            _begin(progress, orders)
    look_ups.ask(progress, orders)
    _launch(progress, orders)
    _end_if_over(progress, orders)
    return orders


def _begin(progress: Progress, orders: list[Order]) -> None:
    if progress.began:
        raise StepwellInternalError("a run began twice")
    progress.began = True
    if progress.ending is None:
        go_to(progress, progress.start, None, 0, _PARAMETERS, executed=False)
        _reuse_all(progress, orders)


# What is reused


def _reuse_all(progress: Progress, orders: list[Order]) -> None:
    """Follow what is reused to where something is to be executed. A list, for a chain may be long."""
    while progress.reused:
        found = progress.reused.popleft()
        past, transition = found.past, found.past.transition
        if transition is None:
            launch = Launch(past.step, past.task, (), None, found.path)
            raise StepwellInternalError(f"{launch} has not succeeded and cannot be reused")
        _check_allowed(found.step, past.task, transition)
        found.step.done += 1
        orders.append(Reuse(past.step, past.task, found.path))
        if found.step.kind == "end":
            _decide(progress, EndRun(RunState.SUCCEEDED))
        else:
            go_on(progress, found, (past.step, past.task), transition, executed=False)


# Ends of tasks


def _succeed(progress: Progress, task: int, transition: TransitionTaken, orders: list[Order]) -> None:
    launched = _running(progress, task)
    step = launched.step
    _check_allowed(step, task, transition)
    progress.release(launched)
    if (gang := progress.gang_of(launched.launch)) is not None:
        gang.ended[task] = transition
        _end_gang_if_over(progress, gang, orders)
        return
    step.done += 1
    _leave(progress, launched, transition)


def _take_answer(progress: Progress, answer: TaskCached | CacheMissed | CacheWaits) -> None:
    if progress.ending is not None:
        return  # nobody waits for it any more
    task = answer.task
    match answer:
        case TaskCached():
            _check_allowed(look_ups.asked(progress, task).step, task, answer.transition)
            _leave(progress, look_ups.cached(progress, task), answer.transition)
        case CacheMissed():
            look_ups.missed(progress, task)
        case CacheWaits():
            look_ups.put_off(progress, task)


def _leave(progress: Progress, done: LaunchedTask, transition: TransitionTaken) -> None:
    """Go where a task leads that has a result of this execution."""
    step = done.step
    if step.kind == "end":
        if step.name == progress.end:
            _decide(progress, EndRun(RunState.SUCCEEDED))
    elif progress.ending is None:
        go_on(progress, done, (step.name, done.launch.task), transition, executed=True)


def _fail(progress: Progress, failed: TaskFailed, orders: list[Order]) -> None:
    launched = _running(progress, failed.task)
    step = launched.step
    progress.release(launched)
    if (gang := progress.gang_of(launched.launch)) is not None:
        _fail_in_gang(progress, gang, failed, orders)
        return
    launched.failures += 1
    if progress.ending is None and not launched.launch.catch:
        decision = decide(step.policy, failed, launched.launch.attempt, launched.failures)
        if decision.verdict is not Verdict.GIVE_UP:
            _try_again(progress, launched, failed, decision.verdict is Verdict.CATCH, decision.wait_s)
            orders.append(Retry(failed.task, decision.wait_s, decision.why))
            return
    step.failed += 1
    _give_up(progress, step, (launched.split, launched.position), failed, orders)


def _give_up(
    progress: Progress,
    step: StepProgress,
    branch: tuple[OpenSplit | None, int],
    failed: TaskFailed,
    orders: list[Order],
) -> None:
    """Lose the branch in which a task has failed for good, or end the run."""
    progress.first_reason = progress.first_reason or failed.reason
    if len(progress.failed) < FAILURES_KEPT:
        progress.failed.append(f"{step.name}/{failed.task}")
    if progress.ending is not None:
        return
    if is_tolerated(*branch) or progress.keep_going:
        lose(progress, *branch, (step.name, failed.task))
    else:
        _decide(progress, EndRun(RunState.FAILED, failed.reason))
        progress.cancel_at = failed.at + progress.drain_s
        if progress.running:
            orders.append(Withdraw())


# Ends of gangs


def _fail_in_gang(progress: Progress, gang: Gang, failed: TaskFailed, orders: list[Order]) -> None:
    """End the others with the first that fails: what they do counts no more."""
    gang.ended[failed.task] = None
    if gang.failure is None:
        gang.failure = failed
        others = tuple(launch.task for launch in gang.launches if launch.task in progress.running)
        if others:
            orders.append(EndGang(gang.control, others))
    _end_gang_if_over(progress, gang, orders)


def _end_gang_if_over(progress: Progress, gang: Gang, orders: list[Order]) -> None:
    if not gang.is_over:
        return
    progress.ready.give_back_gang(gang)
    if gang.failure is not None:
        _end_failed_gang(progress, gang, gang.failure, orders)
        return
    step = progress.steps[gang.step]
    step.done += gang.size
    orders.append(SealGang(gang.control))
    del progress.gangs[gang.control]
    for launch in gang.launches:
        taken = gang.ended[launch.task]
        if taken is not None and progress.ending is None:
            _leave(progress, LaunchedTask(step, gang.split, launch.index or 0, launch), taken)


def _end_failed_gang(progress: Progress, gang: Gang, failed: TaskFailed, orders: list[Order]) -> None:
    step, now = progress.steps[gang.step], gang.launches[0]
    gang.failures += 1
    if progress.ending is None and not now.catch:
        decision = decide(step.policy, failed, now.attempt, gang.failures)
        if decision.verdict is not Verdict.GIVE_UP:
            gang.go_again(catch=decision.verdict is Verdict.CATCH)
            step.waiting += gang.size
            first = LaunchedTask(step, gang.split, 0, gang.launches[0])
            _put_off(progress, first, failed.at, decision.wait_s)
            orders.append(Retry(gang.control, decision.wait_s, decision.why))
            return
    step.failed += gang.size
    del progress.gangs[gang.control]
    progress.open_splits.pop(gang.split.task, None)
    orders.append(GiveUpGang(gang.control))
    _give_up(progress, step, (gang.split.outer, gang.split.position), failed, orders)


def _try_again(
    progress: Progress, launched: LaunchedTask, failed: TaskFailed, catch: bool, wait_s: float
) -> None:
    before = launched.launch
    launched.launch = replace(before, attempt=before.attempt + 1, catch=catch)
    launched.step.waiting += 1
    _put_off(progress, launched, failed.at, wait_s)


def _put_off(progress: Progress, launched: LaunchedTask, failed_at: float, wait_s: float) -> None:
    task = launched.launch.task
    progress.retrying[task] = launched
    if wait_s > 0:
        progress.retry_at(failed_at + wait_s, task)
    else:
        _put_again(progress, launched)


def _put_again(progress: Progress, launched: LaunchedTask) -> None:
    if (gang := progress.gang_of(launched.launch)) is not None:
        progress.ready.put_gang(gang, is_new=False)
    else:
        progress.ready.put_again(launched.launch, launched.split, launched.position)


def _wake(progress: Progress, now: float, orders: list[Order]) -> None:
    while (launched := progress.take_due(now)) is not None:
        _put_again(progress, launched)
    if progress.cancel_at is not None and progress.cancel_at <= now:
        progress.cancel_at = None
        if progress.running:
            orders.append(CancelRunning(f"the run has failed, and {progress.drain_s:g} s are over"))


def _cancel(progress: Progress, reason: str) -> bool:
    """Whether there is something to cancel that was not cancelled before."""
    if progress.ended or (progress.ending is not None and progress.ending.state is RunState.INTERRUPTED):
        return False
    _decide(progress, EndRun(RunState.INTERRUPTED, reason))
    return bool(progress.running)


def _running(progress: Progress, task: int) -> LaunchedTask:
    try:
        return progress.running[task]
    except KeyError:
        raise StepwellInternalError(f"task {task} ended, but it was not running") from None


def _check_allowed(step: StepProgress, task: int, taken: TransitionTaken) -> None:
    fits = taken.kind == step.kind and taken.targets == step.targets
    if not (fits or (taken.kind, taken.targets) in step.ways) or taken.num_splits < 0:
        raise StepwellInternalError(
            f"task {task} of step {step.name} went on by {taken.kind} to {list(taken.targets)} "
            f"({taken.num_splits} splits); the graph has {step.kind} to {list(step.targets)}"
        )


# Launches, and the end


def _launch(progress: Progress, orders: list[Order]) -> None:
    ready, running = progress.ready, progress.running
    while (taken := ready.take(len(running))) is not None:
        launch, split, position = taken
        step = progress.steps[launch.step]
        launched = progress.retrying.pop(launch.task, None) or LaunchedTask(step, split, position, launch)
        if step.policy.retry.times:
            tried = progress.gang_of(launch) or launched
            left = max(0, step.policy.retry.times - tried.failures)
            launch = replace(launch, retries_left=left)
        launched.launch = launch
        running[launch.task] = launched
        step.waiting -= 1
        step.running += 1
        orders.append(launch)
    if ready.remarks:
        orders += map(Remark, ready.remarks)
        ready.remarks.clear()


def _decide(progress: Progress, ending: EndRun) -> None:
    """Settle how the run will end. From here on nothing is launched, so nothing more needs to be known."""
    if progress.ending is None or _RANK[ending.state] > _RANK[progress.ending.state]:
        progress.ending = ending
    progress.drop_waiting()


def _end_if_over(progress: Progress, orders: list[Order]) -> None:
    if progress.running or progress.ended:
        return
    waits = progress.ready or progress.retrying or progress.asked
    if progress.ending is None and progress.began and not waits:
        _decide(progress, _end_without_exit(progress))
    if progress.ending is not None:
        progress.ended = True
        orders.append(progress.ending)


def _end_without_exit(progress: Progress) -> EndRun:
    """Return how a run ends in which nothing can start, although the exit step has not run."""
    failures = progress.why_failed()
    if not failures and progress.held_back:
        return EndRun(RunState.INTERRUPTED, "it stops here, as it was asked to", as_asked=True)
    return EndRun(RunState.FAILED, failures or _dead_end(progress))


def _dead_end(progress: Progress) -> str:
    """Say what a run waits for in which nothing can start. No valid graph leads here."""
    waits = [
        f"{split.join} waits for branches of {split.step}/{split.task} ({split.missing} missing)"
        for split in list(progress.open_splits.values())[:3]
    ]
    return f"nothing runs and nothing can start, but step {progress.end} has not run" + "".join(
        f"; {wait}" for wait in waits
    )
