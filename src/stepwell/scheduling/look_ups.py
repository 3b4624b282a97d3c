"""Tasks of cached steps: looked up before they may start. They take no room meanwhile."""

from __future__ import annotations

from stepwell.exceptions import StepwellInternalError
from stepwell.scheduling.orders import LookUp, Order
from stepwell.scheduling.progress import LaunchedTask, Progress

AT_ONCE = 1000
"""Most that are asked for and not answered: what is asked for is known by its task and costs memory."""


def ask(progress: Progress, orders: list[Order]) -> None:
    """Order look-ups of tasks that are ready, as many as may be open."""
    while len(progress.asked) - len(progress.put_off) < AT_ONCE:
        taken = progress.ready.take_unasked()
        if taken is None:
            return
        launch, split, position = taken
        progress.asked[launch.task] = LaunchedTask(progress.steps[launch.step], split, position, launch)
        orders.append(LookUp(launch))


def put_off(progress: Progress, task: int) -> None:
    """Note that the answer for a task waits for the end of another: others may be asked for meanwhile."""
    progress.put_off.add(asked(progress, task).launch.task)


def missed(progress: Progress, task: int) -> None:
    """Let a task that was looked up in vain wait for room."""
    found = _answered(progress, task)
    progress.ready.put_missed(found.launch, found.split, found.position)


def cached(progress: Progress, task: int) -> LaunchedTask:
    """Return the task, which has taken its result from another."""
    found = _answered(progress, task)
    found.step.waiting -= 1
    found.step.done += 1
    return found


def asked(progress: Progress, task: int) -> LaunchedTask:
    """Return a task that is looked up."""
    try:
        return progress.asked[task]
    except KeyError:
        raise StepwellInternalError(f"task {task} was looked up, but nobody had asked for it") from None


def _answered(progress: Progress, task: int) -> LaunchedTask:
    found = asked(progress, task)
    del progress.asked[task]
    progress.put_off.discard(task)
    return found
