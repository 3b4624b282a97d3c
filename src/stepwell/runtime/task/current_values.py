"""What `current` shows in a task."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from stepwell.datastore.datastore import Datastore
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.model.foreach import Frame
from stepwell.model.ids import TaskKey
from stepwell.model.run import RunInfo
from stepwell.model.task import TaskRequest
from stepwell.runtime.task.current import Deferred


def shown_values(
    definition: FlowDefinition,
    datastore: Datastore,
    info: RunInfo,
    request: TaskRequest,
    deadline: float | None,
    frames: Sequence[Frame],
    index: str,
) -> dict[str, object]:
    """Return the values of ``current`` by name; what costs time is made when it is read.

    Parameters
    ----------
    deadline
        Unix time at which the attempt is ended.
    frames
        Where the task stands in nested foreach splits.
    index
        Address of the index; empty if it lies in the datastore.
    """
    key = request.key
    values: dict[str, object] = {
        "is_running_flow": True,
        "flow_name": key.flow,
        "run_id": key.run,
        "step_name": key.step,
        "task_id": key.task,
        "retry_count": request.attempt,
        "origin_run_id": info.origin_run,
        "code_version": info.code_version or None,
        "pathspec": key.pathspec,
        "namespace": info.namespace,
        "username": info.user,
        "tags": frozenset(info.tags),
        "tempdir": Deferred(_tempdir),
        "attempt_deadline": deadline,
        "resources": definition.policies[key.step].resources,
        "task": Deferred(lambda: _client_object("task", key, datastore, index)),
        "run": Deferred(lambda: _client_object("run", key, datastore, index)),
        "graph": Deferred(lambda: _graph_info(definition)),
        "parameter_names": [parameter.attribute for parameter in definition.parameters],
    }
    if request.gang is not None:
        from stepwell.runtime.task.parallel import Parallel  # few steps run in gangs

        values["parallel"], values["is_parallel"] = Parallel.at(request.gang), True
    load_policy = definition.policies[key.step].checkpoint
    if load_policy is not None:
        from stepwell.runtime.task.checkpoint import TaskCheckpoint  # few steps keep any

        place = tuple(frame.index for frame in frames)
        values["checkpoint"] = TaskCheckpoint(datastore, info, key, request.attempt, place, load_policy)
    if definition.policies[key.step].cards:
        from stepwell.runtime.task.task_cards import TaskCards  # few steps have any

        values["card"] = TaskCards(datastore, key, request.attempt, definition.policies[key.step].cards)
    return values


def _graph_info(definition: FlowDefinition) -> object:
    from stepwell.definition.graph_info import graph_info  # few steps ask

    return graph_info(definition)


def _client_object(kind: str, key: TaskKey, datastore: Datastore, index: str) -> object:
    """Return the client's run or task, wherever its results lie and whatever the namespace."""
    from stepwell.runtime.task.own_words import say

    # By name, and only if the step asks: the client stands above all of this, and no task waits for it.
    objects, scope, stored = (
        import_module(f"stepwell.client.{name}") for name in ("objects", "scope", "stored")
    )

    def tell(text: str) -> None:
        say(f"{text}\n")

    root = datastore.location
    at = scope.Scope(scope.Connection(index or root, root=root, tell=tell))
    if kind == "run":
        return objects.Run(f"{key.flow}/{key.run}", at=at)
    # Not looked up: the index hears of a task some moments after it has begun.
    run = stored.StoredRun(at.connection, key.flow, key.run)
    return objects.Task.of(at, stored.StoredTask(run, key.step, key.task))


def _tempdir() -> str:
    from tempfile import gettempdir  # not at the top: few tasks need it, and every task would wait for it

    return gettempdir()
