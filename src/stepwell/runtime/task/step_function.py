"""Runs one step method, captures what it set, stores the artifacts, and seals the attempt.

The same for every engine and scheduler; nothing else ever runs the code of a step.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module

from msgspec.structs import replace

from stepwell.datastore.datastore import Datastore
from stepwell.datastore.preview import label_of
from stepwell.datastore.unstorable import Offender, Unstorable
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.definition.flowspec import FlowSpec, attach_live
from stepwell.definition.transition import Foreach, Split
from stepwell.exceptions import (
    AlreadyCommitted,
    InvalidNextException,
    StepwellException,
    StepwellExceptionWrapper,
    UnpicklableArtifactException,
)
from stepwell.model.artifact import ArtifactEntry
from stepwell.model.attempt_fields import place_fields
from stepwell.model.foreach import Frame
from stepwell.model.ids import PARAMETERS_STEP, PARAMETERS_TASK
from stepwell.model.pack import Pack
from stepwell.model.run import RunInfo
from stepwell.model.task import TaskOutcome, TaskRef, TaskRequest, TransitionTaken
from stepwell.runtime.task import current
from stepwell.runtime.task.failure import describe, text_of
from stepwell.runtime.task.inputs import JoinInputs, TaskSource
from stepwell.runtime.task.live_step import Live
from stepwell.runtime.task.usage import Usage

Report = Callable[[TaskOutcome], None]

_PARAMETERS = TaskRef(PARAMETERS_STEP, PARAMETERS_TASK)


class StepFunction:
    """Executes tasks of one flow in the present process.

    Parameters
    ----------
    definition, datastore
        The flow, and where its artifacts are.
    preset_constants
        Take constants from the run instead of from the class: needed where the flow's file was imported
        anew, because its class body may give other values each time.
    """

    def __init__(
        self, definition: FlowDefinition, datastore: Datastore, preset_constants: bool = False
    ) -> None:
        self._definition = definition
        self._datastore = datastore
        self._preset = preset_constants

    @property
    def flow_class(self) -> type[FlowSpec]:
        """The flow whose tasks this runs."""
        return self._definition.flow_class

    def __call__(self, info: RunInfo, request: TaskRequest, report: Report) -> int:
        """Run one task; return the exit code of its process: 0 if its pack is sealed, else 1."""
        attempt = _Attempt(self._definition, self._datastore, info, request, self._preset)
        outcome = attempt.run()
        report(outcome)
        return 0 if outcome.ok else 1


class _Attempt:
    def __init__(
        self,
        definition: FlowDefinition,
        datastore: Datastore,
        info: RunInfo,
        request: TaskRequest,
        preset_constants: bool,
    ) -> None:
        self._definition = definition
        self._datastore = datastore
        self._info = info
        self._request = request
        self._preset = preset_constants
        self._node = definition.graph[request.key.step]
        self._source = TaskSource(datastore, info)
        self._started_at = time.time()
        self._usage = Usage()
        self._frames: tuple[Frame, ...] = ()
        self._flow: FlowSpec = definition.flow_class.__new__(definition.flow_class)
        self._live: Live | None = None

    def run(self) -> TaskOutcome:
        pid = os.getpid()
        try:
            self._execute(self._bind())
            self._leave_copies(pid)
            return self._commit()
        except BaseException as error:  # noqa: BLE001 - whatever ends a step is this task's failure
            self._leave_copies(pid)
            return self._fail(error)
        finally:
            attach_live(self._flow, None)
            current.leave()

    def _leave_copies(self, pid: int) -> None:
        """End a copy of this process that the step forked and let come back: only the task may commit."""
        if os.getpid() != pid:
            _say(
                f"A process that step {self._node.name!r} forked came back from the step; it ends here, and "
                "what it set on `self` is lost. End such a process with `os._exit`, or use `parallel_map`.\n"
            )
            os._exit(1)

    # Before the step

    def _bind(self) -> tuple[JoinInputs, ...]:
        """Open the inputs and bring the flow object to life; return the arguments of the step's method."""
        if self._node.is_join:
            return self._bind_join()
        parent = self._source.pack(self._request.parents[0])
        self._frames = parent.frames
        item: tuple[object, ...] = ()
        if self._request.index is not None:
            item = (self._datastore.load_item(parent, self._request.index),)
            self._frames = (*parent.frames, self._frame(parent, self._request.index, item[0]))
        self._attach(self._datastore.visible(parent))
        if item and self._live is not None:
            self._live.own_item = item[0]
        return ()

    def _bind_join(self) -> tuple[JoinInputs, ...]:
        if self._request.split is None:
            raise InvalidNextException(f"The join {self._node.name!r} was started without a split.")
        split = self._source.pack(self._request.split)
        opener = self._definition.graph[split.key.step].transition
        branches = opener.targets if isinstance(opener, Split) else ()
        self._frames = split.frames
        self._attach(self._datastore.visible(self._source.pack(_PARAMETERS)))
        return (JoinInputs(self._source, self._request.parents, split, branches),)

    def _frame(self, parent: Pack, index: int, item: object) -> Frame:
        transition = self._definition.graph[parent.key.step].transition
        variable = transition.var if isinstance(transition, Foreach) else None
        count = parent.items.count if parent.items else 0
        return Frame(parent.key.step, parent.key.task, variable, count, index, label_of(item))

    def _attach(self, entries: dict[str, ArtifactEntry]) -> None:
        live = Live(
            self._flow, self._definition, self._node, self._source, entries, self._frames,
            self._request.parents,
        )  # fmt: skip
        if self._preset:
            for name in self._definition.constants:
                if name in entries:
                    self._flow.__dict__[name] = self._source.load(entries[name])
        for name in live.shadowed():
            self._flow.__dict__[name] = live.load(name)
        self._live = live
        attach_live(self._flow, live)

    # The step

    def _execute(self, arguments: tuple[JoinInputs, ...]) -> None:
        key = self._request.key
        current.enter(
            {
                "is_running_flow": True,
                "flow_name": key.flow,
                "run_id": key.run,
                "step_name": key.step,
                "task_id": key.task,
                "retry_count": self._request.attempt,
                "origin_run_id": self._info.origin_run,
                "code_version": self._info.code_version or None,
                "pathspec": key.pathspec,
                "namespace": self._info.namespace,
                "username": self._info.user,
                "tags": frozenset(self._info.tags),
                "tempdir": current.Deferred(_tempdir),
                "resources": self._definition.policies[key.step].resources,
                "task": current.Deferred(lambda: self._client_object("task")),
                "run": current.Deferred(lambda: self._client_object("run")),
                "graph": current.Deferred(self._graph_info),
                "parameter_names": [parameter.attribute for parameter in self._definition.parameters],
            }
        )
        try:
            getattr(self._flow, key.step)(*arguments)
        finally:
            _flush()
        if self._live is not None and self._live.taken is None:
            if not self._node.is_end:
                raise InvalidNextException(
                    f"Step {key.step!r} ended without `self.next`. Make it the last statement of every path "
                    "through the step.",
                    self._node.line,
                    self._node.file,
                )
            self._live.taken = TransitionTaken("end")

    def _graph_info(self) -> object:
        from stepwell.definition.graph_info import graph_info

        return graph_info(self._definition)

    def _client_object(self, kind: str) -> object:
        """Return the client's run or task, wherever its results lie and whatever the namespace."""
        # By name, and only if the step asks: the client stands above all of this, and no task waits for it.
        objects, scope, stored = (
            import_module(f"stepwell.client.{name}") for name in ("objects", "scope", "stored")
        )
        key = self._request.key
        at = scope.Scope(scope.Connection(self._datastore.location))
        if kind == "run":
            return objects.Run(f"{key.flow}/{key.run}", at=at)
        # Not looked up: the index hears of a task some moments after it has begun.
        run = stored.StoredRun(at.connection, key.flow, key.run)
        return objects.Task.of(at, stored.StoredTask(run, key.step, key.task))

    # After the step

    def _commit(self) -> TaskOutcome:
        live = self._live
        if live is None:
            raise InvalidNextException(f"Step {self._node.name!r} has not run.")
        own, offenders = self._capture(live)
        if offenders:
            listed = "\n".join(f"  - {offender}" for offender in offenders)
            raise UnpicklableArtifactException(
                f"Step {self._node.name!r} has set artifacts that cannot be stored:\n{listed}",
                self._node.line,
                self._node.file,
            )
        outcome = self._outcome(ok=True)
        self._seal(_noted(self._pack(outcome, own, live)))
        return outcome

    def _capture(self, live: Live) -> tuple[dict[str, ArtifactEntry], list[Offender]]:
        """Store what the step set or changed, in name order; what cannot be stored is listed."""
        own: dict[str, ArtifactEntry] = {}
        offenders: list[Offender] = []
        values = self._flow.__dict__
        for name in sorted(values):
            if not live.is_artifact(name):
                continue
            before = live.entries.get(name) if name in live.loaded else None
            try:
                if before is None:
                    own[name] = self._datastore.save(name, values[name])
                else:
                    entry = self._datastore.resave(name, values[name], before, live.loaded[name])
                    if entry is not before:
                        own[name] = entry
            except Unstorable as error:
                offenders.append(error.offender)
        return own, offenders

    def _pack(self, outcome: TaskOutcome, own: dict[str, ArtifactEntry], live: Live) -> Pack:
        inherited, blob = self._datastore.with_inherited(
            entry for name, entry in live.entries.items() if name not in own
        )
        request = self._request
        return Pack(
            key=request.key,
            attempt=request.attempt,
            outcome=outcome,
            parents=request.parents,
            split=request.split,
            frames=self._frames,
            own=tuple(own[name] for name in sorted(own)),
            inherited=inherited,
            inherited_blob=blob,
            items=live.items,
            item_table=live.item_table,
            fields=self._fields(),
        )

    def _fields(self) -> dict[str, str]:
        asked = self._definition.policies[self._request.key.step].resources
        place = place_fields(socket.gethostname(), os.getpid(), self._info.code_version, asked)
        return {**place, **self._usage.fields()}

    def _seal(self, pack: Pack) -> None:
        try:
            self._datastore.seal(pack)
        except AlreadyCommitted:
            # Another attempt of this task won; its result stands, and this one changes nothing.
            _say(f"Another attempt of {pack.key.pathspec} has already succeeded.\n")

    def _outcome(self, ok: bool, error: BaseException | None = None) -> TaskOutcome:
        live = self._live
        return TaskOutcome(
            ok=ok,
            started_at=self._started_at,
            ended_at=time.time(),
            transition=live.taken if live is not None and ok else None,
            error=None if error is None else describe(error),
            label=self._frames[-1].label if self._frames else "",
            index_path=tuple(frame.index for frame in self._frames),
        )

    def _fail(self, error: BaseException) -> TaskOutcome:
        outcome = self._outcome(ok=False, error=error)
        if outcome.error is not None:
            said = outcome.error
            # A mistake that we recognised is told by its message; the user's own exception by its frames.
            recognised = isinstance(error, StepwellException) and _is_ours(error.__cause__)
            _say(f"{said.type}: {said.message}\n" if recognised else said.frames)
        try:
            self._keep_failure(outcome, error)
        except Exception as trouble:  # noqa: BLE001 - the failure is told already; this is for inspection only
            _say(f"What the failed task had made could not be kept: {text_of(trouble)}\n")
        return outcome

    def _keep_failure(self, outcome: TaskOutcome, error: BaseException) -> None:
        """Keep the exception and what can be stored, for inspection only."""
        own = {"_exception": self._datastore.save("_exception", StepwellExceptionWrapper(error))}
        request = self._request
        if self._live is not None:
            kept, _ = self._capture(self._live)
            own.update(kept)
        pack = Pack(
            key=request.key,
            attempt=request.attempt,
            outcome=outcome,
            parents=request.parents,
            split=request.split,
            frames=self._frames,
            own=tuple(own[name] for name in sorted(own)),
            fields=self._fields(),
        )
        self._datastore.seal_failure(_noted(pack))


def _noted(pack: Pack) -> Pack:
    """Return the pack with what the step said of itself, if anything."""
    notes = current.notes_taken()
    return pack if notes is None else replace(pack, facts=notes.facts(), metrics=notes.metrics())


def _is_ours(cause: BaseException | None) -> bool:
    """Whether an error of ours says it all: no exception of the user's stands behind it."""
    return cause is None or isinstance(cause, (StepwellException, Unstorable))


def _tempdir() -> str:
    from tempfile import gettempdir  # not at the top: few tasks need it, and every task would wait for it

    return gettempdir()


def _flush() -> None:
    """Flush what the step printed. A step may have closed a stream or put another in its place."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            continue  # it is gone, and with it what was in it; the artifacts of the step count


def _say(text: str) -> None:
    """Write to the task's log, also after the step has closed ``sys.stderr``."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (AttributeError, OSError, ValueError):
        with suppress(OSError):
            os.write(2, text.encode(errors="backslashreplace"))
