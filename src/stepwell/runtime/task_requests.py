"""What an order to launch asks of an engine."""

from __future__ import annotations

from collections.abc import Mapping

from stepwell.model.ids import TaskKey
from stepwell.model.run import RunInfo
from stepwell.model.task import LostBranch, TaskRef, TaskRequest
from stepwell.scheduling.orders import Launch


def request_of(launch: Launch, info: RunInfo, names: Mapping[int, str]) -> TaskRequest:
    """Return the request for the first attempt that an order asks for.

    Parameters
    ----------
    names
        The ids of earlier tasks that scheduling knows by another number.
    """

    def ref(step: str, number: int) -> TaskRef:
        return TaskRef(step, names.get(number) or str(number))

    own = ref(launch.step, launch.task)
    return TaskRequest(
        key=TaskKey(info.flow, info.run, own.step, own.task),
        attempt=launch.attempt,
        parents=tuple(ref(step, task) for step, task in launch.parents),
        index=launch.index,
        split=None if launch.split is None else ref(*launch.split),
        retries_left=launch.retries_left,
        lost=tuple(LostBranch(index, ref(step, task)) for index, step, task in launch.failed),
    )
