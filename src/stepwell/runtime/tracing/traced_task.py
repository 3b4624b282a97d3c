"""A step function, and its datastore, that write down what they do in a task's process."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any

from msgspec.structs import replace

from stepwell.datastore.blobs import Verify
from stepwell.datastore.datastore import Datastore
from stepwell.datastore.serializers import Serializers
from stepwell.datastore.storage import Storage
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.model.artifact import ArtifactEntry, ItemsRef
from stepwell.model.ids import TaskKey
from stepwell.model.pack import Pack
from stepwell.model.run import TRACE_ID, RunInfo
from stepwell.model.task import TaskRequest
from stepwell.model.trace import TraceEvent, TraceTarget
from stepwell.runtime.task.step_function import Report, StepFunction
from stepwell.runtime.tracing.trace_context import TraceContext
from stepwell.runtime.tracing.trace_file import TraceFile

_VARIABLE = "TRACEPARENT"


class TaskTrace:
    """The events of the attempt that runs in this process."""

    def __init__(self, target: TraceTarget) -> None:
        self._file = TraceFile(target.file)
        self.context = TraceContext.parse(target.context)
        self._request: TaskRequest | None = None

    def enter(self, request: TaskRequest) -> None:
        self._request = request

    def write(self, event: str, seconds: float = 0.0, **more: Any) -> None:
        request = self._request
        if request is None:
            return  # what a launcher does to get ready belongs to no task
        key = request.key
        self._file.append(
            TraceEvent(
                at=time.time(),
                event=event,
                seconds=seconds,
                run=f"{key.flow}/{key.run}",
                step=key.step,
                task=key.task,
                attempt=request.attempt,
                **more,
            )
        )

    @contextmanager
    def timed(self, event: str, more: dict[str, Any]) -> Generator[None]:
        """Write the event after what stands inside, with what ``more`` has then; nothing if it is empty."""
        began = time.perf_counter()
        yield
        if more:
            self.write(event, time.perf_counter() - began, **more)


class TracedStepFunction(StepFunction):
    """Runs a task, and tells it which span it is."""

    def __init__(
        self,
        definition: FlowDefinition,
        datastore: Datastore,
        preset_constants: bool,
        trace: TaskTrace,
        index: str,
    ) -> None:
        super().__init__(definition, datastore, preset_constants, index)
        self._trace = trace

    def __call__(self, info: RunInfo, request: TaskRequest, report: Report) -> int:
        waited = time.time() - request.launched_at if request.launched_at else 0.0
        self._trace.enter(request)
        self._trace.write("task_started", max(0.0, waited), pid=os.getpid())
        with self._as_span(request):
            return super().__call__(info, request, report)

    @contextmanager
    def _as_span(self, request: TaskRequest) -> Generator[None]:
        context = self._trace.context
        if context is None:
            yield
            return
        former = os.environ.get(_VARIABLE)
        key = request.key
        os.environ[_VARIABLE] = str(context.child(key.step, key.task, str(request.attempt)))
        try:
            yield
        finally:
            # The process may run other tasks: it does with `--isolation inline`.
            os.environ.pop(_VARIABLE, None)
            if former is not None:
                os.environ[_VARIABLE] = former


class TracedDatastore(Datastore):
    """A datastore that tells what is read from it and written to it."""

    def __init__(
        self, storage: Storage, verify: Verify, serializers: Serializers | None, trace: TaskTrace
    ) -> None:
        super().__init__(storage, verify, serializers)
        self._trace = trace

    def pack(self, key: TaskKey, attempt: int | None = None) -> Pack | None:
        with self._trace.timed("inputs_opened", {"input": f"{key.step}/{key.task}"}):
            return super().pack(key, attempt)

    def load(self, flow: str, entry: ArtifactEntry) -> object:
        with self._trace.timed("artifact_loaded", {"name": entry.name, "bytes": entry.size}):
            return super().load(flow, entry)

    def load_item(self, pack: Pack, index: int) -> object:
        with self._trace.timed(
            "item_loaded", {"name": str(index), "input": f"{pack.key.step}/{pack.key.task}"}
        ):
            return super().load_item(pack, index)

    def save(self, name: str, value: object) -> ArtifactEntry:
        more: dict[str, Any] = {"name": name}
        with self._trace.timed("artifact_stored", more):
            entry = super().save(name, value)
            more["bytes"] = entry.size
        return entry

    def resave(self, name: str, value: object, before: ArtifactEntry, loaded: object) -> ArtifactEntry:
        more: dict[str, Any] = {"name": name}
        with self._trace.timed("artifact_stored", more):
            entry = super().resave(name, value, before, loaded)
            if entry is before:
                more.clear()  # it is unchanged, and is not stored again
            else:
                more["bytes"] = entry.size
        return entry

    def save_items(self, items: Iterable[object]) -> tuple[ItemsRef, bytes, tuple[str, ...]]:
        more: dict[str, Any] = {}
        with self._trace.timed("items_stored", more):
            stored = super().save_items(items)
            more["num_splits"] = stored[0].count
        return stored

    def seal(self, pack: Pack) -> None:
        taken = pack.outcome.transition
        if taken is not None:
            splits = taken.num_splits if taken.fans_out else None
            targets, case = taken.targets, taken.case
            self._trace.write(
                "transition_taken", kind=taken.kind, targets=targets, num_splits=splits, case=case
            )
        with self._trace.timed("pack_committed", {"state": "succeeded"}):
            super().seal(self._marked(pack))

    def seal_failure(self, pack: Pack) -> None:
        state = "failed" if pack.prepared is None else "prepared"  # with others of its gang
        with self._trace.timed("pack_committed", {"state": state}):
            super().seal_failure(self._marked(pack))

    def _marked(self, pack: Pack) -> Pack:
        if self._trace.context is None:
            return pack
        return replace(pack, fields={**pack.fields, TRACE_ID: self._trace.context.trace})
