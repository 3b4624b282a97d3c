"""``@timeout``: the most time that an attempt of a step may take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, overload

from msgspec.structs import replace

from stepwell.definition.decorator import StepDecorator
from stepwell.definition.placing import decorate_step
from stepwell.definition.step import StepFunction
from stepwell.exceptions import InvalidDecoratorAttribute
from stepwell.model.policy import StepPolicy


class Timeout(StepDecorator):
    """Limits the time of each attempt."""

    name = "timeout"
    defaults: ClassVar[Mapping[str, object]] = {"seconds": 0, "minutes": 0, "hours": 0, "grace": 30}

    def check(self) -> None:
        self.number("grace")
        if not self._limit_s():
            raise InvalidDecoratorAttribute(
                "@timeout states no time. Write, for instance, @timeout(minutes=10)."
            )

    def contribute(self, policy: StepPolicy) -> StepPolicy:
        grace_s = self.number("grace")
        return replace(
            policy, timeout_s=self._limit_s(), timeout_grace_s=30.0 if grace_s is None else grace_s
        )

    def _limit_s(self) -> float:
        units = {"seconds": 1.0, "minutes": 60.0, "hours": 3600.0}
        return sum((self.number(name) or 0.0) * unit for name, unit in units.items())


_Number = float | str


@overload
def timeout(function: StepFunction, /) -> StepFunction: ...
@overload
def timeout(
    *, seconds: _Number = 0, minutes: _Number = 0, hours: _Number = 0, grace: _Number = 30
) -> Callable[[StepFunction], StepFunction]: ...
def timeout(function: Callable[..., Any] | None = None, /, **attributes: object) -> Any:
    """Limit the time of each attempt of a step, from the start of its code.

    At the limit a `TimeoutException` is raised in the step, with the place that it had reached. A step that
    has not ended ``grace`` seconds later is killed. A timeout is a failure like others: retried first,
    caught last. ``current.attempt_deadline`` tells a step when its time is up.

    Parameters
    ----------
    seconds, minutes, hours
        The limit is their sum.
    grace
        Seconds between the exception and the end of the process.

    Examples
    --------
    >>> @timeout(minutes=5)
    ... @step
    ... def fetch(self): ...
    """
    return decorate_step(Timeout, function, attributes)
