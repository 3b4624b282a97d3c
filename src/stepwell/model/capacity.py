"""What a machine has of what steps ask for."""

from __future__ import annotations

from msgspec import Struct


class Capacity(Struct, frozen=True, kw_only=True):
    """What the tasks of one run may claim together.

    Attributes
    ----------
    workers
        Most tasks at once.
    devices
        Ids of the GPUs, as ``CUDA_VISIBLE_DEVICES`` and its like take them.
    tokens
        How many there are of each kind that users name.
    """

    workers: int
    cpu: float
    memory_mb: float
    devices: tuple[str, ...] = ()
    tokens: dict[str, float] = {}
