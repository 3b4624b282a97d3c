"""What decorators decide about a step."""

from __future__ import annotations

from msgspec import Struct


class Resources(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a task needs. None means not stated.

    Attributes
    ----------
    cpu, gpu
        Number of cores and of devices; fractions are allowed.
    memory_mb, disk_mb, shared_memory_mb
        In MB, as users state them.
    """

    cpu: float | None = None
    gpu: float | None = None
    memory_mb: float | None = None
    disk_mb: float | None = None
    shared_memory_mb: float | None = None


class StepPolicy(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The sum of what a step's decorators ask for; checked against an engine's capabilities before a run.

    Attributes
    ----------
    variables
        Environment variables (name, value), sorted, that are set before the flow's file is imported.
    """

    resources: Resources = Resources()
    variables: tuple[tuple[str, str], ...] = ()
