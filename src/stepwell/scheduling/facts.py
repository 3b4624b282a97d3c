"""What has happened, as the deciding half of the executor is told."""

from __future__ import annotations

from msgspec import Struct

from stepwell.model.task import TransitionTaken


class RunBegan(Struct, frozen=True, array_like=True):
    """The run starts: the entry step becomes ready, and what is known of an earlier execution is reused."""


class RoomFound(Struct, frozen=True, array_like=True):
    """At most ``limit`` tasks may be launched and not yet ended from now on."""

    limit: int


class TaskSucceeded(Struct, frozen=True, array_like=True):
    """The task has committed its pack and took this transition."""

    task: int
    transition: TransitionTaken


class TaskFailed(Struct, frozen=True, array_like=True):
    """An attempt of the task has failed.

    Attributes
    ----------
    at
        When, in seconds.
    kinds
        The class of what was raised and its bases, by dotted name; or a pseudo-type such as ``Signal``.
    platform
        Whether the task's process could not say it itself: only then may it be caught from outside.
    final
        Whether the task asked not to be tried again.
    """

    task: int
    reason: str
    at: float = 0.0
    kinds: tuple[str, ...] = ()
    platform: bool = False
    final: bool = False


class Tick(Struct, frozen=True, array_like=True):
    """It is ``at`` now: retries whose wait is over become ready."""

    at: float


class CancelAsked(Struct, frozen=True, array_like=True):
    """The user, or a signal, wants the run to end now."""

    reason: str


Fact = RunBegan | RoomFound | TaskSucceeded | TaskFailed | Tick | CancelAsked
