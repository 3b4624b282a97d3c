"""What a task of a step claims of a capacity, and what is to be said where that is not what it asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil

from msgspec import Struct
from msgspec.structs import replace

from stepwell.model.capacity import Capacity
from stepwell.model.policy import Resources

Claims = tuple[tuple[str, int], ...]
"""Kinds and thousandths, in the order in which a task that waits gets hold of them: the scarce ones first."""


class GangClaims(Struct, frozen=True):
    """What the tasks of a gang claim together; of GPUs, what each of ``shares`` claims.

    There is a share for each task, or one that all of them use.
    """

    claims: Claims = ()
    shares: int = 0


WHOLE = 1000
GPU, MEMORY, CPU, WORKERS = "gpu", "memory", "cpu", "workers"
_USUAL_CPU = 1.0


def claims_of(asked: Resources, capacity: Capacity) -> Claims:
    """Return what a task claims that asks for this.

    One that asks for more than there is claims every worker, and so runs alone. One that asks for more GPUs
    than there are claims all of those.
    """
    devices = min(_wanted_devices(asked), len(capacity.devices))
    if any(_excesses(asked, capacity)):
        return _alone(devices, capacity)
    return _beside_others(asked, devices, 1)


def gang_claims(asked: Resources, capacity: Capacity, size: int) -> GangClaims:
    """Return what a gang claims each task of which asks for this; as `claims_of` for what there is not."""
    wanted, have = _wanted_devices(asked), len(capacity.devices)
    on_each = int(1 / wanted) if 0 < wanted < 1 else 1
    is_enough = have * on_each >= ceil(wanted) * size
    devices, shares = (wanted, size) if is_enough else (have, 1)
    if any(_gang_excesses(asked, capacity, size)):
        return GangClaims(_alone(devices, capacity), shares)
    return GangClaims(_beside_others(_times(asked, size), devices, size), shares)


def _alone(devices: float, capacity: Capacity) -> Claims:
    return _in_thousandths({GPU: devices, WORKERS: capacity.workers})


def _beside_others(asked: Resources, devices: float, workers: int) -> Claims:
    claims = {_token(name): amount for name, amount in sorted(asked.custom.items())}
    return _in_thousandths(
        {**claims, GPU: devices, MEMORY: asked.memory_mb or 0.0, CPU: _cpu(asked), WORKERS: workers}
    )


def _in_thousandths(claims: Mapping[str, float]) -> Claims:
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


def gang_warnings(step: str, asked: Resources, capacity: Capacity, size: int) -> Iterator[str]:
    """Yield what the user should know of a gang that asks for more than there is."""
    gang = f"the gang of {size} tasks of step {step}"
    excess = next(_gang_excesses(asked, capacity, size), None)
    if excess is not None:
        yield f"{gang} asks for {excess}; it runs alone"
    if _wanted_devices(asked) and gang_claims(asked, capacity, size).shares != size:
        have = len(capacity.devices)
        gets = "each of them gets all of those" if have else "they run without"
        yield f"{gang} asks for gpu={asked.gpu:g} each, there are {have or 'none'}; {gets}"


def _gang_excesses(asked: Resources, capacity: Capacity, size: int) -> Iterator[str]:
    if size > capacity.workers:
        yield f"{size} workers, there {'is' if capacity.workers == 1 else 'are'} {capacity.workers}"
    yield from _excesses(_times(asked, size), capacity)


def _times(asked: Resources, size: int) -> Resources:
    """Return what so many tasks ask for together, GPUs aside."""
    return replace(
        asked,
        cpu=_cpu(asked) * size,
        memory_mb=(asked.memory_mb or 0.0) * size,
        custom={name: amount * size for name, amount in asked.custom.items()},
    )


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
