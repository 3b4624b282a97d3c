"""One step, run at once on what an earlier task of it had for inputs, beside the run that it is taken from.

It is the one task of a run of its own, which stands on that other run as a whole: whatever it does not have
itself is read there.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from stepwell.datastore.datastore import Datastore
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.engine.engine import Engine
from stepwell.engine.handle import Stream
from stepwell.metadata_store.store import MetadataStore
from stepwell.model.run import RunInfo
from stepwell.model.states import RunState, TaskState
from stepwell.model.task_record import brief
from stepwell.runtime.attempt_ends import AttemptEnds
from stepwell.runtime.beginning import RunContext, claim
from stepwell.runtime.clock import Clock
from stepwell.runtime.options import RunOptions, RunSettings, SpinAsked
from stepwell.runtime.recorder import Recorder
from stepwell.runtime.refusals import refuse, refuse_gangs
from stepwell.runtime.signals import StopRequests
from stepwell.runtime.single_task import SingleTask, TaskResult
from stepwell.runtime.spun_attempts import SpunAttempts
from stepwell.runtime.spun_inputs import SpunInputs
from stepwell.runtime.task_order import DueTask
from stepwell.runtime.whole_file import write_whole
from stepwell.runtime.workplace import workplace


class SpinResult(Struct, frozen=True, kw_only=True):
    """What came of it, and as which task it can be looked at where it is kept."""

    pathspec: str
    task: TaskResult


class Spinning:
    """Runs one step of a flow.

    Parameters
    ----------
    engine
        Made already: a forking engine must be older than any connection or thread.
    stores
        Opens datastore and metadata of what is made here; called once, after the engine exists.
    """

    def __init__(
        self,
        definition: FlowDefinition,
        engine: Engine,
        stores: Callable[[], tuple[Datastore, MetadataStore]],
        clock: Clock,
        settings: RunSettings,
    ) -> None:
        self._definition = definition
        self._engine = engine
        self._stores = stores
        self._clock = clock
        self._settings = settings

    def execute(self, asked: SpinAsked, options: RunOptions, tell: Callable[[str], None]) -> SpinResult:
        """Run the step; ``tell`` gets words on an attempt that another one follows.

        Raises
        ------
        UsageError
            The inputs that are asked for are not to be had.
        GraphError
            The step asks for what the engine cannot do.
        StoreError
            A datastore or the index failed.
        """
        with workplace(self._engine, lambda _: self._stores()) as place:
            refuse(self._definition, self._engine.capabilities, [asked.step])
            refuse_gangs(self._definition, "`spin`, which runs one task,", [asked.step])
            context = RunContext(
                definition=self._definition,
                options=options,
                settings=self._settings,
                clock=self._clock,
                datastore=place.datastore,
                metadata=place.metadata,
                surroundings={},
                code_version=self._code_version(),
            )
            return self._run(context, asked, place.stop, tell)

    def _code_version(self) -> str:
        from stepwell.code_package.package import code_version

        return code_version(self._definition.file)

    def _run(
        self, context: RunContext, asked: SpinAsked, stop: StopRequests, tell: Callable[[str], None]
    ) -> SpinResult:
        datastore, options = context.datastore, context.options
        origin = asked.origin.run if asked.origin is not None else None
        more = {} if origin is None else {"origin-run-id": origin.run}
        run = claim(context, f"spin-{context.metadata.next_run_id()}", **more)
        info = context.info(run, origin.run if origin is not None else None)
        if origin is not None:
            info = replace(info, parameters_task=origin.parameters_task)
            datastore.reused.write_rest(run.flow, run.run, origin.run)
        recorder = context.recorder(run)
        recorder.save_run()
        try:
            inputs = SpunInputs(self._definition, datastore, info, asked.artifacts)
            due = inputs.due(asked.step, asked.origin, asked.index)
            if options.run_id_file is not None:
                write_whole(options.run_id_file, run.run)
            self._engine.start(info)
            with recorder.beating():
                result = self._tried(due, info, context, recorder, stop, tell)
        except BaseException as error:
            self._end(recorder, RunState.FAILED, f"it did not end: {error}")
            raise
        recorder.close()
        if result.state is TaskState.SUCCEEDED:
            self._end(recorder, RunState.SUCCEEDED)
        else:
            state = RunState.INTERRUPTED if result.interrupted else RunState.FAILED
            self._end(recorder, state, brief(result.error))
        return SpinResult(pathspec=due.request.key.pathspec, task=result)

    def _tried(
        self,
        due: DueTask,
        info: RunInfo,
        context: RunContext,
        recorder: Recorder,
        stop: StopRequests,
        tell: Callable[[str], None],
    ) -> TaskResult:
        policy = self._definition.policies[due.request.key.step]
        ends = AttemptEnds(self._definition, info, context.datastore)

        def attempt(due: DueTask) -> TaskResult:
            task = SingleTask(
                self._engine,
                context.datastore,
                ends,
                recorder,
                self._clock,
                _shown_already,
                context.options.max_log_size,
                is_last_attempt=True,
            )
            result = task.run(due, policy, stop, None)
            # Of what is typed on the terminal, only the task hears.
            typed = result.error.type == "KeyboardInterrupt"
            return replace(result, interrupted=result.interrupted or typed)

        return SpunAttempts(policy, lambda wait_s: self._wait(wait_s, stop), tell).run(due, attempt)

    def _wait(self, wait_s: float, stop: StopRequests) -> bool:
        until = self._clock.now() + wait_s
        while not stop.count and (left := until - self._clock.now()) > 0:
            self._engine.reports(left)  # a signal wakes it
        return not stop.count

    def _end(self, recorder: Recorder, state: RunState, reason: str = "") -> None:
        now = self._clock.now()
        recorder.save_run(state=state, reason=reason, finished_at=now, heartbeat_at=now)


def _shown_already(stream: Stream, data: bytes) -> None:
    del stream, data  # the task has the terminal, and writes there itself
