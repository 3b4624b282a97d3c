"""``@checkpoint``: a step sets files aside while it runs, and goes on from them when it is tried again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, cast, overload

from msgspec.structs import replace

from stepwell.definition.decorator import StepDecorator
from stepwell.definition.placing import decorate_step
from stepwell.definition.step import StepFunction
from stepwell.exceptions import InvalidDecoratorAttribute
from stepwell.model.policy import LoadPolicy, StepPolicy

_POLICIES = ("fresh", "eager", "none")


class Checkpoint(StepDecorator):
    """Gives a step `current.checkpoint`."""

    name = "checkpoint"
    defaults: ClassVar[Mapping[str, object]] = {"load_policy": "fresh"}

    def check(self) -> None:
        if self._load_policy not in _POLICIES:
            raise InvalidDecoratorAttribute(
                f"@checkpoint: `load_policy` must be 'fresh', 'eager' or None, but it is "
                f"{self.attributes['load_policy']!r}."
            )

    def contribute(self, policy: StepPolicy) -> StepPolicy:
        return replace(policy, checkpoint=cast("LoadPolicy", self._load_policy))

    @property
    def _load_policy(self) -> object:
        given = self.attributes["load_policy"]
        return "none" if given is None else given


@overload
def checkpoint(function: StepFunction, /) -> StepFunction: ...
@overload
def checkpoint(*, load_policy: str | None = "fresh") -> Callable[[StepFunction], StepFunction]: ...
def checkpoint(function: Callable[..., Any] | None = None, /, **attributes: object) -> Any:
    """Let a step save files while it runs, by ``current.checkpoint``, and go on from them later.

    Parameters
    ----------
    load_policy
        What is in ``current.checkpoint.directory`` when the step begins. ``fresh``: the latest checkpoint
        that an earlier attempt of the task has saved; in a run that resumes another, also that of the task
        that did not succeed there. ``eager``: the latest of this step and foreach index in all runs of the
        namespace. None: nothing.

    Examples
    --------
    >>> @checkpoint
    ... @retry(times=3)
    ... @step
    ... def train(self):
    ...     model = read(current.checkpoint.directory) if current.checkpoint.is_loaded else Model()
    """
    return decorate_step(Checkpoint, function, attributes)
