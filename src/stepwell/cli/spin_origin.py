"""Which earlier task a spun step takes its inputs from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from stepwell.cli.context import CliContext
from stepwell.cli.run import check_step
from stepwell.client import missing
from stepwell.client.locating import locate
from stepwell.client.scope import Connection, Scope
from stepwell.client.stored import StoredRun, newest_runs
from stepwell.exceptions import StepwellNotFound, UsageError
from stepwell.metadata_store.store import RunQuery, TaskQuery
from stepwell.model.run import RunRecord, TaskRecord
from stepwell.model.states import TaskState
from stepwell.runtime.options import SpinOrigin

if TYPE_CHECKING:
    from stepwell.definition.flow_definition import Outline

_STEP = re.compile(r"([^\W\d]\w*)(?:\[\s*(\d+(?:\s*,\s*\d+)*)\s*\])?")
_WITH_RESULTS = (TaskState.SUCCEEDED.value, TaskState.REUSED.value, TaskState.CACHED.value)


class Spun(Struct, frozen=True):
    """The step that is meant, with its foreach index if one was named, and what it goes on from."""

    step: str
    index: int | None
    origin: SpinOrigin | None


def spun(context: CliContext, flow: Outline, text: str, namespace: str | None) -> Spun:
    """Return what ``STEP``, ``STEP[i]``, ``RUN/STEP`` or ``RUN/STEP/TASK`` names.

    Parameters
    ----------
    namespace
        Whose runs the newest is looked for in, unless a run is named; None is all of them.

    Raises
    ------
    UsageError
        It names no step of the flow.
    StepwellNotFound
        There is no such run, or no such task in it.
    """
    from stepwell.wiring.stores import open_stores

    named = text.removeprefix(f"{flow.name}/")
    parsed = _STEP.fullmatch(named)
    if parsed is not None:
        check_step(flow, parsed[1], "STEP")
    try:
        stores = open_stores(settings=context.settings)
    except StepwellNotFound:
        if parsed is None:
            raise
        return Spun(parsed[1], _last(parsed[2]), None)
    try:
        scope = Scope(Connection(stores.metadata.location, stores), namespace)
        if parsed is None:
            return _addressed(flow, named, scope)
        return _newest(flow, parsed[1], parsed[2], scope)
    finally:
        stores.metadata.close()


def _addressed(flow: Outline, text: str, scope: Scope) -> Spun:
    found = locate(text, flow.name, scope)
    if found.flow != flow.name:
        raise UsageError(f"`{text}` is a task of flow {found.flow}, and this one is {flow.name}.")
    if found.run is None or not found.step:
        raise UsageError(f"`{text}` names no step: write {text}/STEP, or only STEP for its newest task.")
    check_step(flow, found.step, f"`{text}`")
    task = found.task.record() if found.task is not None else next(found.run.newest_tasks(found.step))
    return Spun(found.step, None, SpinOrigin(run=found.run.record(), task=task))


def _newest(flow: Outline, step: str, indexes: str | None, scope: Scope) -> Spun:
    path = None if indexes is None else ",".join(index.strip() for index in indexes.split(","))
    runs = [run for run in newest_runs(scope.connection, RunQuery(flow=flow.name, tags=scope.tags))]
    for run in runs:
        task = next(run.newest_tasks(step, path), None)
        if task is not None:
            return Spun(step, _last(path), SpinOrigin(run=run.known(), task=task))
    for run in runs:
        if path is not None and next(run.newest_tasks(step), None) is not None:
            raise missing.no_task(scope.connection.stores.metadata, run.flow, run.run, step, f"[{path}]")
        parent = _parent(flow, step, path, run)
        if parent is not None:
            return Spun(step, _last(path), SpinOrigin(run=run.known(), parent=parent))
    return Spun(step, _last(path), None)


def _parent(flow: Outline, step: str, path: str | None, run: StoredRun) -> TaskRecord | None:
    """Return the newest task with results that leads to a step which has never run; a join needs several."""
    if flow.graph[step].is_join:
        return None
    for parent in flow.graph.parents[step]:
        above = path
        if path is not None and flow.graph[parent].iterates(step):
            above = path.rpartition(",")[0]
        query = TaskQuery(
            flow=run.flow, run=run.run, step=parent, states=_WITH_RESULTS, index_path=above, limit=1
        )
        found = run.connection.stores.metadata.tasks(query)
        if found:
            return found[0]
    return None


def _last(path: str | None) -> int | None:
    return int(path.rpartition(",")[2]) if path is not None else None


def said(origin: SpinOrigin | None) -> str:
    """Say where the inputs come from."""
    if origin is None:
        return "on no earlier task, with the parameters' defaults and what --artifacts-module gives"
    if origin.task is not None:
        return f"with the inputs of {_pathspec(origin.run, origin.task)}"
    return f"after {_pathspec(origin.run, origin.parent)}" if origin.parent is not None else ""


def _pathspec(run: RunRecord, task: TaskRecord) -> str:
    return f"{run.flow}/{run.run}/{task.step}/{task.task}"
