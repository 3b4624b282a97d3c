"""One live run, from parameter values to verdict."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from stepwell.datastore.datastore import Datastore
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.engine.engine import Engine
from stepwell.exceptions import StoreError, UsageError
from stepwell.metadata_store.store import MetadataStore
from stepwell.model.ids import PARAMETERS_STEP, PARAMETERS_TASK, TaskKey
from stepwell.model.policy import StepPolicy
from stepwell.model.run import RunInfo
from stepwell.model.states import RunState
from stepwell.runtime.beginning import BegunRun, RunContext, begin_new
from stepwell.runtime.clock import Clock
from stepwell.runtime.code_keeping import CodeKeeper
from stepwell.runtime.events import Listener, Notice, RunBegan, RunFinished
from stepwell.runtime.executor import Executor
from stepwell.runtime.options import ContinueRun, NewRun, RunAsked, RunOptions, RunResult, RunSettings
from stepwell.runtime.parts import Parts
from stepwell.runtime.patience import Patience
from stepwell.runtime.recorder import Recorder
from stepwell.runtime.refusals import refuse
from stepwell.runtime.signals import StopRequests
from stepwell.runtime.step_code_keeping import StepCodeKeeper
from stepwell.runtime.surroundings import GitState
from stepwell.runtime.taking_over import keep_plan, take_over
from stepwell.runtime.whole_file import write_whole
from stepwell.scheduling.orders import EndRun
from stepwell.scheduling.progress import Progress

if TYPE_CHECKING:
    from stepwell.runtime.look_ups import LookUps
    from stepwell.runtime.shared_workers import SharedWorkers

_PATIENCE_S = 0.01
"""A few files are packed and stored in a millisecond or two, and git is as quick; more is not waited for."""


class Runtime:
    """Carries out one run of a flow.

    Parameters
    ----------
    engine
        Made already: a forking engine must be older than any connection or thread.
    stores
        Opens datastore and metadata, with the patience given; called once, after the engine exists.
    notices
        What the user should know before the run starts.
    """

    def __init__(
        self,
        definition: FlowDefinition,
        engine: Engine,
        stores: Callable[[Patience], tuple[Datastore, MetadataStore]],
        clock: Clock,
        settings: RunSettings,
        notices: tuple[str, ...] = (),
    ) -> None:
        self._definition = definition
        self._engine = engine
        self._stores = stores
        self._clock = clock
        self._settings = settings
        self._notices = notices

    def execute(self, asked: RunAsked, options: RunOptions, listener: Listener) -> RunResult:
        """Carry out the run that is asked for; return how it ended.

        Raises
        ------
        GraphError
            A step asks for what the engine cannot do.
        FlowError, StoreError, UsageError
            The run could not be registered.
        """
        metadata: MetadataStore | None = None
        git: GitState | None = None
        try:
            refuse(self._definition, self._engine.capabilities)
            git = GitState(self._definition.file)
            # From the first record to the last: a run that is on record as running ends with a state.
            with StopRequests(self._engine.wake) as stop:
                datastore, metadata = self._stores(self._patience(listener, stop))
                code = CodeKeeper(self._definition.file, self._settings.package_suffixes, datastore)
                context = RunContext(
                    definition=self._definition,
                    options=options,
                    settings=self._settings,
                    clock=self._clock,
                    datastore=datastore,
                    metadata=metadata,
                    surroundings=_found_out(git, code, _PATIENCE_S),
                    code_version=code.version,
                )
                begun = _begin(context, asked)
                self._write_files(begun, options, metadata)
                _record_late(begun.recorder, _found_out(git, code, 0.0))
                step_codes = StepCodeKeeper(self._definition, begun.info, datastore)
                with begun.recorder.beating():
                    result = self._drive(begun, context, listener, stop, step_codes)
                _record_late(begun.recorder, {**_found_out(git, code), **step_codes.fields()})
                return result
        finally:
            self._engine.close()
            if git is not None:
                git.close()
            if metadata is not None:
                metadata.close()

    def _patience(self, listener: Listener, stop: StopRequests) -> Patience:
        def tell(text: str) -> None:
            listener(Notice(at=self._clock.now(), text=text))

        return Patience(self._settings.store_patience_s, tell, lambda: stop.count > 0)

    def _write_files(self, begun: BegunRun, options: RunOptions, metadata: MetadataStore) -> None:
        info = begun.info
        try:
            if options.run_id_file is not None:
                write_whole(options.run_id_file, info.run)
            if options.runner_attribute_file is not None:
                known = {"run_id": info.run, "flow_name": info.flow, "metadata": metadata.location}
                write_whole(options.runner_attribute_file, msgspec.json.encode(known).decode())
        except UsageError as error:
            begun.recorder.save_run(
                state=RunState.FAILED, reason=f"it did not start: {error}", finished_at=self._clock.now()
            )
            raise

    def _drive(
        self,
        begun: BegunRun,
        context: RunContext,
        listener: Listener,
        stop: StopRequests,
        step_codes: StepCodeKeeper,
    ) -> RunResult:
        info, recorder, datastore, options = begun.info, begun.recorder, context.datastore, context.options
        listener(
            RunBegan(
                at=self._clock.now(),
                flow=info.flow,
                run=info.run,
                steps=tuple(self._definition.graph.nodes),
                location=datastore.location,
            )
        )
        for text in (*self._notices, *begun.notices):
            listener(Notice(at=self._clock.now(), text=text))
        progress = Progress(
            self._definition.graph,
            self._policies(),
            begun.earlier,
            keep_going=options.keep_going,
            drain_s=options.drain_s,
            scope=begun.scope,
            capacity=self._settings.capacity,
        )
        parts = self._parts(begun, context, listener)
        executor = Executor(self._definition, info, progress, parts, lambda: stop.count, options.max_log_size)
        ending = self._execute(executor, begun, datastore, listener, step_codes)
        if ending.state is RunState.SUCCEEDED and not _still_there(info, datastore):
            reason = f"the datastore {datastore.location} was deleted while the run wrote to it"
            ending = EndRun(RunState.FAILED, reason)
        return self._finish(info, ending, executor, recorder, listener)

    def _parts(self, begun: BegunRun, context: RunContext, listener: Listener) -> Parts:
        return Parts(
            self._engine,
            context.datastore,
            begun.recorder,
            self._clock,
            listener,
            self._shared_workers(),
            begun.names,
            self._look_ups(begun, context, listener),
            context.options.attended,
        )

    def _look_ups(self, begun: BegunRun, context: RunContext, listener: Listener) -> LookUps | None:
        if all(policy.cache is None for policy in self._definition.policies.values()):
            return None
        from stepwell.runtime.cache_claims import CacheClaims  # few flows have cached steps
        from stepwell.runtime.cache_search import CacheSearch
        from stepwell.runtime.look_ups import LookUps

        def warn(text: str) -> None:
            listener(Notice(at=self._clock.now(), text=text))

        info, datastore = begun.info, context.datastore
        refresh = context.options.refresh_cache
        search = CacheSearch(self._definition, info, datastore, self._clock, warn, refresh)
        claims = CacheClaims(datastore.cached, info.user, begun.recorder.alive, info.run)
        return LookUps(self._definition, search, claims)

    def _execute(
        self,
        executor: Executor,
        begun: BegunRun,
        datastore: Datastore,
        listener: Listener,
        step_codes: StepCodeKeeper,
    ) -> EndRun:
        recorder = begun.recorder
        self._engine.start(begun.info)
        try:
            reused = executor.begin()
            known = executor.known_tasks()
            now = self._clock.now()
            executor.counts.update(take_over(begun, reused, known, listener, now))
            keep_plan(begun, datastore, now)
            executor.submit()
            step_codes.start()  # the first tasks are on their way: a core may be spared
            return executor.run()
        except StoreError as error:
            # The store failed under the run: end it cleanly, and say why if the index still takes words.
            self._engine.close()
            executor.give_up(self._clock.now())
            return EndRun(RunState.FAILED, f"{error}")
        except KeyboardInterrupt:
            self._engine.close()
            executor.give_up(self._clock.now())
            return EndRun(RunState.INTERRUPTED)
        except BaseException:
            self._engine.close()
            recorder.save_run(state=RunState.FAILED, reason="internal error", finished_at=self._clock.now())
            raise

    def _shared_workers(self) -> SharedWorkers | None:
        if self._settings.workers_fd is None:
            return None
        from stepwell.runtime.shared_workers import SharedWorkers  # for runs of `run-many`

        return SharedWorkers(self._settings.workers_fd, self._engine.wake)

    def _policies(self) -> dict[str, StepPolicy]:
        """Return the policy of each step; what it leaves to the engine is filled in."""
        capabilities = self._engine.capabilities
        return {
            step: replace(policy, retry=replace(policy.retry, delay_s=capabilities.of(policy).retry_delay_s))
            if policy.retry.times and policy.retry.delay_s is None
            else policy
            for step, policy in self._definition.policies.items()
        }

    def _finish(
        self, info: RunInfo, ending: EndRun, executor: Executor, recorder: Recorder, listener: Listener
    ) -> RunResult:
        now = self._clock.now()
        try:
            recorder.close()
            recorder.save_run(state=ending.state, reason=ending.reason, finished_at=now, heartbeat_at=now)
        except StoreError as error:
            state = ending.state if ending.state is RunState.INTERRUPTED else RunState.FAILED
            ending = EndRun(state, ending.reason or f"the end of the run was not recorded: {error}")
        counts = dict(executor.counts)
        listener(
            RunFinished(
                at=now,
                flow=info.flow,
                run=info.run,
                state=ending.state,
                seconds=now - recorder.run.created_at,
                counts=counts,
                reason=ending.reason,
            )
        )
        return RunResult(
            flow=info.flow,
            run=info.run,
            state=ending.state,
            reason=ending.reason,
            as_asked=ending.as_asked,
            counts=counts,
        )


def _begin(context: RunContext, asked: RunAsked) -> BegunRun:
    if isinstance(asked, NewRun):
        return begin_new(context, asked.parameters)
    # Runs that go on from another need more code, and few do.
    if isinstance(asked, ContinueRun):
        from stepwell.runtime.continuing import begin_continued

        return begin_continued(context, asked)
    from stepwell.runtime.resuming import begin_resumed

    return begin_resumed(context, asked)


def _found_out(git: GitState, code: CodeKeeper, wait_s: float | None = None) -> dict[str, str]:
    """Return the recorded fields that take time to find out, as they are known after so long; None waits."""
    began = time.monotonic()
    fields = code.fields(wait_s)
    left_s = None if wait_s is None else max(0.0, began + wait_s - time.monotonic())
    return {**fields, "git-info": git.info(left_s)}


def _record_late(recorder: Recorder, found_out: dict[str, str]) -> None:
    """Record what took longer to find out than a run waits for before it starts."""
    fields = {**recorder.run.fields, **found_out}
    if fields != recorder.run.fields:
        recorder.save_run(fields=fields)


def _still_there(info: RunInfo, datastore: Datastore) -> bool:
    """Tell whether the first task of the run is where it was stored."""
    return datastore.pack(TaskKey(info.flow, info.run, PARAMETERS_STEP, PARAMETERS_TASK)) is not None
