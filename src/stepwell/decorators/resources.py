"""``@resources``: what a step needs of a machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, overload

from msgspec.structs import replace

from stepwell.definition.decorator import StepDecorator
from stepwell.definition.placing import decorate_step
from stepwell.definition.step import StepFunction
from stepwell.model.policy import Resources, StepPolicy

_FIELDS = {
    "cpu": "cpu",
    "gpu": "gpu",
    "disk": "disk_mb",
    "memory": "memory_mb",
    "shared_memory": "shared_memory_mb",
}


class ResourcesDecorator(StepDecorator):
    """States needs that every engine reads."""

    name = "resources"
    defaults: ClassVar[Mapping[str, object]] = dict.fromkeys(_FIELDS)

    def check(self) -> None:
        for attribute in _FIELDS:
            self.number(attribute)

    def contribute(self, policy: StepPolicy) -> StepPolicy:
        larger: dict[str, float] = {}
        for attribute, field in _FIELDS.items():
            own: float | None = self.number(attribute)
            known: float | None = getattr(policy.resources, field)
            if own is not None or known is not None:
                larger[field] = max(value for value in (own, known) if value is not None)
        return replace(policy, resources=Resources(**larger))


_Number = int | float | str | None


@overload
def resources(function: StepFunction, /) -> StepFunction: ...
@overload
def resources(
    *,
    cpu: _Number = None,
    gpu: _Number = None,
    disk: _Number = None,
    memory: _Number = None,
    shared_memory: _Number = None,
) -> Callable[[StepFunction], StepFunction]: ...
def resources(function: Callable[..., Any] | None = None, /, **attributes: object) -> Any:
    """State what a step needs. Where several decorators state the same, the larger value holds.

    Parameters
    ----------
    cpu, gpu
        Number of cores and of devices.
    disk, memory, shared_memory
        In MB.

    Examples
    --------
    >>> @resources(cpu=2, memory=4096)
    ... @step
    ... def train(self): ...
    """
    return decorate_step(ResourcesDecorator, function, attributes)
