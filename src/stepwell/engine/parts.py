"""What an engine of a plugin is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct


class EngineParts(Struct, frozen=True, kw_only=True):
    """The one argument that an engine of a plugin is made with.

    Attributes
    ----------
    command
        Starts an interpreter on this machine that runs one task, as `PortableEngine` tells it which.
    environment
        Variables that such an interpreter needs, beside those of this process.
    workers
        How many tasks the user wants at once.
    grace_s
        How long a task that was asked to end may take before it is killed.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    workers: int
    grace_s: float
