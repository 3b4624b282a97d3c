"""A gang: tasks that start together, and succeed, fail and are tried again together."""

from __future__ import annotations

from heapq import heappop, heappush

from msgspec.structs import replace

from stepwell.model.policy import StepPolicy
from stepwell.model.task import TransitionTaken
from stepwell.scheduling.claims import GangClaims
from stepwell.scheduling.dependencies import OpenSplit
from stepwell.scheduling.facts import TaskFailed
from stepwell.scheduling.orders import Launch


class Gang:
    """The tasks that one ``num_parallel`` asked for, from when they are ready until they have ended for good.

    Attributes
    ----------
    split
        What their join closes.
    launches
        The orders for their next attempt, or for that which runs, by index.
    failures
        How many attempts have failed in this execution.
    failure
        What ended this attempt: the first failure of a task; None if none has failed.
    ended
        Transitions of the tasks that have ended in this attempt, by id; None for one that failed.
    claims, devices
        What they hold together while they run, and which GPUs.
    """

    __slots__ = ("claims", "devices", "ended", "failure", "failures", "launches", "split")

    def __init__(self, split: OpenSplit, launches: list[Launch]) -> None:
        self.split = split
        self.launches = launches
        self.failures = 0
        self.failure: TaskFailed | None = None
        self.ended: dict[int, TransitionTaken | None] = {}
        self.claims = GangClaims()
        self.devices: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def of(cls, step: str, ids: tuple[int, ...], split: OpenSplit, attempt: int = 0) -> Gang:
        """Return the gang of tasks with these ids, which its split has asked for."""
        parents, size = ((split.step, split.task),), len(ids)
        launches = [
            Launch(
                step,
                task,
                parents,
                index,
                split.path_of(index),
                attempt=attempt,
                gang=(ids[0], size),
            )
            for index, task in enumerate(ids)
        ]
        return cls(split, launches)

    @property
    def size(self) -> int:
        return len(self.launches)

    @property
    def step(self) -> str:
        return self.launches[0].step

    @property
    def control(self) -> int:
        """Id of the first task, by which the gang is known."""
        return self.launches[0].task

    @property
    def is_over(self) -> bool:
        """Whether all tasks have ended in this attempt."""
        return len(self.ended) == self.size

    def orders(self) -> list[Launch]:
        """Return the orders to launch all of them, with the GPUs that each may use."""
        if not self.devices:
            return self.launches
        own = self.devices if len(self.devices) == self.size else self.devices * self.size
        return [replace(launch, devices=devices) for launch, devices in zip(self.launches, own, strict=True)]

    def go_again(self, catch: bool) -> None:
        """Be ready for one more attempt."""
        self.failure = None
        self.ended = {}
        self.launches = [replace(launch, attempt=launch.attempt + 1, catch=catch) for launch in self.launches]


class GangLane:
    """Gangs of one step that wait: those that were launched before come first, then older ones.

    Attributes
    ----------
    largest
        Size of the largest that was admitted so far.
    """

    __slots__ = ("_waiting", "largest", "policy", "priority")

    def __init__(self, policy: StepPolicy) -> None:
        self.largest = 0
        self.priority = policy.priority
        self.policy = policy
        self._waiting: list[tuple[bool, int, Gang]] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def __len__(self) -> int:
        return sum(gang.size for _, _, gang in self._waiting)

    @property
    def turn(self) -> tuple[int, bool, int]:
        """Sorts it among lanes, as `Lane.turn` does."""
        is_new, control, _ = self._waiting[0]
        return -self.priority, is_new, control

    @property
    def first(self) -> Gang:
        """The gang whose turn it is."""
        return self._waiting[0][2]

    def put(self, gang: Gang, is_new: bool) -> None:
        """Let a gang wait."""
        heappush(self._waiting, (is_new, gang.control, gang))

    def take(self) -> Gang:
        """Return the gang whose turn it is; it waits no more."""
        return heappop(self._waiting)[2]

    def clear(self) -> None:
        """Forget all that waits."""
        self._waiting.clear()
