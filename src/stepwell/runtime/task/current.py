"""``current``: what a step may know of itself. A read-only view, empty outside a task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stepwell.exceptions import StepwellInternalError

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
    "resources": None,
    "task": None,
    "run": None,
}
_PROVIDERS: Mapping[str, str] = {
    "card": "@card",
    "checkpoint": "@checkpoint",
    "attempt_deadline": "@timeout",
    "spot_termination_notice": "@kubernetes or @batch",
}

# One task a process: not a context variable, because threads that a step starts must see the task as well.
_values: dict[str, object] = dict(_PLAIN)


class Deferred:
    """A value of ``current`` that is computed when it is read, such as the client's object."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[[], object]) -> None:
        self.make = make


class Current:
    """The task that is running: flow, run, step, attempt and the like.

    Outside a task the plain names are None or False. An unknown name raises `AttributeError`, which says
    which decorator provides it, if one does.
    """

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


def _unknown(name: str) -> str:
    provider = _PROVIDERS.get(name)
    if provider:
        return f"`current` has no {name!r} here; it exists in a step that carries {provider}"
    return f"`current` has no attribute {name!r}; it knows {', '.join(sorted(_PLAIN))}"


def enter(values: Mapping[str, object]) -> None:
    """Make these the values of ``current`` from here on, for the task that this process runs."""
    unknown = values.keys() - _PLAIN.keys()
    if unknown:
        raise StepwellInternalError(f"`current` got unknown names: {sorted(unknown)}")
    _values.update({**_PLAIN, **values})


def leave() -> None:
    """Empty ``current`` again."""
    _values.update(_PLAIN)


current = Current()
