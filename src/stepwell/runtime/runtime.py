"""One live run, from parameter values to verdict."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from stepwell.datastore.datastore import Datastore
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.engine.engine import Engine
from stepwell.exceptions import GraphError, Problem, StoreError, UsageError
from stepwell.metadata_store.store import MetadataStore
from stepwell.model.ids import PARAMETERS_STEP, PARAMETERS_TASK, TaskKey
from stepwell.model.run import RunInfo, RunRecord
from stepwell.model.states import RunState
from stepwell.runtime.clock import Clock
from stepwell.runtime.code_keeping import CodeKeeper
from stepwell.runtime.events import Listener, Notice, RunBegan, RunFinished
from stepwell.runtime.executor import Executor
from stepwell.runtime.options import RunOptions, RunResult, RunSettings
from stepwell.runtime.parameters_task import commit_parameters
from stepwell.runtime.recorder import Recorder
from stepwell.runtime.signals import StopRequests
from stepwell.runtime.surroundings import GitState, fields, process_started, system_tags
from stepwell.scheduling.orders import EndRun

_CODE_PATIENCE_S = 0.01
"""A few files are read, packed and stored in a millisecond or two; many are not waited for."""


class Runtime:
    """Carries out one run of a flow.

    Parameters
    ----------
    engine
        Made already: a forking engine must be older than any connection or thread.
    stores
        Opens datastore and metadata; called once, after the engine exists.
    notices
        What the user should know before the run starts.
    """

    def __init__(
        self,
        definition: FlowDefinition,
        engine: Engine,
        stores: Callable[[], tuple[Datastore, MetadataStore]],
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

    def execute(self, parameters: Mapping[str, object], options: RunOptions, listener: Listener) -> RunResult:
        """Run the flow; return how it ended.

        Raises
        ------
        GraphError
            A step asks for what the engine cannot do.
        FlowError, StoreError
            The run could not be registered.
        """
        metadata: MetadataStore | None = None
        try:
            self._refuse()
            git = GitState(self._definition.file)
            # From the first record to the last: a run that is on record as running ends with a state.
            with StopRequests(self._engine.wake) as stop:
                datastore, metadata = self._stores()
                code = CodeKeeper(self._definition.file, self._settings.package_suffixes, datastore)
                surroundings = {"git-info": git.info(), **code.fields(_CODE_PATIENCE_S)}
                run = self._claim(options, datastore, metadata, surroundings)
                info = self._info(run, options, code.version)
                recorder = self._register(run, info, parameters, datastore, metadata)
                self._write_files(info, options, metadata)
                result = self._drive(info, recorder, datastore, options, listener, stop)
                _record_code(recorder, code)
                return result
        finally:
            self._engine.close()
            if metadata is not None:
                metadata.close()

    def _refuse(self) -> None:
        capabilities = self._engine.capabilities
        problems = [
            Problem(
                what=f"step {step!r} asks for what the {capabilities.name} engine refuses: it {refusal}",
                fix="Use another isolation or engine, or take the decorator away.",
                rule="engine-refuses",
                step=step,
            )
            for step, policy in self._definition.policies.items()
            for refusal in capabilities.refusals(policy)
        ]
        if problems:
            raise GraphError(problems)

    def _claim(
        self,
        options: RunOptions,
        datastore: Datastore,
        metadata: MetadataStore,
        surroundings: Mapping[str, str],
    ) -> RunRecord:
        """Return the record of the new run, whose id no other run of the datastore has, on any machine."""
        now = self._clock.now()
        graph = self._definition.graph
        details = {
            **fields(self._definition.file, sys.argv),
            "start_step": graph.start,
            "end_step": graph.end,
            "ds-type": "local",
            "ds-root": datastore.location,
            **surroundings,
        }
        while True:
            run = RunRecord(
                flow=self._definition.name,
                run=str(metadata.next_run_id()),
                state=RunState.RUNNING,
                user=self._settings.user,
                created_at=now,
                heartbeat_at=now,
                host=socket.gethostname(),
                pid=os.getpid(),
                pid_started=process_started(os.getpid()),
                tags=options.tags,
                system_tags=system_tags(self._settings.user),
                fields=details,
            )
            if datastore.run_records.claim(run):
                return run

    def _info(self, run: RunRecord, options: RunOptions, code_version: str) -> RunInfo:
        return RunInfo(
            flow=run.flow,
            run=run.run,
            script=self._definition.file,
            user=run.user,
            tags=options.tags,
            namespace=f"user:{run.user}" if options.namespace is None else options.namespace or None,
            max_num_splits=options.max_num_splits,
            seed=self._settings.seed,
            code_version=code_version,
        )

    def _register(
        self,
        run: RunRecord,
        info: RunInfo,
        parameters: Mapping[str, object],
        datastore: Datastore,
        metadata: MetadataStore,
    ) -> Recorder:
        try:
            first = commit_parameters(self._definition, parameters, info, datastore, run.created_at)
        except BaseException:
            datastore.run_records.forget(run)
            raise
        recorder = Recorder(metadata, datastore, run, self._clock, self._settings.fsync)
        recorder.task(first)
        recorder.save_run()
        return recorder

    def _write_files(self, info: RunInfo, options: RunOptions, metadata: MetadataStore) -> None:
        if options.run_id_file is not None:
            write_whole(options.run_id_file, info.run)
        if options.runner_attribute_file is not None:
            known = {"run_id": info.run, "flow_name": info.flow, "metadata": metadata.location}
            write_whole(options.runner_attribute_file, msgspec.json.encode(known).decode())

    def _drive(
        self,
        info: RunInfo,
        recorder: Recorder,
        datastore: Datastore,
        options: RunOptions,
        listener: Listener,
        stop: StopRequests,
    ) -> RunResult:
        started_at = recorder.run.created_at
        listener(
            RunBegan(
                at=started_at,
                flow=info.flow,
                run=info.run,
                steps=tuple(self._definition.graph.nodes),
                location=datastore.location,
            )
        )
        for text in self._notices:
            listener(Notice(at=self._clock.now(), text=text))
        executor = Executor(
            self._definition, info, self._engine, datastore, recorder, listener,
            lambda: stop.count, int(options.max_log_size_mb * 1024 * 1024),
        )  # fmt: skip
        ending = self._execute(executor, info, recorder)
        if ending.state is RunState.SUCCEEDED and not _still_there(info, datastore):
            reason = f"the datastore {datastore.location} was deleted while the run wrote to it"
            ending = EndRun(RunState.FAILED, reason)
        return self._finish(info, ending, executor, recorder, listener)

    def _execute(self, executor: Executor, info: RunInfo, recorder: Recorder) -> EndRun:
        self._engine.start(info)
        try:
            return executor.run()
        except StoreError as error:
            # The store failed under the run: end it cleanly, and say why if the index still takes words.
            self._engine.close()
            executor.give_up(self._clock.now())
            return EndRun(RunState.FAILED, f"{error}")
        except KeyboardInterrupt:
            self._engine.close()
            executor.give_up(self._clock.now())
            return EndRun(RunState.INTERRUPTED, "it was interrupted")
        except BaseException:
            self._engine.close()
            recorder.save_run(state=RunState.FAILED, reason="internal error", finished_at=self._clock.now())
            raise

    def _finish(
        self, info: RunInfo, ending: EndRun, executor: Executor, recorder: Recorder, listener: Listener
    ) -> RunResult:
        now = self._clock.now()
        try:
            recorder.close()
            recorder.save_run(state=ending.state, reason=ending.reason, finished_at=now, heartbeat_at=now)
        except StoreError as error:
            ending = EndRun(RunState.FAILED, ending.reason or f"the end of the run was not recorded: {error}")
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
            flow=info.flow, run=info.run, state=ending.state, reason=ending.reason, counts=counts
        )


def _record_code(recorder: Recorder, code: CodeKeeper) -> None:
    """Record the package of code that took longer to read than a run waits for before it starts."""
    fields = {**recorder.run.fields, **code.fields()}
    if fields != recorder.run.fields:
        recorder.save_run(fields=fields)


def _still_there(info: RunInfo, datastore: Datastore) -> bool:
    """Tell whether the first task of the run is where it was stored."""
    return datastore.pack(TaskKey(info.flow, info.run, PARAMETERS_STEP, PARAMETERS_TASK)) is not None


def write_whole(path: Path, text: str) -> None:
    """Write a small file for other programs of the user: they see it whole or not at all.

    Raises
    ------
    UsageError
        It cannot be written there.
    """
    # A name that nobody knows beforehand: the folder may be one that others can write to.
    aside = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    try:
        fd = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with open(fd, "w", encoding="utf-8") as file:
            file.write(text)
        aside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from error
