"""``current``: what a step may know of itself. A read-only view, empty outside a task."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, SupportsFloat, cast

from stepwell.exceptions import DataException, StepwellInternalError

if TYPE_CHECKING:
    from stepwell.model.policy import Resources
    from stepwell.runtime.task.checkpoint import TaskCheckpoint
    from stepwell.runtime.task.notes import Notes
    from stepwell.runtime.task.parallel import Parallel
    from stepwell.runtime.task.task_cards import TaskCards

_PLAIN: Mapping[str, object] = {
    "is_running_flow": False,
    "flow_name": None,
    "run_id": None,
    "step_name": None,
    "task_id": None,
    "retry_count": 0,
    "origin_run_id": None,
    "code_version": None,
    "pathspec": None,
    "namespace": None,
    "username": None,
    "tags": frozenset[str](),
    "tempdir": None,
    "graph": None,
    "parameter_names": None,
    "project_name": None,
    "branch_name": None,
    "is_user_branch": None,
    "is_production": None,
    "project_flow_name": None,
    "trigger": None,
    "parallel": None,
    "is_parallel": False,
    "iteration": 0,
    "attempt_deadline": None,
    "resources": None,
    "task": None,
    "run": None,
}
_PROVIDERS: Mapping[str, str] = {
    "card": "@card",
    "checkpoint": "@checkpoint",
    "spot_termination_notice": "@kubernetes or @batch",
}

# One task a process: not a context variable, because threads that a step starts must see the task as well.
_values: dict[str, object] = dict(_PLAIN)


class _Task:
    """What belongs to the task of this process and is not for reading."""

    pid: int = 0
    notes: Notes | None = None
    place: tuple[str, str] | None = None


_task = _Task()


class Deferred:
    """A value of ``current`` that is computed when it is read, such as the client's object."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[[], object]) -> None:
        self.make = make


class Current:
    """The task that is running: flow, run, step, attempt and the like.

    Outside a task the plain names are None or False. An unknown name raises `AttributeError`, which says
    which decorator provides it, if one does.

    Attributes
    ----------
    is_running_flow
        Whether this process runs a task.
    flow_name, run_id, step_name, task_id, pathspec
        Where the task stands; ``pathspec`` is all four with slashes.
    retry_count
        Number of the attempt, from 0.
    iteration
        How often the innermost loop that the step is in has begun again: 0 at first, and outside of loops.
    origin_run_id
        The run that this one resumes; None if it is no such run.
    code_version
        Version of the code that the run was started with; None if its code is not kept.
    username, namespace, tags
        Who started the run, the namespace of the client in this task, and the tags of the run.
    parameter_names
        Attributes that hold parameters.
    resources
        What the step may use of its machine, as `resources` states it: ``cpu``, ``gpu``, ``memory_mb``,
        ``disk_mb``, ``shared_memory_mb``, each None where nothing is stated.
    attempt_deadline
        Unix time at which the attempt is ended; None without a limit.
    tempdir
        Directory for temporary files.
    graph
        The steps and how they lead to each other, as in the artifact ``_graph_info``.
    run, task
        The client's objects of the run and the task.
    parallel, is_parallel
        In a task of a gang: ``main_ip``, ``num_nodes``, ``node_index`` and ``control_task_id``; and if it is
        one.
    checkpoint
        In a step with `checkpoint`: ``directory``, ``is_loaded``, ``save``, ``load`` and ``list``.
    card
        In a step with `card`: ``append``, ``extend``, ``clear``, ``refresh`` and ``components``; ``card[ID]``
        is one of several.
    """

    if TYPE_CHECKING:
        # `X | Any` for what is None outside a task: steps, where it is set, need not ask.
        is_running_flow: bool
        flow_name: str | Any
        run_id: str | Any
        step_name: str | Any
        task_id: str | Any
        retry_count: int
        origin_run_id: str | None
        code_version: str | None
        pathspec: str | Any
        namespace: str | Any
        username: str | Any
        tags: frozenset[str]
        tempdir: str | Any
        parameter_names: list[str] | Any
        is_parallel: bool
        parallel: Parallel | Any
        iteration: int
        attempt_deadline: float | None
        resources: Resources | Any
        checkpoint: TaskCheckpoint
        card: TaskCards

    def __getattr__(self, name: str) -> Any:
        try:
            value = _values[name]
        except KeyError:
            raise AttributeError(_unknown(name), name=name, obj=self) from None
        return value.make() if isinstance(value, Deferred) else value

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"`current.{name}` is read-only")

    def __contains__(self, name: object) -> bool:
        value = _values.get(name) if isinstance(name, str) else None
        return value is not None

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of ``key``, or ``default`` if it is unknown or None."""
        return getattr(self, key) if key in self else default

    def log(self, /, **fields: object) -> None:
        """Attach facts to the task; ``show`` and the client's ``Task.facts`` have them, also if it fails.

        Parameters
        ----------
        fields
            Values that JSON can hold, by name; NumPy's scalars too. The latest value of a name stands.

        Raises
        ------
        DataException
            No step is running in this process, a value is no JSON, or the facts exceed 64 KiB.

        Examples
        --------
        >>> current.log(rows=len(frame), source="2024-05")
        """
        _notes("log").log(fields)

    def metric(self, name: str, value: SupportsFloat, step: SupportsFloat | None = None) -> None:
        """Add a point to a series of the task; ``show`` and the client's ``Task.metrics`` have it.

        Parameters
        ----------
        value
            A number; NumPy's scalars too.
        step
            Where in the series it stands; the number of points before it if it is left out.

        Raises
        ------
        DataException
            No step is running in this process, something is no number, or it is the task's 101st series.

        Notes
        -----
        About 1,000 points of a series are kept: of longer ones every second goes, the latest always stays.
        """
        _notes("metric").metric(name, value, step)


def _notes(method: str) -> Notes:
    if not _values["is_running_flow"]:
        raise DataException(f"`current.{method}` works in a step only; no task is running here.")
    if os.getpid() != _task.pid:
        raise DataException(
            f"`current.{method}` was called in a child process of the task, where what it says would be "
            "lost. Return the value, and say it in the step."
        )
    if _task.notes is None:
        from stepwell.runtime.task.notes import Notes  # few steps take any

        _task.notes = Notes()
    return _task.notes


def _unknown(name: str) -> str:
    provider = _PROVIDERS.get(name)
    if provider:
        return f"`current` has no {name!r} here; it exists in a step that carries {provider}"
    return f"`current` has no attribute {name!r}; it knows {', '.join(sorted(_PLAIN))}"


def enter(values: Mapping[str, object], place: tuple[str, str] | None = None) -> None:
    """Make these the values of ``current`` from here on, for the task that this process runs.

    Parameters
    ----------
    place
        Where the task's results lie, and the address of their index; empty if it lies there too.
    """
    unknown = values.keys() - _PLAIN.keys() - _PROVIDERS.keys()
    if unknown:
        raise StepwellInternalError(f"`current` got unknown names: {sorted(unknown)}")
    _values.update({**_PLAIN, **values})
    _task.pid, _task.notes, _task.place = os.getpid(), None, place


def notes_taken() -> Notes | None:
    """Return what the task has said with `Current.log` and `Current.metric`; None if nothing."""
    return _task.notes


def place_of_task() -> tuple[str, str] | None:
    """Return what `enter` was given as the place; None outside a task."""
    return _task.place


def leave() -> None:
    """Empty ``current`` again."""
    kept = [_values[name] for name in ("checkpoint", "card") if name in _values]
    _values.clear()
    _values.update(_PLAIN)
    _task.notes = _task.place = None
    for one in kept:
        cast("TaskCheckpoint | TaskCards", one).close()


current: Current = Current()
