"""What a task of a step claims of a capacity, and what is to be said where that is not what it asks for."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from stepwell.model.capacity import Capacity
from stepwell.model.policy import Resources

Claims = tuple[tuple[str, int], ...]
"""Kinds and thousandths, in the order in which a task that waits gets hold of them: the scarce ones first."""

WHOLE = 1000
GPU, MEMORY, CPU, WORKERS = "gpu", "memory", "cpu", "workers"
_USUAL_CPU = 1.0


def claims_of(asked: Resources, capacity: Capacity) -> Claims:
    """Return what a task claims that asks for this.

    One that asks for more than there is claims every worker, and so runs alone. One that asks for more GPUs
    than there are claims all of those.
    """
    runs_alone = any(_excesses(asked, capacity))
    claims = {} if runs_alone else {_token(name): amount for name, amount in sorted(asked.custom.items())}
    claims[GPU] = min(_wanted_devices(asked), len(capacity.devices))
    if not runs_alone:
        claims[MEMORY] = asked.memory_mb or 0.0
        claims[CPU] = _cpu(asked)
    claims[WORKERS] = capacity.workers if runs_alone else 1
    return tuple((kind, round(amount * WHOLE)) for kind, amount in claims.items() if amount)


def amounts_of(capacity: Capacity) -> dict[str, int]:
    """Return how much there is of each kind but GPUs, in thousandths."""
    amounts = {
        **{_token(name): amount for name, amount in capacity.tokens.items()},
        MEMORY: capacity.memory_mb,
        CPU: capacity.cpu,
        WORKERS: capacity.workers,
    }
    return {kind: round(amount * WHOLE) for kind, amount in amounts.items()}


def is_usual(asked: Resources) -> bool:
    """Whether the number of workers says all there is to say of when such tasks may start."""
    return _cpu(asked) == _USUAL_CPU and not (asked.memory_mb or asked.gpu or asked.custom)


def warnings_of(step: str, asked: Resources, capacity: Capacity) -> Iterator[str]:
    """Yield what the user should know of a step that asks for more than there is."""
    for excess in _excesses(asked, capacity):
        yield f"step {step} asks for {excess}; its tasks run alone"
    if _wanted_devices(asked) > (have := len(capacity.devices)):
        there = f"there {'is' if have == 1 else 'are'} {have or 'none'}"
        gets = "; its tasks get what there is" if have else "; its tasks run without"
        yield f"step {step} asks for gpu={asked.gpu:g}, {there}{gets}"


def _excesses(asked: Resources, capacity: Capacity) -> Iterator[str]:
    """Yield in words each thing of which more is asked than there is."""
    if _cpu(asked) > capacity.cpu:
        yield f"cpu={_cpu(asked):g}, there are {capacity.cpu:g}"
    if (asked.memory_mb or 0) > capacity.memory_mb:
        yield f"{asked.memory_mb:g} MB of memory, there are {capacity.memory_mb:g}"
    for name, amount in sorted(asked.custom.items()):
        have = capacity.tokens.get(name)
        if have is None:
            yield f"{amount:g} of `{name}`, of which STEPWELL_LOCAL_TOKENS says nothing"
        elif amount > have:
            yield f"{amount:g} of `{name}`, STEPWELL_LOCAL_TOKENS says {have:g}"


def _cpu(asked: Resources) -> float:
    return _USUAL_CPU if asked.cpu is None else asked.cpu


def _wanted_devices(asked: Resources) -> float:
    """Return how many GPUs are asked for: a fraction of one, or whole ones."""
    wanted = asked.gpu or 0.0
    return wanted if wanted < 1 else ceil(wanted)


def _token(name: str) -> str:
    return f"token {name}"
