"""What has happened, as the deciding half of the executor is told."""

from __future__ import annotations

from msgspec import Struct

from stepwell.model.task import TransitionTaken


class RunBegan(Struct, frozen=True, array_like=True):
    """The run starts: the entry step becomes ready."""


class RoomFound(Struct, frozen=True, array_like=True):
    """At most ``limit`` tasks may be launched and not yet ended from now on."""

    limit: int


class TaskSucceeded(Struct, frozen=True, array_like=True):
    """The task has committed its pack and took this transition."""

    task: int
    transition: TransitionTaken


class TaskFailed(Struct, frozen=True, array_like=True):
    """The task has failed for good."""

    task: int
    reason: str


class CancelAsked(Struct, frozen=True, array_like=True):
    """The user, or a signal, wants the run to end now."""

    reason: str


Fact = RunBegan | RoomFound | TaskSucceeded | TaskFailed | CancelAsked
