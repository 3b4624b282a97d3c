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
    final
        Why it is not to be tried again whatever is left; empty if it may be.
    catchable
        Whether it may be caught by one more attempt: the task's process could not do it itself.
    """

    task: int
    reason: str
    at: float = 0.0
    final: str = ""
    catchable: bool = False


class TaskCached(Struct, frozen=True, array_like=True):
    """The result of an equal task of the past has become that of this one, with the transition it took."""

    task: int
    transition: TransitionTaken


class CacheMissed(Struct, frozen=True, array_like=True):
    """There is no result that the task could take: it is to run."""

    task: int


class CacheWaits(Struct, frozen=True, array_like=True):
    """An equal task is under way, here or in another run: the answer comes when that one has ended."""

    task: int


class Tick(Struct, frozen=True, array_like=True):
    """It is ``at`` now: retries whose wait is over become ready."""

    at: float


class CancelAsked(Struct, frozen=True, array_like=True):
    """The user, or a signal, wants the run to end now."""

    reason: str


Fact = (
    RunBegan
    | RoomFound
    | TaskSucceeded
    | TaskFailed
    | TaskCached
    | CacheMissed
    | CacheWaits
    | Tick
    | CancelAsked
)
