"""The composition root: settings in, ready-made parts out. The only module that names concrete adapters."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, NoReturn, cast

from msgspec import Struct
from msgspec.structs import replace

from stepwell.datastore.blobs import Verify
from stepwell.datastore.datastore import Datastore
from stepwell.datastore.flow_file import set_flow_module
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.definition.flowspec import FlowSpec
from stepwell.engine.cores import usable_cores
from stepwell.engine.engine import Engine
from stepwell.engines.local.safety import why_not_fork
from stepwell.exceptions import StoreFormatError, UsageError
from stepwell.metadata_store.store import MetadataStore
from stepwell.model.run import RunRecord
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
from stepwell.runtime.task.step_function import StepFunction
from stepwell.settings.settings import Settings
from stepwell.storages.local import LocalStorage

if TYPE_CHECKING:
    from stepwell.runtime.scheduler_run import Registration
    from stepwell.runtime.single_task import Show, TaskResult
    from stepwell.runtime.task_order import TaskOrder

METADATA_FILE = "metadata.db"
# Not settings, so not `STEPWELL_...`: they go from one of our processes to another.
_ROOT_VARIABLE = "_STEPWELL_TASK_DATASTORE"
_FLOW_VARIABLE = "_STEPWELL_TASK_FLOW"


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
    _known_kinds(settings)
    user, root = settings.user, settings.datastore_root
    isolation, notices = _isolation(options)
    # Constants of a run that goes on are those it began with, whatever the class says now.
    preset = isolation != "fork" or isinstance(asked, ContinueRun)
    function = _step_function(definition, root, settings, preset_constants=preset)
    engine = _engine(definition, function, root, isolation, options)
    with interrupts_deferred():
        from stepwell.runtime.runtime import Runtime  # after the fork: the launcher needs none of it

    runtime = Runtime(
        definition,
        engine,
        lambda: _open(root, settings),
        SystemClock(),
        _run_settings(settings, user),
        notices=notices,
    )
    return runtime.execute(asked, options, listener)


def register_run(
    definition: FlowDefinition,
    parameters: Mapping[str, object],
    registration: Registration,
    settings: Settings,
) -> RunRecord:
    """Register a run whose tasks a scheduler will start one by one; return its record.

    Raises
    ------
    StepwellException
        The id is taken, or the run cannot be registered for another reason.
    """
    from stepwell.runtime.scheduler_run import register_run as register

    _known_kinds(settings)
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
    _known_kinds(settings)
    root = settings.datastore_root
    isolation, _ = _isolation(options)
    # The flow's file was imported for this task alone: constants are those of the run.
    function = _step_function(definition, root, settings, preset_constants=True)
    engine = _engine(definition, function, root, isolation, replace(options, max_workers=1))
    with interrupts_deferred():
        from stepwell.runtime.task_entry import TaskEntry  # after the fork, as for a run

    run_settings = _run_settings(settings, settings.user)
    entry = TaskEntry(definition, engine, lambda: _open(root, settings), SystemClock(), run_settings)
    return entry.execute(order, options, show)


def _run_settings(settings: Settings, user: str) -> RunSettings:
    return RunSettings(
        user=user,
        fsync=_choice(settings, "FSYNC", ("always", "batch", "never")),
        seed=settings.text("SEED") or None,
        package_suffixes=_package_suffixes(settings),
    )


def open_stores(spec: str | None = None, settings: Settings | None = None) -> Stores:
    """Open the datastore and the index for reading.

    Parameters
    ----------
    spec
        A directory, or ``local@DIRECTORY``; None is the place that the settings say.

    Raises
    ------
    UsageError
        ``spec`` names a kind that is not installed.
    StoreError
        It is no datastore, or cannot be read.
    """
    if settings is None:
        from stepwell.settings.sources import load_settings

        settings = load_settings()
    root = settings.datastore_root if spec is None else _root_of(spec)
    return Stores(*_open(root, settings))


def run_spawned_task() -> NoReturn:
    """Run the one task that this interpreter was started for."""
    from stepwell.engines.local.spawn import serve_spawned

    serve_spawned(_function_of_environment())


def serve_launcher() -> NoReturn:
    """Be a launcher that was started for a step with environment variables of its own."""
    from stepwell.engines.local.launcher import serve_launcher as serve

    function = _function_of_environment()
    serve(function, lambda: _preload(function))


def _known_kinds(settings: Settings) -> None:
    for key, what in (("DEFAULT_DATASTORE", "datastore"), ("DEFAULT_METADATA", "metadata")):
        value = settings.value(key)
        if value.text != "local":
            raise UsageError(
                f"The {what} {value.text!r} (from {value.origin}) is not available in this version. "
                "Use `local`."
            )


def _choice(settings: Settings, name: str, allowed: tuple[str, ...]) -> Fsync:
    value = settings.value(name)
    if value.text not in allowed:
        raise UsageError(
            f"STEPWELL_{name} must be one of {', '.join(allowed)}. "
            f"It is {value.text!r} (from {value.origin})."
        )
    return cast("Fsync", value.text)


def _isolation(options: RunOptions) -> tuple[Isolation, tuple[str, ...]]:
    """Return how tasks are set apart, and what the user should know of the choice."""
    if options.isolation in ("spawn", "inline"):
        return options.isolation, ()
    hazard = why_not_fork()
    if hazard is None:
        return "fork", ()
    asked = " although --isolation fork was given" if options.isolation == "fork" else ""
    return "spawn", (f"{hazard} Tasks are spawned{asked}; --isolation spawn silences this line.",)


def _package_suffixes(settings: Settings) -> tuple[str, ...]:
    if settings.text("FEAT_ALWAYS_UPLOAD_CODE_PACKAGE").lower() not in ("true", "1"):
        return ()
    suffixes = (suffix.strip() for suffix in settings.text("DEFAULT_PACKAGE_SUFFIXES").split(","))
    return tuple(suffix for suffix in suffixes if suffix)


def _step_function(
    definition: FlowDefinition, root: Path, settings: Settings, preset_constants: bool
) -> StepFunction:
    if definition.module != "__main__":
        set_flow_module(definition.module, definition.file)
    datastore = Datastore(LocalStorage(root), _verify(settings))
    return StepFunction(definition, datastore, preset_constants)


def _verify(settings: Settings) -> Verify:
    value = settings.value("VERIFY")
    if value.text == "always":
        return "always"
    if value.text == "never":
        return "never"
    if value.text == "new":
        return "new"
    raise UsageError(
        f"STEPWELL_VERIFY must be one of always, new, never; it is {value.text!r} (from {value.origin})."
    )


def _engine(
    definition: FlowDefinition, function: StepFunction, root: Path, isolation: Isolation, options: RunOptions
) -> Engine:
    if isolation == "inline":
        from stepwell.engines.inline import InlineEngine

        return InlineEngine(function)
    with interrupts_deferred():
        from stepwell.engines.local.engine import LocalEngine

    environment = {_ROOT_VARIABLE: str(root), _FLOW_VARIABLE: f"{definition.file}:{definition.name}"}

    def launcher_command(
        variables: tuple[tuple[str, str], ...],
    ) -> tuple[Sequence[str], Mapping[str, str]]:
        return _command("launcher"), {**os.environ, **dict(variables), **environment}

    workers, grace_s = options.max_workers or usable_cores(), options.kill_grace_s
    if isolation == "spawn":
        os.environ.update(environment)
        spawn_command = _command("spawned-task")
        return LocalEngine(function, workers, "spawn", spawn_command=spawn_command, grace_s=grace_s)
    return LocalEngine(
        function,
        workers,
        "fork",
        launcher_command=launcher_command,
        preload=lambda: _preload(function),
        grace_s=grace_s,
    )


def _command(name: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "stepwell", name)


def _function_of_environment() -> StepFunction:
    """Import the flow that the environment names, in an interpreter that was started for tasks of it."""
    from stepwell.definition.flow_definition import define
    from stepwell.definition.loader import load_flow
    from stepwell.settings.sources import load_settings

    root, target = os.environ.pop(_ROOT_VARIABLE), os.environ.pop(_FLOW_VARIABLE)
    return _step_function(define(load_flow(target)), Path(root), load_settings(), preset_constants=True)


def _preload(function: StepFunction) -> None:
    """Get a launcher ready, while it waits, for what its tasks may need."""
    from stepwell.runtime.task.rehearsal import rehearse
    from stepwell.storages.memory import MemoryStorage

    rehearse(Datastore(MemoryStorage()))
    if _has_own_definitions(function.flow_class):
        # Values made of them are stored with its help; other flows need not wait for its import.
        import cloudpickle  # noqa: F401  # pyright: ignore[reportUnusedImport, reportMissingTypeStubs]


def _has_own_definitions(flow_class: type[FlowSpec]) -> bool:
    """Whether the flow's file defines classes or functions beside its flows."""
    module = sys.modules.get(flow_class.__module__)
    return any(
        isinstance(value, type | FunctionType)
        and value.__module__ == flow_class.__module__
        and not (isinstance(value, type) and issubclass(value, FlowSpec))
        for value in vars(module).values()
    )


def _root_of(spec: str) -> Path:
    kind, at, place = spec.partition("@")
    if at and kind != "local":
        raise UsageError(
            f"The metadata kind {kind!r} is not available in this version; use `local@DIRECTORY`."
        )
    if "://" in spec:
        raise UsageError(f"{spec!r} is a service or a database, which this version cannot open yet.")
    root = Path(place if at else spec).expanduser().absolute()
    if (root / METADATA_FILE).exists():
        return root
    return root / ".stepwell" if (root / ".stepwell").is_dir() else root


def _open(root: Path, settings: Settings) -> tuple[Datastore, MetadataStore]:
    from stepwell.metadata_stores.sqlite import SqliteMetadata

    if root.exists() and not root.is_dir():
        raise StoreFormatError(
            f"{root} is a file, not a directory. Choose another place with --datastore-root."
        )
    datastore = Datastore.open(LocalStorage(root), _verify(settings))
    file = root / METADATA_FILE
    # Results on a read-only disk, or of somebody else, can be read; whoever tries to write is told.
    readonly = file.exists() and not os.access(root, os.W_OK)
    return datastore, SqliteMetadata(file, readonly, settings.number("STORE_PATIENCE"))
