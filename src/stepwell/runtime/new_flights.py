"""From an order to launch a task to what the engine is asked, and what the index is told."""

from __future__ import annotations

from stepwell.model.ids import TaskKey
from stepwell.model.run import RunInfo, TaskRecord
from stepwell.model.states import TaskState
from stepwell.model.task import GangPlace, LostBranch, TaskRef, TaskRequest
from stepwell.model.task_record import parents_text
from stepwell.runtime.flight import Flight
from stepwell.runtime.foreach_splits import ForeachSplits
from stepwell.runtime.parts import Parts
from stepwell.scheduling.orders import Launch


class NewFlights:
    """Makes the tasks of one run. Scheduling knows them by numbers; what their ids are is known here."""

    def __init__(self, info: RunInfo, parts: Parts, splits: ForeachSplits) -> None:
        self._info = info
        self._names = dict(parts.names)
        self._attended = parts.attended
        self._host = parts.recorder.run.host
        self._splits = splits

    def make(self, launch: Launch) -> Flight:
        """Return the task that is to be launched."""
        place = None
        if launch.gang is not None:
            place = GangPlace(self._id_of(launch.gang[0]), launch.gang[1], launch.index or 0)
            self._names[launch.task] = place.task
        key = TaskKey(self._info.flow, self._info.run, launch.step, self._id_of(launch.task))
        request = TaskRequest(
            key=key,
            attempt=launch.attempt,
            parents=tuple(TaskRef(step, self._id_of(task)) for step, task in launch.parents),
            index=launch.index,
            split=None if launch.split is None else TaskRef(launch.split[0], self._id_of(launch.split[1])),
            retries_left=launch.retries_left,
            devices=launch.devices,
            gang=place,
            attended=self._attended is not None and self._attended.is_it(launch.step, launch.index_path),
            lost=tuple(
                LostBranch(index, TaskRef(step, self._id_of(task))) for index, step, task in launch.failed
            ),
        )
        label = self._splits.label_of(launch)
        record = TaskRecord(
            flow=key.flow,
            run=key.run,
            step=key.step,
            task=key.task,
            number=launch.task,
            state=TaskState.WAITING,
            attempt=launch.attempt,
            index_path=",".join(map(str, launch.index_path)),
            label=label,
            parents=parents_text([(parent.step, parent.task) for parent in request.parents]),
            host=self._host,
        )
        return Flight(launch, record, request, label)

    def _id_of(self, number: int) -> str:
        return self._names.get(number) or str(number)
