"""What this machine has for the tasks of a run: as it is set, else as it is found."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping

from stepwell.engine.cores import usable_cores
from stepwell.exceptions import UsageError
from stepwell.model.capacity import Capacity
from stepwell.model.policy import StepPolicy
from stepwell.runtime.options import Isolation, RunOptions
from stepwell.scheduling.claims import is_usual, warnings_of
from stepwell.settings.settings import Settings, Value

Policies = Mapping[str, StepPolicy]

# No setting, so not `STEPWELL_...`: it goes from one of our processes to another.
WORKERS_VARIABLE = "_STEPWELL_WORKERS_FD"


def workers_of(isolation: Isolation, options: RunOptions, settings: Settings) -> int:
    """Return how many tasks may run at once."""
    return 1 if isolation == "inline" else options.max_workers or max(1, int(_cores(settings)))


def workers_fd() -> int | None:
    """Return the socket by which this run shares workers with others; None if they are its own."""
    given = os.environ.pop(WORKERS_VARIABLE, None)
    if given is None:
        return None
    os.set_inheritable(int(given), False)
    return int(given)


def capacity_for(
    policies: Policies, isolation: Isolation, options: RunOptions, settings: Settings
) -> Capacity | None:
    """Return what the tasks may claim together; None if their number is all that counts."""
    asked = [policy.resources for policy in policies.values() if not policy.engine]
    priorities = {policy.priority for policy in policies.values()}
    has_gangs = any(policy.gang for policy in policies.values())
    if isolation == "inline" or (len(priorities) == 1 and all(map(is_usual, asked)) and not has_gangs):
        return None
    workers = workers_of(isolation, options, settings)
    return Capacity(
        workers=workers,
        cpu=max(_cores(settings), workers),
        memory_mb=_memory_mb(settings),
        devices=_devices(settings) if any(one.gpu for one in asked) else (),
        tokens=_tokens(settings.value("LOCAL_TOKENS")) if any(one.custom for one in asked) else {},
    )


def capacity_warnings(policies: Policies, capacity: Capacity | None) -> Iterator[str]:
    """Yield what the user should know of steps that ask for more than there is, once for each step."""
    if capacity is not None:
        for step, policy in policies.items():
            if policy.gang or policy.engine:
                continue  # of a gang as soon as its size is known; another engine has its own capacity
            for warning in warnings_of(step, policy.resources, capacity):
                yield f"{warning}."


def _cores(settings: Settings) -> float:
    return _positive(settings, "LOCAL_CPU") if settings.text("LOCAL_CPU") else float(usable_cores())


def _memory_mb(settings: Settings) -> float:
    if settings.text("LOCAL_MEMORY"):
        return _positive(settings, "LOCAL_MEMORY")
    from stepwell.engine.main_memory import usable_memory_mb

    return usable_memory_mb()


def _positive(settings: Settings, name: str) -> float:
    number = settings.number(name)
    if not 0 < number < float("inf"):
        value = settings.value(name)
        raise UsageError(
            f"STEPWELL_{name} must be a number above 0, it is {value.text!r} (from {value.origin})."
        )
    return number


def _devices(settings: Settings) -> tuple[str, ...]:
    text = settings.text("LOCAL_GPU").strip()
    if text.isdigit():
        return tuple(map(str, range(int(text))))
    if text:
        return tuple(_words(text))
    from stepwell.engine.gpus import usable_devices

    return usable_devices(os.environ)


def _tokens(value: Value) -> dict[str, float]:
    tokens: dict[str, float] = {}
    for word in _words(value.text):
        name, equals, amount = word.partition("=")
        try:
            tokens[name.strip()] = float(amount)
        except ValueError:
            equals = ""
        if not (equals and name.strip() and 0 <= tokens[name.strip()] < float("inf")):
            raise UsageError(
                f"STEPWELL_LOCAL_TOKENS must say how many there are of each token, as `licence=4,db=2` does; "
                f"it is {value.text!r} (from {value.origin})."
            )
    return tokens


def _words(text: str) -> Iterable[str]:
    return (word.strip() for word in text.split(",") if word.strip())
