"""Exit hooks put together: how their processes are started, and what such a process finds out first."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from stepwell.decorators.exit_hook import Function, check_names, function_of, hooks_of
from stepwell.definition.config import scope_of
from stepwell.definition.flow_definition import FlowDefinition, drafted
from stepwell.definition.flow_source import source_of, take_source
from stepwell.definition.loader import load_again
from stepwell.definition.placing import flow_decorators_of
from stepwell.engines.local.child import die_with_parent, load_prctl
from stepwell.runtime.exit_hooks import ExitHooks
from stepwell.settings.kinds import index_of
from stepwell.settings.settings import Settings

# No settings, so not `STEPWELL_...`: they go from one of our processes to another.
_HOOK_VARIABLE = "_STEPWELL_EXIT_HOOK"
_RUN_VARIABLE = "_STEPWELL_EXIT_HOOK_RUN"


class AskedHook(Struct, frozen=True):
    """The function that this process is to call, and the run that has ended: ``FLOW/RUN``, or None."""

    function: Function
    run: str | None


def exit_hooks_of(
    definition: FlowDefinition, settings: Settings, say: Callable[[str], None]
) -> ExitHooks | None:
    """Return the exit hooks of a flow, or None if it has none.

    Raises
    ------
    InvalidDecoratorAttribute
        A hook is not there.
    """
    decorators = definition.flow_decorators
    every = [hook for ok in (True, False) for hook in hooks_of(decorators, ok)]
    if not every:
        return None
    check_names(every, sys.modules[definition.flow_class.__module__])
    source = source_of(definition).variables()

    def command(position: int, ok: bool, run: str | None) -> tuple[Sequence[str], Mapping[str, str]]:
        environment = {
            **os.environ,
            **source,
            _HOOK_VARIABLE: f"{os.getpid()} {int(ok)} {position}",
            _RUN_VARIABLE: "" if run is None else f"{definition.name}/{run}",
            "STEPWELL_DATASTORE_ROOT": str(settings.datastore_root),
            "STEPWELL_DEFAULT_METADATA": index_of(settings) or "local",
            "PYTHONUNBUFFERED": "1",
        }
        return (sys.executable, "-m", "stepwell", "exit-hook"), environment

    return ExitHooks(lambda ok: hooks_of(decorators, ok), command, say)


def asked_hook() -> AskedHook:
    """Import the flow that the environment names, and return which of its hooks is to be called.

    From here on this process ends with the one that started it.

    Raises
    ------
    FlowError
        The flow cannot be imported, or has no such hook any more.
    """
    parent, ok, position = map(int, os.environ.pop(_HOOK_VARIABLE).split())
    die_with_parent(load_prctl(), parent)
    run = os.environ.pop(_RUN_VARIABLE) or None
    source = take_source(os.environ)
    flow_class = load_again(source)
    configs = source.given_configs().stored
    draft = drafted(flow_class, configs)
    if draft is None:
        decorators = flow_decorators_of(flow_class, scope_of(flow_class, configs))
    else:
        decorators = draft.flow_decorators
    hook = hooks_of(decorators, bool(ok))[position]
    return AskedHook(function_of(hook, sys.modules[flow_class.__module__]), run)
