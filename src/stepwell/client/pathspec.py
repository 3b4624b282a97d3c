"""From an address that people type to an object of the client."""

from __future__ import annotations

from stepwell.client.locating import locate
from stepwell.client.objects import Flow, Run, Step, Task
from stepwell.client.scope import Scope
from stepwell.client.session import current_scope


def resolve(text: str, flow: str | None = None, at: Scope | None = None) -> Flow | Run | Step | Task:
    """Return what an address names.

    Parameters
    ----------
    flow
        The flow that is meant when the address names none; without it the run's id decides.
    at
        Where to look; unless given, in all namespaces of the place that `get_metadata` returns.

    Raises
    ------
    StepwellInvalidPathspec
        The text is no address, or names runs of several flows.
    StepwellNotFound
        A part does not exist; the message says what exists there.
    StepwellNamespaceMismatch
        The run exists, but not in the namespace of ``at``.
    """
    scope = Scope(current_scope().connection) if at is None else at
    found = locate(text, flow, scope)
    if found.run is None:
        return Flow(found.flow, scope)
    run = Run(f"{found.flow}/{found.run.run}", scope)
    if found.task is not None:
        return Task.of(scope, found.task)
    return Step.known(scope, found.run, found.step) if found.step else run
