"""The engine of a run on this machine, and what the processes that it starts are made of."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from stepwell.datastore.datastore import Datastore
from stepwell.datastore.flow_file import defines_more, set_flow_module
from stepwell.datastore.serializers import Serializers
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.definition.flow_source import source_of, take_source
from stepwell.definition.flowspec import FlowSpec
from stepwell.engine.capabilities import Capabilities
from stepwell.engine.engine import Engine
from stepwell.engines.local.safety import why_not_fork
from stepwell.exceptions import StepwellException
from stepwell.runtime.options import Isolation, RunOptions
from stepwell.runtime.signals import interrupts_deferred
from stepwell.settings.places import Place
from stepwell.settings.settings import Settings
from stepwell.wiring.serializers import installed_serializers
from stepwell.wiring.stores import plain_storage, storage_of, verify_of

if TYPE_CHECKING:
    from stepwell.engine.parts import EngineParts
    from stepwell.engines.local.child import TaskRunner
    from stepwell.model.run import RunInfo
    from stepwell.model.task import TaskOutcome, TaskRequest
    from stepwell.model.trace import TraceTarget
    from stepwell.runtime.task.step_function import StepFunction
    from stepwell.runtime.task.unimportable import Unimportable

# No setting, so not `STEPWELL_...`: it goes from one of our processes to another.
_ROOT_VARIABLE = "_STEPWELL_TASK_DATASTORE"
_INDEX_VARIABLE = "_STEPWELL_TASK_INDEX"
_TRACE_VARIABLE = "_STEPWELL_TASK_TRACE"


def isolation_of(options: RunOptions) -> tuple[Isolation, tuple[str, ...]]:
    """Return how tasks are set apart, and what the user should know of the choice."""
    if options.isolation in ("spawn", "inline"):
        return options.isolation, ()
    hazard = why_not_fork()
    if hazard is None:
        return "fork", ()
    asked = " although --isolation fork was given" if options.isolation == "fork" else ""
    return "spawn", (f"{hazard} Tasks are spawned{asked}; --isolation spawn silences this line.",)


def capabilities_of(isolation: Isolation) -> Capabilities:
    """Return what the engine for an isolation can do, without making it."""
    if isolation == "inline":
        from stepwell.engines.inline import CAPABILITIES
    elif hasattr(os, "fork"):
        from stepwell.engines.local.promises import CAPABILITIES
    else:
        from stepwell.engines.local.promises import WITHOUT_FORK as CAPABILITIES
    return CAPABILITIES


def make_engine(
    definition: FlowDefinition,
    make_function: Callable[[], StepFunction],
    place: Place,
    isolation: Isolation,
    workers: int,
    grace_s: float,
    trace: TraceTarget | None = None,
) -> Engine:
    set_flow_module(definition.module, definition.file)
    if isolation == "inline":
        from stepwell.engines.inline import InlineEngine

        return InlineEngine(make_function())

    # Made in the launcher: what tasks need is imported there, while the run process imports its own part.
    made = cache(make_function)

    def run_task(info: RunInfo, request: TaskRequest, report: Callable[[TaskOutcome], None]) -> int:
        return made()(info, request, report)

    environment = _environment(definition, place, trace)

    def launcher_command(
        variables: tuple[tuple[str, str], ...],
    ) -> tuple[Sequence[str], Mapping[str, str]]:
        return _command("launcher"), {**os.environ, **dict(variables), **environment}

    if isolation == "spawn":
        os.environ.update(environment)
        return _spawning_engine(run_task, workers, grace_s)
    with interrupts_deferred():
        from stepwell.engines.local.engine import LocalEngine
    return LocalEngine(
        run_task,
        workers,
        "fork",
        launcher_command=launcher_command,
        preload=lambda: _preload(made),
        grace_s=grace_s,
    )


def engine_parts(
    definition: FlowDefinition, place: Place, workers: int, grace_s: float, trace: TraceTarget | None = None
) -> EngineParts:
    """Return what engines of plugins are made with."""
    from stepwell.engine.parts import EngineParts  # few flows have any

    environment = _environment(definition, place, trace)
    command = _command("spawned-task")
    return EngineParts(command=command, environment=environment, workers=workers, grace_s=grace_s)


def _environment(definition: FlowDefinition, place: Place, trace: TraceTarget | None) -> dict[str, str]:
    """Return the variables of an interpreter that is started for tasks of the flow."""
    environment = {_ROOT_VARIABLE: str(place.root), **source_of(definition).variables()}
    if place.index:
        environment[_INDEX_VARIABLE] = place.index
    if trace is not None:
        environment[_TRACE_VARIABLE] = f"{trace.context} {trace.file}"
    return environment


def _spawning_engine(run_task: TaskRunner, workers: int, grace_s: float) -> Engine:
    command = _command("spawned-task")
    with interrupts_deferred():
        if not hasattr(os, "fork"):
            from stepwell.engines.local.portable import PortableEngine

            return PortableEngine(command, workers, grace_s)
        from stepwell.engines.local.engine import LocalEngine
    return LocalEngine(run_task, workers, "spawn", spawn_command=command, grace_s=grace_s)


def make_step_function(
    definition: FlowDefinition,
    place: Place,
    settings: Settings,
    preset_constants: bool,
    serializers: Serializers | None = None,
    trace: TraceTarget | None = None,
) -> StepFunction:
    from stepwell.runtime.patience import Patience
    from stepwell.runtime.task.own_words import say
    from stepwell.runtime.task.step_function import StepFunction

    patience = Patience(settings.number("STORE_PATIENCE"), lambda text: say(f"{text}\n"))
    serializers = serializers or Serializers(installed_serializers)
    storage = storage_of(place.root, patience)
    if trace is not None:
        from stepwell.runtime.tracing.traced_task import TaskTrace, TracedDatastore, TracedStepFunction

        written = TaskTrace(trace)
        traced = TracedDatastore(storage, verify_of(settings), serializers, written)
        return TracedStepFunction(definition, traced, preset_constants, written, place.index)
    datastore = Datastore(storage, verify_of(settings), serializers)
    return StepFunction(definition, datastore, preset_constants, place.index)


def _command(name: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "stepwell", name)


def run_spawned_task() -> NoReturn:
    """Run the one task that this interpreter was started for."""
    from stepwell.engines.local.messages import TASK_SAYS

    if TASK_SAYS in os.environ:
        from stepwell.engines.local.task_process import serve_ordered

        serve_ordered(_runner_of_environment())
    from stepwell.engines.local.spawn import serve_spawned

    serve_spawned(_runner_of_environment())


def serve_launcher() -> NoReturn:
    """Be a launcher that was started for a step with environment variables of its own."""
    from stepwell.engines.local.launcher_start import serve_launcher as serve
    from stepwell.runtime.task.step_function import StepFunction

    runner = _runner_of_environment()
    serve(runner, (lambda: _preload(lambda: runner)) if isinstance(runner, StepFunction) else None)


def _runner_of_environment() -> StepFunction | Unimportable:
    """Import the flow that the environment names, in an interpreter that was started for tasks of it."""
    from stepwell.definition.flow_definition import define
    from stepwell.definition.loader import load_again
    from stepwell.settings.sources import load_settings

    place = Place(Path(os.environ.pop(_ROOT_VARIABLE)), os.environ.pop(_INDEX_VARIABLE, ""))
    source, trace = take_source(os.environ), _taken_trace()
    try:
        flow_class = load_again(source)
        definition = define(flow_class, source.with_specs, source.given_configs(), source.only)
        definition = definition.leaving_out(source.without)
    except StepwellException as error:
        from stepwell.runtime.task.unimportable import Unimportable

        return Unimportable(error, Datastore(plain_storage(place.root)))
    set_flow_module(definition.module, definition.file)
    return make_step_function(definition, place, load_settings(), preset_constants=True, trace=trace)


def _taken_trace() -> TraceTarget | None:
    given = os.environ.pop(_TRACE_VARIABLE, None)
    if given is None:
        return None
    from stepwell.model.trace import TraceTarget  # few runs are traced

    context, _, file = given.partition(" ")
    return TraceTarget(file, context)


def _preload(make_function: Callable[[], StepFunction]) -> None:
    """Get a launcher ready, while it waits, for what its tasks may need."""
    from stepwell.runtime.task.rehearsal import rehearse
    from stepwell.storages.memory import MemoryStorage

    rehearse(Datastore(MemoryStorage()))
    if defines_more(make_function().flow_class.__module__, besides=FlowSpec):
        # Values made of them are stored with its help; other flows need not wait for its import.
        import cloudpickle  # noqa: F401  # pyright: ignore[reportUnusedImport, reportMissingTypeStubs]
