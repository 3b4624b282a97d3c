"""The entry for engines and schedulers: one task of a run that is registered already.

A scheduler's run has no process of its own, so its tasks keep the index: they record themselves, beat for
the run, and move its state. For a run that a run process of ours drives, that process does all this; the task
only commits its pack and keeps its log.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

from msgspec.structs import replace

from stepwell.code_package.package import code_version
from stepwell.datastore.datastore import Datastore
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.engine.engine import Engine
from stepwell.exceptions import UsageError
from stepwell.metadata_store.store import MetadataStore
from stepwell.model.pack import Pack
from stepwell.model.run import RunInfo, RunRecord
from stepwell.model.states import RunState, TaskState
from stepwell.model.task_record import brief, record_of
from stepwell.runtime.attempt_ends import AttemptEnds
from stepwell.runtime.clock import Clock
from stepwell.runtime.events import Listener, RunFinished, TaskEnded
from stepwell.runtime.options import RunOptions, RunSettings
from stepwell.runtime.patience import Patience
from stepwell.runtime.recorder import Recorder
from stepwell.runtime.refusals import refuse, refuse_gangs
from stepwell.runtime.scheduler_run import SchedulerRun, tag_run
from stepwell.runtime.signals import StopRequests
from stepwell.runtime.single_task import Show, SingleTask, TaskResult
from stepwell.runtime.task_order import DueTask, TaskOrder, due_task
from stepwell.runtime.workplace import Workplace, workplace

_FAILED = (TaskState.FAILED, TaskState.KILLED)


class TaskEntry:
    """Runs one task of one run.

    Parameters
    ----------
    engine
        Made already: a forking engine must be older than any connection or thread.
    stores
        Opens datastore and metadata, with the patience given; called once, after the engine exists.
    listener
        Hears of the attempt's end, and of the run's if the task ends it.
    """

    def __init__(
        self,
        definition: FlowDefinition,
        engine: Engine,
        stores: Callable[[Patience], tuple[Datastore, MetadataStore]],
        clock: Clock,
        settings: RunSettings,
        listener: Listener | None = None,
    ) -> None:
        self._definition = definition
        self._listener = listener
        self._engine = engine
        self._stores = stores
        self._clock = clock
        self._settings = settings

    def execute(self, order: TaskOrder, options: RunOptions, show: Show) -> TaskResult:
        """Run the task, unless it has succeeded already.

        Raises
        ------
        UsageError
            There is no such run, it has succeeded, or the order does not fit it.
        GraphError
            The step asks for what the engine cannot do.
        StoreError
            The datastore or the index failed.
        """
        with workplace(self._engine, lambda stop: self._stores(self._patience(show, stop))) as place:
            return self._run(order, options, show, place)

    def _patience(self, show: Show, stop: StopRequests) -> Patience:
        limit_s = self._settings.store_patience_s
        return Patience(limit_s, lambda text: show("stderr", f"{text}\n".encode()), lambda: stop.count > 0)

    def _run(self, order: TaskOrder, options: RunOptions, show: Show, place: Workplace) -> TaskResult:
        datastore, metadata, stop = place
        run = self._registered(order, metadata, datastore)
        due = due_task(order, self._definition.name, self._definition.graph, datastore)
        refuse(self._definition, self._engine.capabilities, [order.step])
        refuse_gangs(self._definition, "a scheduler that starts each task by itself", [order.step])
        run = tag_run(run, options.tags, datastore, metadata)
        state = SchedulerRun(run, datastore, metadata, self._clock) if run.by_scheduler else None
        key = due.request.key
        pack, earlier = datastore.pack(key), metadata.task(key.flow, key.run, key.step, key.task)
        if pack is not None:
            result = TaskResult(state=TaskState.SUCCEEDED, outcome=pack.outcome, again=True)
            if state is not None:
                # Whoever sealed the pack may have died before it said so.
                if earlier is None or earlier.state is not TaskState.SUCCEEDED:
                    metadata.save_tasks([record_of(pack, by_scheduler=True)])
                return self._moved(state, order, result)
            return result
        info = self._info(run, options)
        self._engine.start(info)

        def attempt(due: DueTask, recorder: Recorder | None) -> TaskResult:
            ends = AttemptEnds(self._definition, info, datastore)
            last, size = order.is_last_attempt, options.max_log_size
            task = SingleTask(self._engine, datastore, ends, recorder, self._clock, show, size, last)
            result = task.run(due, self._definition.policies[order.step], stop, earlier)
            self._tell_end(due, result)
            return result

        if state is None:
            return attempt(due, None)
        state.begin(again=earlier is not None and earlier.state in _FAILED)
        recorder = Recorder(metadata, datastore, state.record, self._clock, self._settings.fsync)
        with recorder.beating(), self._looked_up(due, info, place, show, recorder) as (due, cached):
            if cached is None:
                result = attempt(due, recorder)
            else:
                recorder.task(record_of(cached, by_scheduler=True))
                result = TaskResult(state=TaskState.CACHED, outcome=cached.outcome)
        recorder.close()
        return self._moved(state, order, result)

    @contextmanager
    def _looked_up(
        self, due: DueTask, info: RunInfo, place: Workplace, show: Show, recorder: Recorder
    ) -> Generator[tuple[DueTask, Pack | None]]:
        """Look for a result of the past that the task can take, as the run process does for a run of ours."""
        policy = self._definition.policies[due.request.key.step].cache
        if policy is None:
            yield due, None
            return
        from stepwell.runtime.cache_claims import CacheClaims  # few flows have cached steps
        from stepwell.runtime.cache_search import CacheSearch
        from stepwell.runtime.single_look_up import SingleLookUp

        def tell(text: str) -> None:
            show("stderr", f"{text}\n".encode())

        def wait(seconds: float) -> bool:
            self._engine.reports(seconds)  # nothing runs yet, but a signal wakes it
            return not place.stop.count

        datastore = place.datastore
        search = CacheSearch(self._definition, info, datastore, self._clock, tell)
        claims = CacheClaims(datastore.cached, info.user, recorder.alive) if policy.wait else None
        look_up = SingleLookUp(search, claims, wait, tell)
        recorder.beat_for(look_up.give_sign)
        try:
            request, pack = look_up.look_up(due.request)
            yield DueTask(request, due.index_path), pack
        finally:
            look_up.close()

    def _registered(self, order: TaskOrder, metadata: MetadataStore, datastore: Datastore) -> RunRecord:
        run = metadata.run(self._definition.name, order.run)
        if run is None:
            raise UsageError(
                f"There is no run {self._definition.name}/{order.run} in {datastore.location}. "
                f"`init --run-id {order.run}` registers it."
            )
        return run

    def _info(self, run: RunRecord, options: RunOptions) -> RunInfo:
        return RunInfo(
            flow=run.flow,
            run=run.run,
            script=self._definition.file,
            user=run.user,
            tags=run.tags,
            namespace=f"user:{run.user}" if options.namespace is None else options.namespace or None,
            max_num_splits=options.max_num_splits,
            seed=self._settings.seed,
            code_version=code_version(self._definition.file),
            parameters_task=run.parameters_task,
        )

    def _tell_end(self, due: DueTask, result: TaskResult) -> None:
        if self._listener is not None:
            outcome, request = result.outcome, due.request
            self._listener(
                TaskEnded(
                    at=outcome.ended_at,
                    key=request.key,
                    attempt=request.attempt,
                    pid=0,
                    state=result.state,
                    seconds=max(0.0, outcome.ended_at - outcome.started_at),
                    error=outcome.error,
                    label=outcome.label,
                    index_path=due.index_path,
                )
            )

    def _moved(self, state: SchedulerRun, order: TaskOrder, result: TaskResult) -> TaskResult:
        """Say what the end of the task means for the run; return the result with that."""
        short = f"{order.run}/{order.step}/{order.task}"
        if result.state is TaskState.FAILED:
            state.end(RunState.FAILED, f"task {short} failed: {brief(result.error)}")
        elif result.state is TaskState.KILLED:
            state.end(RunState.INTERRUPTED, f"task {short} was ended from outside")
        elif result.outcome.ok and order.step == self._definition.graph.end:
            state.succeed()
        if self._listener is not None and state.ended is not None:
            run, now = state.record, self._clock.now()
            seconds = now - run.created_at
            self._listener(
                RunFinished(
                    at=now, flow=run.flow, run=run.run, state=state.ended, seconds=seconds, counts={},
                    reason=run.reason,
                )
            )  # fmt: skip
        return replace(result, ended_run=state.ended)
