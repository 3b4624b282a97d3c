"""The composition root: settings in, ready-made parts out. The only module that names concrete adapters."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, cast

from msgspec import Struct
from msgspec.structs import replace

from stepwell.datastore.blobs import Verify
from stepwell.datastore.datastore import Datastore
from stepwell.datastore.existing import must_exist
from stepwell.datastore.flow_file import defines_more, set_flow_module
from stepwell.datastore.format import restore
from stepwell.datastore.layout import MARKER
from stepwell.datastore.serializers import Serializers
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.definition.flow_source import source_of, take_source
from stepwell.definition.flowspec import FlowSpec
from stepwell.engine.capabilities import Capabilities
from stepwell.engine.cores import usable_cores
from stepwell.engine.engine import Engine
from stepwell.engines.local.safety import why_not_detach, why_not_fork
from stepwell.exceptions import StepwellException, StoreFormatError, UsageError
from stepwell.metadata_store.store import MetadataStore
from stepwell.model.run import RunRecord
from stepwell.plugins.serializers import installed_serializers, unusable
from stepwell.runtime.clock import SystemClock
from stepwell.runtime.events import Listener
from stepwell.runtime.options import (
    ContinueRun,
    Fsync,
    Isolation,
    RunAsked,
    RunOptions,
    RunResult,
    RunSettings,
)
from stepwell.runtime.signals import interrupts_deferred
from stepwell.settings.choices import chosen
from stepwell.settings.kinds import check_stores
from stepwell.settings.places import METADATA_FILE, is_there, root_of
from stepwell.settings.settings import Settings
from stepwell.settings.trust import distrust_of
from stepwell.storages.local import LocalStorage

if TYPE_CHECKING:
    from stepwell.model.run import RunInfo
    from stepwell.model.task import TaskOutcome, TaskRequest
    from stepwell.runtime.plan import Plan
    from stepwell.runtime.scheduler_run import Registration
    from stepwell.runtime.single_task import Show, TaskResult
    from stepwell.runtime.task.step_function import StepFunction
    from stepwell.runtime.task.unimportable import Unimportable
    from stepwell.runtime.task_order import TaskOrder


# No setting, so not `STEPWELL_...`: it goes from one of our processes to another.
_ROOT_VARIABLE = "_STEPWELL_TASK_DATASTORE"


class Stores(Struct, frozen=True):
    """Where results are, and the index over them."""

    datastore: Datastore
    metadata: MetadataStore


def run_flow(
    definition: FlowDefinition,
    asked: RunAsked,
    options: RunOptions,
    settings: Settings,
    listener: Listener,
) -> RunResult:
    """Run a flow on this machine; return how it ended.

    Must be called before the process has started threads or opened connections: the launcher is forked here.

    Raises
    ------
    StepwellException
        The run could not be started: wrong settings, a store that cannot serve, a step the engine refuses.
    """
    check_stores(settings)
    user, root = settings.user, settings.datastore_root
    serializers = Serializers(installed_serializers)
    notices = tuple(unusable(serializers))  # before the fork: what is imported here serves every task
    isolation, more = _isolation(options)
    # Constants of a run that goes on are those it began with, whatever the class says now.
    preset = isolation != "fork" or isinstance(asked, ContinueRun)
    engine = _engine(
        definition,
        lambda: _step_function(definition, root, settings, preset, serializers),
        root,
        isolation,
        options,
    )
    with interrupts_deferred():
        from stepwell.runtime.runtime import Runtime  # after the fork: the launcher needs none of it

    runtime = Runtime(
        definition,
        engine,
        lambda: _open(root, settings, serializers),
        SystemClock(),
        _run_settings(settings, user),
        notices=(*notices, *more),
    )
    return runtime.execute(asked, options, listener)


def plan_run(
    definition: FlowDefinition, parameters: Mapping[str, object], options: RunOptions, settings: Settings
) -> Plan:
    """Return what `run_flow` would do, and raise what it would raise; nothing is executed or written."""
    from stepwell.runtime.plan import Surroundings, plan_of

    check_stores(settings)
    _run_settings(settings, settings.user)
    isolation, notices = _isolation(options)
    around = Surroundings(
        datastore=str(settings.datastore_root),
        isolation=isolation,
        workers=_workers(isolation, options),
        notices=notices,
        capabilities=_capabilities(isolation),
    )
    return plan_of(definition, parameters, around)


def detachable_root(settings: Settings) -> Path:
    """Make the local datastore ready for a run that goes on in a fork of this process; return its directory.

    Raises
    ------
    UsageError
        This process cannot be forked, or the datastore is of another kind.
    StoreError
        There is no datastore at that place and none can be made.
    """
    check_stores(settings)
    hazard = why_not_detach()
    if hazard is not None:
        raise UsageError(
            f"{hazard} A run of this flow cannot be detached. Start it with `nohup ... run &` instead."
        )
    root = settings.datastore_root
    _open_datastore(root, settings)
    return root


def register_run(
    definition: FlowDefinition,
    parameters: Mapping[str, object],
    registration: Registration,
    settings: Settings,
) -> RunRecord:
    """Register a run whose tasks a scheduler will start one by one; return its record."""
    from stepwell.runtime.scheduler_run import register_run as register

    check_stores(settings)
    stores = _open(settings.datastore_root, settings)
    with closing(stores[1]):
        run_settings = _run_settings(settings, settings.user)
        return register(definition, parameters, registration, stores, run_settings, SystemClock())


def run_ordered_task(
    definition: FlowDefinition, order: TaskOrder, options: RunOptions, settings: Settings, show: Show
) -> TaskResult:
    """Run one task of a registered run on this machine; return what came of it.

    Must be called before the process has started threads or opened connections: the launcher is forked here.

    Raises
    ------
    StepwellException
        The order is wrong, or a store cannot serve.
    """
    check_stores(settings)
    root = settings.datastore_root
    isolation, _ = _isolation(options)
    # The flow's file was imported for this task alone: constants are those of the run.
    engine = _engine(
        definition,
        lambda: _step_function(definition, root, settings, preset_constants=True),
        root,
        isolation,
        replace(options, max_workers=1),
    )
    with interrupts_deferred():
        from stepwell.runtime.task_entry import TaskEntry  # after the fork, as for a run

    run_settings = _run_settings(settings, settings.user)
    entry = TaskEntry(definition, engine, lambda: _open(root, settings), SystemClock(), run_settings)
    return entry.execute(order, options, show)


def _run_settings(settings: Settings, user: str) -> RunSettings:
    return RunSettings(
        user=user,
        fsync=cast("Fsync", chosen(settings, "FSYNC")),
        seed=settings.text("SEED") or None,
        package_suffixes=settings.package_suffixes,
    )


def open_stores(
    spec: str | None = None, settings: Settings | None = None, trust: bool | None = None
) -> Stores:
    """Open the datastore and the index for reading. Nothing is made.

    Parameters
    ----------
    spec
        A directory, or ``local@DIRECTORY``; None is the place that the settings say.
    trust
        Whether values may be loaded that could run code; None decides by who can write there, and by the
        settings.

    Raises
    ------
    UsageError
        ``spec`` names a kind that is not installed.
    StepwellNotFound
        There is no datastore at that place.
    StoreError
        It is no datastore, or cannot be read.
    """
    if settings is None:
        from stepwell.settings.sources import load_settings

        settings = load_settings()
    if spec is None:
        check_stores(settings)
    root = settings.datastore_root if spec is None else root_of(spec)
    serializers = Serializers(installed_serializers, distrust_of(root, settings, trust))
    if not os.path.isfile(root):  # noqa: PTH113 - pathlib raises where a parent may not be entered
        must_exist(LocalStorage(root), is_there(root / METADATA_FILE))
    return Stores(*_open(root, settings, serializers))


def make_stores(root: Path, settings: Settings) -> Stores:
    """Open the datastore and the index of a directory; what is not there is made."""
    return Stores(*_open(root, settings))


def stores_to_reindex(settings: Settings) -> tuple[Stores, tuple[str, ...]]:
    """Open a datastore whose index is to be made anew; say in words what had to be mended for that."""
    from stepwell.metadata_stores.sqlite_rescue import set_aside_if_damaged

    root, storage = settings.datastore_root, LocalStorage(settings.datastore_root)
    restored = restore(storage)
    must_exist(storage)
    kept = set_aside_if_damaged(root / METADATA_FILE)
    mended = (f"{root / MARKER} was lost; it is restored.",) if restored else ()
    if kept is not None:
        mended = (*mended, f"{root / METADATA_FILE} was damaged; it is kept as {kept.name}.")
    return make_stores(root, settings), mended


def run_spawned_task() -> NoReturn:
    """Run the one task that this interpreter was started for."""
    from stepwell.engines.local.spawn import serve_spawned

    serve_spawned(_runner_of_environment())


def serve_launcher() -> NoReturn:
    """Be a launcher that was started for a step with environment variables of its own."""
    from stepwell.engines.local.launcher import serve_launcher as serve
    from stepwell.runtime.task.step_function import StepFunction

    runner = _runner_of_environment()
    serve(runner, (lambda: _preload(lambda: runner)) if isinstance(runner, StepFunction) else None)


def _isolation(options: RunOptions) -> tuple[Isolation, tuple[str, ...]]:
    """Return how tasks are set apart, and what the user should know of the choice."""
    if options.isolation in ("spawn", "inline"):
        return options.isolation, ()
    hazard = why_not_fork()
    if hazard is None:
        return "fork", ()
    asked = " although --isolation fork was given" if options.isolation == "fork" else ""
    return "spawn", (f"{hazard} Tasks are spawned{asked}; --isolation spawn silences this line.",)


def _workers(isolation: Isolation, options: RunOptions) -> int:
    return 1 if isolation == "inline" else options.max_workers or usable_cores()


def _capabilities(isolation: Isolation) -> Capabilities:
    """Return what the engine for an isolation can do, without making it."""
    if isolation == "inline":
        from stepwell.engines.inline import CAPABILITIES
    else:
        from stepwell.engines.local.engine import CAPABILITIES
    return CAPABILITIES


def _step_function(
    definition: FlowDefinition,
    root: Path,
    settings: Settings,
    preset_constants: bool,
    serializers: Serializers | None = None,
) -> StepFunction:
    from stepwell.runtime.task.step_function import StepFunction

    serializers = serializers or Serializers(installed_serializers)
    datastore = Datastore(LocalStorage(root), _verify(settings), serializers)
    return StepFunction(definition, datastore, preset_constants)


def _verify(settings: Settings) -> Verify:
    return cast("Verify", chosen(settings, "VERIFY"))


def _engine(
    definition: FlowDefinition,
    make_function: Callable[[], StepFunction],
    root: Path,
    isolation: Isolation,
    options: RunOptions,
) -> Engine:
    set_flow_module(definition.module, definition.file)
    if isolation == "inline":
        from stepwell.engines.inline import InlineEngine

        return InlineEngine(make_function())

    # Made in the launcher: what tasks need is imported there, while the run process imports its own part.
    made = cache(make_function)

    def run_task(info: RunInfo, request: TaskRequest, report: Callable[[TaskOutcome], None]) -> int:
        return made()(info, request, report)

    with interrupts_deferred():
        from stepwell.engines.local.engine import LocalEngine

    environment = {_ROOT_VARIABLE: str(root), **source_of(definition).variables()}

    def launcher_command(
        variables: tuple[tuple[str, str], ...],
    ) -> tuple[Sequence[str], Mapping[str, str]]:
        return _command("launcher"), {**os.environ, **dict(variables), **environment}

    workers, grace_s = _workers(isolation, options), options.kill_grace_s
    if isolation == "spawn":
        os.environ.update(environment)
        spawn_command = _command("spawned-task")
        return LocalEngine(run_task, workers, "spawn", spawn_command=spawn_command, grace_s=grace_s)
    return LocalEngine(
        run_task,
        workers,
        "fork",
        launcher_command=launcher_command,
        preload=lambda: _preload(made),
        grace_s=grace_s,
    )


def _command(name: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "stepwell", name)


def _runner_of_environment() -> StepFunction | Unimportable:
    """Import the flow that the environment names, in an interpreter that was started for tasks of it."""
    from stepwell.definition.flow_definition import define
    from stepwell.definition.loader import load_again
    from stepwell.settings.sources import load_settings

    root, source = Path(os.environ.pop(_ROOT_VARIABLE)), take_source(os.environ)
    try:
        definition = define(load_again(source), source.with_specs)
    except StepwellException as error:
        from stepwell.runtime.task.unimportable import Unimportable

        return Unimportable(error, Datastore(LocalStorage(root)))
    set_flow_module(definition.module, definition.file)
    return _step_function(definition, root, load_settings(), preset_constants=True)


def _preload(make_function: Callable[[], StepFunction]) -> None:
    """Get a launcher ready, while it waits, for what its tasks may need."""
    from stepwell.runtime.task.rehearsal import rehearse
    from stepwell.storages.memory import MemoryStorage

    rehearse(Datastore(MemoryStorage()))
    if defines_more(make_function().flow_class.__module__, besides=FlowSpec):
        # Values made of them are stored with its help; other flows need not wait for its import.
        import cloudpickle  # noqa: F401  # pyright: ignore[reportUnusedImport, reportMissingTypeStubs]


def _open(
    root: Path, settings: Settings, serializers: Serializers | None = None
) -> tuple[Datastore, MetadataStore]:
    from stepwell.metadata_stores.sqlite import SqliteMetadata

    datastore = _open_datastore(root, settings, serializers)
    file = root / METADATA_FILE
    # Results on a read-only disk, or of somebody else, can be read; whoever tries to write is told.
    readonly = is_there(file) and not (os.access(root, os.W_OK) and os.access(file, os.W_OK))
    return datastore, SqliteMetadata(file, readonly, settings.number("STORE_PATIENCE"))


def _open_datastore(root: Path, settings: Settings, serializers: Serializers | None = None) -> Datastore:
    if is_there(root) and not root.is_dir():
        raise StoreFormatError(
            f"{root} is a file, not a directory. Choose another place with --datastore-root."
        )
    serializers = serializers or Serializers(installed_serializers)
    return Datastore.open(LocalStorage(root), _verify(settings), serializers)
