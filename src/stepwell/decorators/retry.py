"""``@retry``: a failed task is tried again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, cast, overload

from msgspec.structs import replace

from stepwell.definition.decorator import StepDecorator
from stepwell.definition.placing import decorate_step
from stepwell.definition.step import StepFunction
from stepwell.exceptions import InvalidDecoratorAttribute
from stepwell.model.failure_kinds import PLATFORM_FAILURES, kind_name
from stepwell.model.policy import RetryPolicy, StepPolicy


class Retry(StepDecorator):
    """Says how often, when and after what a failed task is tried again."""

    name = "retry"
    defaults: ClassVar[Mapping[str, object]] = {
        "times": 3,
        "minutes_between_retries": None,
        "delay": None,
        "backoff": 1.0,
        "jitter": 0.0,
        "max_delay": None,
        "on": (),
        "never_on": (),
    }

    def check(self) -> None:
        times = self.number("times") or 0.0
        if times != int(times):
            raise InvalidDecoratorAttribute(f"@retry: `times` must be a whole number, but it is {times:g}.")
        backoff = self.number("backoff")
        if backoff is None or backoff < 1:
            raise InvalidDecoratorAttribute(
                f"@retry: `backoff` is the factor by which waits grow, at least 1; it is "
                f"{self.attributes['backoff']!r}."
            )
        if self.attributes["delay"] is not None and self.attributes["minutes_between_retries"] is not None:
            raise InvalidDecoratorAttribute(
                "@retry: `delay` and `minutes_between_retries` state the same wait. Leave one of them out."
            )
        jitter, jitter_s = self._jitter()
        minutes = self.number("minutes_between_retries")
        self._policy = RetryPolicy(
            times=int(times),
            delay_s=self._seconds("delay") if minutes is None else minutes * 60,
            backoff=backoff,
            jitter=jitter,
            jitter_s=jitter_s,
            max_delay_s=self._seconds("max_delay"),
            on=self._kinds("on"),
            never_on=self._kinds("never_on"),
        )

    def contribute(self, policy: StepPolicy) -> StepPolicy:
        return replace(policy, retry=self._policy)

    def _seconds(self, attribute: str) -> float | None:
        value = self.attributes[attribute]
        if isinstance(value, timedelta):
            if value < timedelta():
                raise InvalidDecoratorAttribute(f"@retry: `{attribute}` must not be negative.")
            return value.total_seconds()
        return self.number(attribute)

    def _jitter(self) -> tuple[float, float]:
        """Return fraction and seconds: a number up to 1 is a fraction, all else is time."""
        value = self._seconds("jitter") or 0.0
        is_time = isinstance(self.attributes["jitter"], timedelta) or value > 1
        return (0.0, value) if is_time else (value, 0.0)

    def _kinds(self, attribute: str) -> tuple[str, ...]:
        given = self.attributes[attribute]
        listed = cast("Sequence[object]", given) if isinstance(given, list | tuple) else (given,)
        return tuple(_kind(self.name, attribute, one) for one in listed)


def _kind(decorator: str, attribute: str, given: object) -> str:
    """Return the name that failures of a kind have; a dotted name may be any that leads to the class."""
    if isinstance(given, type):
        return kind_name(given)
    if not isinstance(given, str) or not all(part.isidentifier() for part in given.split(".")):
        raise InvalidDecoratorAttribute(
            f"@{decorator}: `{attribute}` takes exception classes, their dotted names, or "
            f"{', '.join(PLATFORM_FAILURES)}; {given!r} is none of them."
        )
    module, _, name = given.rpartition(".")
    found = getattr(sys.modules.get(module), name, None) if module else None
    return kind_name(found) if isinstance(found, type) else given


_Kinds = type[BaseException] | str | Sequence[type[BaseException] | str]
_Seconds = float | str | timedelta


@overload
def retry(function: StepFunction, /) -> StepFunction: ...
@overload
def retry(
    *,
    times: int | str = 3,
    minutes_between_retries: float | str | None = None,
    delay: _Seconds | None = None,
    backoff: float | str = 1.0,
    jitter: _Seconds = 0.0,
    max_delay: _Seconds | None = None,
    on: _Kinds = (),
    never_on: _Kinds = (),
) -> Callable[[StepFunction], StepFunction]: ...
def retry(function: Callable[..., Any] | None = None, /, **attributes: object) -> Any:
    """Try a failed task again, whatever made it fail: an exception, a signal, want of memory, a lost node.

    Parameters
    ----------
    times
        Most further attempts; 0 opts the step out of ``--with retry``.
    minutes_between_retries, delay
        Wait before the first retry, in minutes; or in seconds, or as a timedelta. Left out, it is nothing on
        this machine and two minutes on remote engines. A task that waits takes no worker.
    backoff
        Factor by which each wait is longer than the one before.
    jitter
        Up to how much longer a wait may be at random: a fraction of it up to 1, else seconds or a timedelta.
    max_delay
        Longest wait, in seconds or as a timedelta.
    on, never_on
        Exception classes or their dotted names, subclasses included, and the pseudo-types ``OutOfMemory``,
        ``Lost``, ``Signal``, ``Timeout`` and ``Exit`` for a process that could not say itself why it ended:
        only these are tried again; these never are.

    Examples
    --------
    >>> @retry(times=5, delay=1, backoff=2, on=(ConnectionError, "OutOfMemory"))
    ... @step
    ... def fetch(self): ...
    """
    return decorate_step(Retry, function, attributes)
