"""Runs on this machine, and registered runs of schedulers, put together from settings."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, cast

from msgspec.structs import replace

from stepwell.datastore.serializers import Serializers
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.engines.local.safety import why_not_detach
from stepwell.exceptions import UsageError
from stepwell.model.run import RunRecord
from stepwell.runtime.clock import SystemClock
from stepwell.runtime.events import Listener
from stepwell.runtime.options import ContinueRun, Fsync, RunAsked, RunOptions, RunResult, RunSettings
from stepwell.runtime.signals import interrupts_deferred
from stepwell.settings.choices import chosen
from stepwell.settings.places import place_of_settings
from stepwell.settings.settings import Settings
from stepwell.wiring.capacity import capacity_for, capacity_warnings, workers_fd, workers_of
from stepwell.wiring.processes import (
    capabilities_of,
    engine_parts,
    isolation_of,
    make_engine,
    make_step_function,
)
from stepwell.wiring.serializers import installed_serializers, unusable
from stepwell.wiring.stores import open_both, open_datastore

if TYPE_CHECKING:
    from stepwell.runtime.plan import Plan
    from stepwell.runtime.scheduler_run import Registration
    from stepwell.runtime.single_task import Show, TaskResult
    from stepwell.runtime.task_order import TaskOrder
    from stepwell.runtime.tracing.run_trace import RunTrace


def run_flow(
    definition: FlowDefinition,
    asked: RunAsked,
    options: RunOptions,
    settings: Settings,
    listener: Listener,
    trace: RunTrace | None = None,
) -> RunResult:
    """Run a flow on this machine; return how it ended.

    Must be called before the process has started threads or opened connections: the launcher is forked here.

    Raises
    ------
    StepwellException
        The run could not be started: wrong settings, a store that cannot serve, a step the engine refuses.
    """
    place = place_of_settings(settings)
    user = settings.user
    serializers = Serializers(installed_serializers)
    notices = tuple(unusable(serializers))  # before the fork: what is imported here serves every task
    isolation, more = isolation_of(options)
    capacity = capacity_for(definition.policies, isolation, options, settings)
    short = capacity_warnings(definition.policies, capacity)
    # Constants of a run that goes on are those it began with, whatever the class says now.
    preset = isolation != "fork" or isinstance(asked, ContinueRun)
    target = None if trace is None else trace.target
    engine = make_engine(
        definition,
        lambda: make_step_function(definition, place, settings, preset, serializers, target),
        place,
        isolation,
        workers_of(isolation, options, settings),
        options.kill_grace_s,
        target,
    )
    if any(policy.engine for policy in definition.policies.values()):
        from stepwell.wiring.guest_engines import with_guests  # few flows have other engines

        workers = workers_of(isolation, options, settings)
        parts = engine_parts(definition, place, workers, options.kill_grace_s, target)
        engine = with_guests(engine, definition.policies, parts)
    with interrupts_deferred():
        from stepwell.runtime.runtime import Runtime  # after the fork: the launcher needs none of it

    runtime = Runtime(
        definition,
        engine if trace is None else trace.traced(engine),
        lambda patience: open_both(place, settings, serializers, patience),
        SystemClock(),
        replace(_run_settings(settings, user, trace), capacity=capacity, workers_fd=workers_fd()),
        notices=(*notices, *more, *short),
    )
    return runtime.execute(asked, options, listener)


def plan_run(
    definition: FlowDefinition, parameters: Mapping[str, object], options: RunOptions, settings: Settings
) -> Plan:
    """Return what `run_flow` would do, and raise what it would raise; nothing is executed or written."""
    from stepwell.runtime.plan import Surroundings, plan_of

    place = place_of_settings(settings)
    _run_settings(settings, settings.user)
    isolation, notices = isolation_of(options)
    capacity = capacity_for(definition.policies, isolation, options, settings)
    capabilities = capabilities_of(isolation)
    if any(policy.engine for policy in definition.policies.values()):
        from stepwell.wiring.guest_engines import guest_capabilities  # few flows have other engines

        capabilities = guest_capabilities(capabilities, definition.policies)
    around = Surroundings(
        datastore=str(place.root),
        isolation=isolation,
        workers=workers_of(isolation, options, settings),
        notices=(*notices, *capacity_warnings(definition.policies, capacity)),
        capabilities=capabilities,
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
    root = place_of_settings(settings).root
    hazard = why_not_detach()
    if hazard is not None:
        raise UsageError(
            f"{hazard} A run of this flow cannot be detached. Start it with `nohup ... run &` instead."
        )
    open_datastore(root, settings)
    return root


def register_run(
    definition: FlowDefinition,
    parameters: Mapping[str, object],
    registration: Registration,
    settings: Settings,
) -> RunRecord:
    """Register a run whose tasks a scheduler will start one by one; return its record."""
    from stepwell.runtime.scheduler_run import register_run as register

    stores = open_both(place_of_settings(settings), settings)
    with closing(stores[1]):
        run_settings = _run_settings(settings, settings.user)
        return register(definition, parameters, registration, stores, run_settings, SystemClock())


def run_ordered_task(
    definition: FlowDefinition,
    order: TaskOrder,
    options: RunOptions,
    settings: Settings,
    show: Show,
    trace: RunTrace | None = None,
) -> TaskResult:
    """Run one task of a registered run on this machine; return what came of it.

    Must be called before the process has started threads or opened connections: the launcher is forked here.

    Raises
    ------
    StepwellException
        The order is wrong, or a store cannot serve.
    """
    place = place_of_settings(settings)
    isolation, _ = isolation_of(options)
    target = None if trace is None else trace.target
    # The flow's file was imported for this task alone: constants are those of the run.
    engine = make_engine(
        definition,
        lambda: make_step_function(definition, place, settings, preset_constants=True, trace=target),
        place,
        isolation,
        1,
        options.kill_grace_s,
        target,
    )
    with interrupts_deferred():
        from stepwell.runtime.task_entry import TaskEntry  # after the fork, as for a run

    run_settings = _run_settings(settings, settings.user)
    entry = TaskEntry(
        definition,
        engine if trace is None else trace.traced(engine),
        lambda patience: open_both(place, settings, patience=patience),
        SystemClock(),
        run_settings,
        None if trace is None else trace.listen,
    )
    return entry.execute(order, options, show)


def _run_settings(settings: Settings, user: str, trace: RunTrace | None = None) -> RunSettings:
    return RunSettings(
        user=user,
        fsync=cast("Fsync", chosen(settings, "FSYNC")),
        seed=settings.text("SEED") or None,
        package_suffixes=settings.package_suffixes,
        store_patience_s=settings.number("STORE_PATIENCE"),
        trace_id="" if trace is None or trace.context is None else trace.context.trace,
    )
