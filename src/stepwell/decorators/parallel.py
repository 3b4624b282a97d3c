"""``@parallel``: the tasks of a step run at the same time, as a gang."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

from stepwell.definition.decorator import StepDecorator
from stepwell.definition.placing import decorate_step
from stepwell.definition.step import StepFunction


class Parallel(StepDecorator):
    """Marks the step that ``num_parallel`` leads to; how many tasks there are is said there."""

    name = "parallel"


@overload
def parallel(function: StepFunction, /) -> StepFunction: ...
@overload
def parallel() -> Callable[[StepFunction], StepFunction]: ...
def parallel(function: Callable[..., Any] | None = None, /, **attributes: object) -> Any:
    """Run the tasks of the step as a gang: all at the same time, each knowing of the others.

    The step before says how many there are: ``self.next(self.train, num_parallel=4)``. They are started
    together or not at all, and succeed, fail and are tried again together; a join follows the step. In a
    task, ``current.parallel`` has ``main_ip``, ``num_nodes``, ``node_index`` and ``control_task_id``, and so
    have the environment variables ``MF_PARALLEL_MAIN_IP`` and the like.

    Examples
    --------
    >>> @parallel
    ... @step
    ... def train(self): ...
    """
    return decorate_step(Parallel, function, attributes)
