"""What only those outside a task see of its end, kept with what the attempt left."""

from __future__ import annotations

from msgspec.structs import replace

from stepwell.datastore.datastore import Datastore
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.engine.handle import TaskExited
from stepwell.model.attempt_fields import exit_fields, place_fields, usage_fields
from stepwell.model.foreach import Frame
from stepwell.model.pack import Pack
from stepwell.model.run import RunInfo, TaskRecord
from stepwell.model.task import TaskOutcome, TaskRequest
from stepwell.model.task_record import world_fields


class AttemptEnds:
    """Completes the packs of failed attempts. Of one that succeeded, the pack says all."""

    def __init__(self, definition: FlowDefinition, info: RunInfo, datastore: Datastore) -> None:
        self._definition = definition
        self._info = info
        self._datastore = datastore

    def keep(
        self, request: TaskRequest, record: TaskRecord, exited: TaskExited, outcome: TaskOutcome
    ) -> None:
        """Add how the process ended and what it used; make the pack if the process could not do it itself.

        Parameters
        ----------
        record
            The task as it was when the attempt began.
        """
        left = self._datastore.pack(request.key, request.attempt)
        pack = left or self._made(request, record, outcome)
        exit_code = exited.exit_code if not exited.signal else -exited.signal
        observed = {**exit_fields(exit_code), **usage_fields(exited.cpu_s, exited.max_rss_kib)}
        if not pack.outcome.ok:
            self._datastore.seal_failure(replace(pack, fields={**pack.fields, **observed}))

    def _made(self, request: TaskRequest, record: TaskRecord, outcome: TaskOutcome) -> Pack:
        frames = self._frames(request, record.label)
        asked = self._definition.policies[request.key.step].resources
        return Pack(
            key=request.key,
            attempt=request.attempt,
            outcome=replace(outcome, label=record.label, index_path=tuple(frame.index for frame in frames)),
            parents=request.parents,
            split=request.split,
            lost=request.lost,
            frames=frames,
            gang=request.gang,
            fields={
                **place_fields(record.host, record.pid, self._info.code_version, asked),
                **world_fields(request.gang),
            },
        )

    def _frames(self, request: TaskRequest, label: str) -> tuple[Frame, ...]:
        """Return where the task stands in foreach splits, as the task itself would have found it."""
        ref = request.split or request.parents[0]
        above = self._datastore.pack(request.key.sibling(ref.step, ref.task))
        if above is None:
            return ()
        if request.index is None:
            return above.frames
        variable = self._definition.graph[ref.step].foreach_variable(above.outcome.transition)
        count = above.items.count if above.items else 0
        return (*above.frames, Frame(ref.step, ref.task, variable, count, request.index, label))
