"""The deciding half of the executor: ``advance(progress, fact)`` changes the progress and says what to do.

::

    RunBegan         the entry step becomes ready
    RoomFound        tasks that wait are launched while there is room
    TaskSucceeded    what follows it becomes ready; after the exit step the run has succeeded
    TaskFailed       nothing more is launched; the run fails when nothing runs any more
    CancelAsked      what runs is cancelled; the run is interrupted when nothing runs any more
"""

from __future__ import annotations

from stepwell.exceptions import StepwellInternalError
from stepwell.model.ids import PARAMETERS_STEP, PARAMETERS_TASK
from stepwell.model.states import RunState
from stepwell.model.task import TransitionTaken
from stepwell.scheduling.dependencies import OpenSplit
from stepwell.scheduling.facts import CancelAsked, Fact, RoomFound, RunBegan, TaskFailed, TaskSucceeded
from stepwell.scheduling.orders import CancelRunning, EndRun, Order
from stepwell.scheduling.progress import Progress, RunningTask, StepProgress

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
            _succeed(progress, fact.task, fact.transition)
        case TaskFailed():
            _fail(progress, fact.task, fact.reason)
        case RoomFound():
            progress.ready.limit = fact.limit
        case CancelAsked():
            if _cancel(progress, fact.reason):
                orders.append(CancelRunning(fact.reason))
        case RunBegan():
            _begin(progress)
    _launch(progress, orders)
    _end_if_over(progress, orders)
    return orders


def _begin(progress: Progress) -> None:
    if progress.began:
        raise StepwellInternalError("a run began twice")
    progress.began = True
    if progress.ending is None:
        _go_to(progress, progress.start, None, 0, _PARAMETERS)


def _succeed(progress: Progress, task: int, transition: TransitionTaken) -> None:
    running = _running(progress, task)
    step = running.step
    _check_allowed(step, task, transition)
    del progress.running[task]
    step.running -= 1
    step.done += 1
    if step.kind == "end":
        if step.name == progress.end:
            _decide(progress, EndRun(RunState.SUCCEEDED))
    elif progress.ending is None:
        _go_on(progress, running, (step.name, task), transition)


def _fail(progress: Progress, task: int, reason: str) -> None:
    step = _running(progress, task).step
    del progress.running[task]
    step.running -= 1
    step.failed += 1
    _decide(progress, EndRun(RunState.FAILED, reason))


def _cancel(progress: Progress, reason: str) -> bool:
    """Whether there is something to cancel that was not cancelled before."""
    if progress.ended or (progress.ending is not None and progress.ending.state is RunState.INTERRUPTED):
        return False
    _decide(progress, EndRun(RunState.INTERRUPTED, reason))
    return bool(progress.running)


def _running(progress: Progress, task: int) -> RunningTask:
    try:
        return progress.running[task]
    except KeyError:
        raise StepwellInternalError(f"task {task} ended, but it was not running") from None


def _check_allowed(step: StepProgress, task: int, taken: TransitionTaken) -> None:
    if taken.kind != step.kind or taken.targets != step.targets or taken.num_splits < 0:
        raise StepwellInternalError(
            f"task {task} of step {step.name} went on by {taken.kind} to {list(taken.targets)} "
            f"({taken.num_splits} splits); the graph has {step.kind} to {list(step.targets)}"
        )


def _go_on(
    progress: Progress, done: RunningTask, parent: tuple[str, int], transition: TransitionTaken
) -> None:
    """Make ready what follows a task that has succeeded."""
    step = done.step
    if step.kind == "linear":
        _go_to(progress, step.targets[0], done.split, done.position, parent)
        return
    is_foreach = step.kind == "foreach"
    width = transition.num_splits if is_foreach else len(step.targets)
    split = OpenSplit(
        parent,
        step.closed_by,
        width,
        is_foreach=is_foreach,
        outer=done.split,
        position=done.position,
        path=done.path,
    )
    progress.open_splits[split.task] = split
    if width == 0:
        _close(progress, split)
    elif is_foreach:
        progress.ready.put_children(step.targets[0], split, width)
        progress.steps[step.targets[0]].waiting += width
    else:
        for position, target in enumerate(step.targets):
            _go_to(progress, target, split, position, parent)


def _go_to(
    progress: Progress, target: str, split: OpenSplit | None, position: int, parent: tuple[str, int]
) -> None:
    """Let a branch go on at ``target``: arrive there if it is the join of its split, else make it ready."""
    step = progress.steps[target]
    if step.closes is None:
        progress.ready.put_successor(target, split, position, parent)
        step.waiting += 1
        return
    if split is None or split.join != target:
        raise StepwellInternalError(f"step {parent[0]} leads to join {target}, which closes another split")
    split.arrive(position, progress.steps[parent[0]].number, parent[1])
    if split.missing == 0:
        _close(progress, split)


def _close(progress: Progress, split: OpenSplit) -> None:
    """Make the join of a complete split ready."""
    del progress.open_splits[split.task]
    progress.ready.put_join(split, progress.names)
    progress.steps[split.join].waiting += 1


def _launch(progress: Progress, orders: list[Order]) -> None:
    ready, running = progress.ready, progress.running
    while ready.room(len(running)):
        batch = ready.first()
        step = progress.steps[batch.step]
        launch, split, position = batch.take()
        ready.drop_if_empty(batch)
        running[launch.task] = RunningTask(step, split, position, launch.index_path)
        step.waiting -= 1
        step.running += 1
        orders.append(launch)


def _decide(progress: Progress, ending: EndRun) -> None:
    """Settle how the run will end. From here on nothing is launched, so nothing more needs to be known."""
    if progress.ending is None or _RANK[ending.state] > _RANK[progress.ending.state]:
        progress.ending = ending
    progress.ready.clear()
    progress.open_splits.clear()


def _end_if_over(progress: Progress, orders: list[Order]) -> None:
    if progress.running or progress.ended:
        return
    if progress.ending is None and progress.began and not progress.ready:
        _decide(progress, EndRun(RunState.FAILED, _dead_end(progress)))
    if progress.ending is not None:
        progress.ended = True
        orders.append(progress.ending)


def _dead_end(progress: Progress) -> str:
    """Say why nothing can start although the exit step has not run. No valid graph leads here."""
    waits = [
        f"{split.join} waits for branches of {split.step}/{split.task} ({split.missing} missing)"
        for split in list(progress.open_splits.values())[:3]
    ]
    return f"nothing runs and nothing can start, but step {progress.end} has not run" + "".join(
        f"; {wait}" for wait in waits
    )
