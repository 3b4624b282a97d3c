"""Calls a step's method within the user's own decorators, the first of them outermost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from typing import Any, cast

from stepwell.decorators.user_step import UserStepDecorator
from stepwell.definition.flowspec import FlowSpec
from stepwell.exceptions import TaskError
from stepwell.runtime.task.inputs import JoinInputs
from stepwell.runtime.task.step_call import completed
from stepwell.runtime.task.way_on import WayOn

_UNCHANGED = (None, False)


class WrappedStep:
    """One step and the decorators around it.

    Parameters
    ----------
    layers
        The decorators, the outermost first.
    way
        Where the step goes.
    """

    def __init__(self, layers: Sequence[UserStepDecorator], flow: FlowSpec, step: str, way: WayOn) -> None:
        self._layers, self._flow, self._step, self._way = layers, flow, step, way
        self._entered: list[UserStepDecorator] = []
        self._next: object = None

    def call(self, arguments: tuple[JoinInputs, ...]) -> None:
        """Call it; what is raised at the end has passed all decorators that were entered."""
        error: BaseException | None = None
        try:
            self._go_in(arguments)
        except BaseException as raised:  # noqa: BLE001 - each decorator gets to see what ends the step
            error = raised
        has_failed = error is not None
        for layer in reversed(self._entered):
            error = self._leave(layer, error)
        if error is not None:
            raise error
        if self._next not in _UNCHANGED or (has_failed and self._way.taken is None):
            self._way.own({} if self._next in (*_UNCHANGED, True) else cast("dict[str, object]", self._next))

    def _go_in(self, arguments: tuple[JoinInputs, ...]) -> None:
        inputs = arguments[0] if arguments else None
        for given in self._layers:
            layer = copy(given)
            instead = layer.pre_step(self._step, self._flow, inputs)
            self._entered.append(layer)
            if layer.skip_step is not False:
                self._next = layer.skip_step
                return
            if instead is not None:
                self._call_instead(layer, instead, arguments)
                return
        completed(getattr(self._flow, self._step)(*arguments), self._step)

    def _call_instead(
        self, layer: UserStepDecorator, instead: Callable[..., Any], arguments: tuple[JoinInputs, ...]
    ) -> None:
        said = completed(instead(self._flow, *arguments), self._step)
        if said is not None and not isinstance(said, bool | dict):
            name = getattr(instead, "__name__", repr(instead))
            raise TaskError(
                f"`{name}`, which @{type(layer).__name__} has called in place of step {self._step!r}, "
                f"returned {said!r}. It may return None or False if it has called `self.next`, True for the "
                "transition of the step, or a dictionary of arguments for that."
            )
        self._next = cast("object", said)

    def _leave(self, layer: UserStepDecorator, error: BaseException | None) -> BaseException | None:
        """Let a decorator end; return what is to be raised now."""
        try:
            said: object = layer.post_step(self._step, self._flow, error)
        except BaseException as raised:  # noqa: BLE001 - it replaces what the step has raised
            return raised
        if isinstance(said, tuple) and len(cast("tuple[object, ...]", said)) == 2:
            said, onward = cast("tuple[object, object]", said)
            if onward is not None and not isinstance(onward, bool | dict):
                return self._wrong(layer, onward)
            if onward not in _UNCHANGED:
                self._next = cast("object", onward)
        if said is None:
            # What ends a process is no failure that could be made good.
            return None if isinstance(error, Exception) else error
        if not isinstance(said, BaseException):
            return self._wrong(layer, said)
        if error is not None and said is not error and said.__context__ is None:
            said.__context__ = error
        return said

    def _wrong(self, layer: UserStepDecorator, said: object) -> TaskError:
        return TaskError(
            f"@{type(layer).__name__} returned {said!r} after step {self._step!r}. It may return None, an "
            "exception, or both an exception, or None, and arguments for `self.next`, in a tuple."
        )
