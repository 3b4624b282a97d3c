"""Runs one step method, captures what it set, stores the artifacts, and seals the attempt.

The same for every engine and scheduler; nothing else ever runs the code of a step.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from msgspec.structs import replace

from stepwell.datastore.datastore import Datastore
from stepwell.datastore.unstorable import Offender, Unstorable
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.definition.flowspec import FlowSpec, attach_live
from stepwell.exceptions import (
    FailureHandledByCatch,
    InvalidNextException,
    StepwellException,
    StepwellExceptionWrapper,
    StepwellInternalError,
    TimeoutException,
    UnpicklableArtifactException,
)
from stepwell.model.artifact import ArtifactEntry
from stepwell.model.attempt_fields import place_fields
from stepwell.model.failure_kinds import kinds_of
from stepwell.model.foreach import Frame
from stepwell.model.pack import Pack
from stepwell.model.policy import CatchPolicy
from stepwell.model.run import RunInfo
from stepwell.model.task import ErrorInfo, TaskOutcome, TaskRequest, TransitionTaken
from stepwell.model.task_record import brief, world_fields
from stepwell.runtime.task import current
from stepwell.runtime.task.current_values import shown_values
from stepwell.runtime.task.failure import describe, left_to_debugger, local_values, text_of
from stepwell.runtime.task.inputs import JoinInputs, TaskSource
from stepwell.runtime.task.live_step import Live
from stepwell.runtime.task.opened import open_inputs
from stepwell.runtime.task.own_words import flush, say
from stepwell.runtime.task.sealing import sealed
from stepwell.runtime.task.step_call import completed
from stepwell.runtime.task.time_limit import time_limit
from stepwell.runtime.task.usage import Usage

if TYPE_CHECKING:
    from stepwell.model.cache import CacheKey
    from stepwell.runtime.task.result_keeper import ResultKeeper

Report = Callable[[TaskOutcome], None]

_CATCHABLE = (Exception, SystemExit)
_NEVER_AGAIN = 202
_RETRY_CODES = (_NEVER_AGAIN, 203)
"""With these a step says by `sys.exit` that it must not, or may, be tried again."""


class StepFunction:
    """Executes tasks of one flow in the present process.

    Parameters
    ----------
    definition, datastore
        The flow, and where its artifacts are.
    preset_constants
        Take constants from the run instead of from the class: needed where the flow's file was imported
        anew, because its class body may give other values each time.
    index
        Address of the index, if it does not lie in the datastore: steps may look up their run.
    """

    def __init__(
        self,
        definition: FlowDefinition,
        datastore: Datastore,
        preset_constants: bool = False,
        index: str = "",
    ) -> None:
        self._definition = definition
        self._datastore = datastore
        self._preset = preset_constants
        self._index = index
        if any(policy.cache is not None for policy in definition.policies.values()):
            # Here, and not in each task that is forked from this process.
            for name in ("stepwell.datastore.cached_results", "stepwell.runtime.task.result_keeper"):
                import_module(name)
        if any(policy.cards for policy in definition.policies.values()):
            import_module("stepwell.runtime.task.task_cards")

    @property
    def flow_class(self) -> type[FlowSpec]:
        """The flow whose tasks this runs."""
        return self._definition.flow_class

    def __call__(self, info: RunInfo, request: TaskRequest, report: Report) -> int:
        """Run one task; return the exit code of its process: 0 if its pack is sealed, else 1."""
        attempt = _Attempt(self._definition, self._datastore, info, request, self._preset, self._index)
        outcome = attempt.run()
        report(outcome)
        return 0 if outcome.ok else attempt.exit_code


class _Attempt:
    def __init__(
        self,
        definition: FlowDefinition,
        datastore: Datastore,
        info: RunInfo,
        request: TaskRequest,
        preset_constants: bool,
        index: str,
    ) -> None:
        self._index = index
        self._definition = definition
        self._datastore = datastore
        self._info = info
        self._request = request
        self._preset = preset_constants
        self._node = definition.graph[request.key.step]
        self._policy = definition.policies[request.key.step]
        self._layers = definition.layers[request.key.step]
        self._source = TaskSource(datastore, info)
        self._started_at = time.time()
        self._usage = Usage(request.devices)
        self._frames: tuple[Frame, ...] = ()
        self._iterations: tuple[int, ...] = ()
        self._flow: FlowSpec = definition.flow_class.__new__(definition.flow_class)
        self._live: Live | None = None
        self._keeper: ResultKeeper | None = None
        self._is_examined = False
        self.exit_code = 1

    def run(self) -> TaskOutcome:
        pid = os.getpid()
        try:
            if self._request.cache is not None:
                self._keeper = self._make_keeper(self._request.cache)
            arguments = self._bind()
            if self._request.failure is not None and self._policy.catch is not None:
                return self._catch_platform_failure(self._request.failure, self._policy.catch)
            self._execute(arguments)
            self._leave_copies(pid)
            return self._commit()
        except BaseException as error:  # noqa: BLE001 - whatever ends a step is this task's failure
            self._leave_copies(pid)
            return self._fail(error)
        finally:
            if not self._is_examined:
                attach_live(self._flow, None)
                current.leave()

    def _leave_copies(self, pid: int) -> None:
        """End a copy of this process that the step forked and let come back: only the task may commit."""
        if os.getpid() != pid:
            say(
                f"A process that step {self._node.name!r} forked came back from the step; it ends here, and "
                "what it set on `self` is lost. End such a process with `os._exit`, or use `parallel_map`.\n"
            )
            os._exit(1)

    def _make_keeper(self, key: CacheKey) -> ResultKeeper:
        from stepwell.runtime.task.result_keeper import ResultKeeper  # few steps are cached

        return ResultKeeper(key, self._definition, self._source, self._request)

    # Before the step

    def _bind(self) -> tuple[JoinInputs, ...]:
        """Open the inputs and bring the flow object to life; return the arguments of the step's method."""
        opened = open_inputs(self._definition, self._source, self._request)
        self._frames, self._iterations = opened.frames, opened.iterations
        live = self._attach(opened.entries)
        if opened.item:
            live.own_item = opened.item[0]
        return opened.arguments

    def _attach(self, entries: dict[str, ArtifactEntry]) -> Live:
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
        return live

    # The step

    def _execute(self, arguments: tuple[JoinInputs, ...]) -> None:
        key = self._request.key
        began = time.time()
        limit_s = self._policy.timeout_s
        deadline = began + limit_s if limit_s else None
        frames, index = self._frames, self._index
        values = shown_values(
            self._definition, self._datastore, self._info, self._request, deadline, frames, index
        )
        iteration = self._iterations[-1] if self._iterations else 0
        current.enter({**values, "iteration": iteration}, (self._datastore.location, index))
        try:
            with time_limit(limit_s, key.step):
                if self._live is not None and self._layers:
                    from stepwell.runtime.task.wrapped_step import WrappedStep  # few steps have any

                    WrappedStep(self._layers, self._flow, key.step, self._live.way).call(arguments)
                else:
                    completed(getattr(self._flow, key.step)(*arguments), key.step)
        finally:
            flush()
        if self._live is not None and self._live.way.taken is None:
            if not self._node.is_end:
                raise InvalidNextException(
                    f"Step {key.step!r} ended without `self.next`. Make it the last statement of every path "
                    "through the step.",
                    self._node.line,
                    self._node.file,
                )
            self._live.way.taken = TransitionTaken("end")

    # After the step

    def _commit(self) -> TaskOutcome:
        live = self._live
        if live is None:
            raise InvalidNextException(f"Step {self._node.name!r} has not run.")
        if self._policy.catch is not None and self._policy.catch.var:
            self._flow.__dict__[self._policy.catch.var] = None
        own, offenders = self._capture(live)
        if offenders:
            listed = "\n".join(f"  - {offender}" for offender in offenders)
            raise UnpicklableArtifactException(
                f"Step {self._node.name!r} has set artifacts that cannot be stored:\n{listed}",
                self._node.line,
                self._node.file,
            )
        pack = self._whole_pack(self._outcome(ok=True), own, live)
        seal = partial(sealed, self._datastore)
        return seal(pack) if self._keeper is None else self._keeper.keep(pack, seal)

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

    def _whole_pack(self, outcome: TaskOutcome, own: dict[str, ArtifactEntry], live: Live) -> Pack:
        """Return the pack of a task that has succeeded: later tasks find all in it that they may read."""
        inherited, blob = self._datastore.with_inherited(
            entry for name, entry in live.entries.items() if name not in own
        )
        return replace(
            self._pack(outcome, own),
            inherited=inherited,
            inherited_blob=blob,
            items=live.way.items,
            item_table=live.way.item_table,
        )

    def _pack(self, outcome: TaskOutcome, own: dict[str, ArtifactEntry]) -> Pack:
        request, notes = self._request, current.notes_taken()
        return Pack(
            key=request.key,
            attempt=request.attempt,
            outcome=outcome,
            parents=request.parents,
            split=request.split,
            lost=request.lost,
            frames=self._frames,
            iterations=self._iterations,
            own=tuple(own[name] for name in sorted(own)),
            gang=request.gang,
            fields=self._fields(),
            facts={} if notes is None else notes.facts(),
            metrics={} if notes is None else notes.metrics(),
        )

    def _fields(self) -> dict[str, str]:
        asked = self._definition.policies[self._request.key.step].resources
        place = place_fields(socket.gethostname(), os.getpid(), self._info.code_version, asked)
        return {**place, **world_fields(self._request.gang), **self._usage.fields()}

    def _outcome(self, ok: bool, error: ErrorInfo | None = None, caught: str = "") -> TaskOutcome:
        live = self._live
        return TaskOutcome(
            ok=ok,
            started_at=self._started_at,
            ended_at=time.time(),
            transition=live.way.taken if live is not None and ok else None,
            error=error,
            caught=caught,
            label=self._frames[-1].label if self._frames else "",
            index_path=tuple(frame.index for frame in self._frames),
        )

    def _fail(self, error: BaseException) -> TaskOutcome:
        asks_for_none = isinstance(error, SystemExit) and error.code == _NEVER_AGAIN
        retriable = not asks_for_none and self._policy.retry.applies_to(kinds_of(error))
        said = replace(describe(error), retriable=retriable)
        # A gang is caught when all of it has ended, for the others would wait for this one.
        catch = self._policy.catch if self._request.gang is None else None
        is_last = not (retriable and self._request.retries_left)
        if catch is not None and is_last and self._live is not None and isinstance(error, _CATCHABLE):
            if catch.print_exception:
                say(said.frames)
            return self._catch(catch, _wrapped(error, said), brief(said), self._live)
        if isinstance(error, SystemExit) and error.code in _RETRY_CODES:
            self.exit_code = int(error.code)
        # A mistake that we recognised is told by its message; the user's own exception by its frames.
        recognised = isinstance(error, StepwellException) and _says_it_all(error)
        told = say(f"{said.type}: {said.message}\n" if recognised else said.frames)
        outcome = replace(self._outcome(ok=False, error=said), told=told)
        try:
            self._keep_failure(outcome, error)
        except Exception as trouble:  # noqa: BLE001 - the failure is told already; this is for inspection only
            say(f"What the failed task had made could not be kept: {text_of(trouble)}\n")
        self._is_examined = bool(self._info.terminal) and is_last and left_to_debugger(error)
        return replace(outcome, local_values=local_values(error)) if self._info.local_values else outcome

    # Failures that are caught

    def _catch_platform_failure(self, failure: ErrorInfo, catch: CatchPolicy) -> TaskOutcome:
        """Succeed in place of an attempt that could not say itself why it ended. No code of the step runs."""
        if self._live is None:
            raise StepwellInternalError(f"the inputs of {self._request.key.pathspec} are not open")
        attempt = self._request.attempt - 1
        how = "was ended from outside" if self._request.gang is None else "failed with its gang"
        stands_for = FailureHandledByCatch(
            f"Attempt {attempt} of {self._request.key.pathspec} {how}: {failure.message}"
        )
        return self._catch(catch, StepwellExceptionWrapper(stands_for), brief(failure), self._live)

    def _catch(
        self, catch: CatchPolicy, caught: StepwellExceptionWrapper, words: str, live: Live
    ) -> TaskOutcome:
        """Commit what the step had set before its failure, and the transition that the graph allows."""
        if catch.var:
            self._flow.__dict__[catch.var] = caught
        way, case = self._node.way_named(catch.case)
        if catch.items is not None and way.kind == "foreach":
            live.way.go_on_with(catch.items)
        else:
            live.way.taken = TransitionTaken(way.kind, way.targets, case=case)
        own, offenders = self._capture(live)
        for offender in offenders:
            say(f"The task is caught, but an artifact is lost: {offender}\n")
        pack = self._whole_pack(self._outcome(ok=True, caught=words), own, live)
        return sealed(self._datastore, pack)

    def _keep_failure(self, outcome: TaskOutcome, error: BaseException) -> None:
        """Keep the exception and what can be stored, for inspection only."""
        own = {"_exception": self._datastore.save("_exception", StepwellExceptionWrapper(error))}
        if self._live is not None:
            kept, _ = self._capture(self._live)
            own.update(kept)
        self._datastore.seal_failure(self._pack(outcome, own))


def _wrapped(error: BaseException, said: ErrorInfo) -> StepwellExceptionWrapper:
    """Return the exception in a form that can be stored, with the frames of the user's code."""
    wrapper = StepwellExceptionWrapper(error)
    wrapper.stacktrace = said.frames or wrapper.stacktrace
    return wrapper


def _says_it_all(error: StepwellException) -> bool:
    """Whether nobody needs the frames of an error of ours: no exception of the user's stands behind it."""
    cause = error.__cause__
    is_ours = cause is None or isinstance(cause, (StepwellException, Unstorable))
    return is_ours and not isinstance(error, TimeoutException)
