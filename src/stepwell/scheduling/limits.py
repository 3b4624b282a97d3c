"""How many tasks at once, and in what order."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from heapq import heappop, heappush
from operator import attrgetter

from msgspec.structs import replace

from stepwell.model.capacity import Capacity
from stepwell.model.policy import StepPolicy
from stepwell.scheduling.claims import Claims, claims_of
from stepwell.scheduling.dependencies import OpenSplit
from stepwell.scheduling.fanout import Again, Batch, Children, Joining, Successors
from stepwell.scheduling.orders import Launch
from stepwell.scheduling.room import Room


class Lane:
    """Tasks that wait for the same: of one priority, with equal claims. Older first."""

    __slots__ = ("again", "batches", "claims", "missed", "priority")

    def __init__(self, priority: int = 0, claims: Claims = ()) -> None:
        self.priority = priority
        self.claims = claims
        self.again: deque[Again] = deque()
        self.batches: deque[Batch] = deque()
        self.missed: list[tuple[int, Again]] = []

    def __bool__(self) -> bool:
        return bool(self.batches or self.again or self.missed)

    def __len__(self) -> int:
        return sum(map(len, self.batches)) + len(self.again) + len(self.missed)

    @property
    def turn(self) -> tuple[int, bool, int]:
        """Sorts lanes that are not empty: higher priority first, then launched before, then older."""
        if self.again:
            return -self.priority, False, self.again[0].next_id
        return -self.priority, True, self.missed[0][0] if self._missed_is_older else self.batches[0].next_id

    @property
    def _missed_is_older(self) -> bool:
        return bool(self.missed) and not (self.batches and self.batches[0].next_id < self.missed[0][0])

    def take(self) -> tuple[Launch, OpenSplit | None, int]:
        """Return the order for the first task, and the branch it is in."""
        if not self.again and self._missed_is_older:
            return heappop(self.missed)[1].take()
        return _next_of(self.again or self.batches)


def _next_of(queue: deque[Again] | deque[Batch]) -> tuple[Launch, OpenSplit | None, int]:
    taken = queue[0].take()
    if not queue[0]:
        queue.popleft()
    return taken


class ReadyQueue:
    """The tasks that could start if there were room: higher priority first, then older, in item order.

    Ids are handed out here, 1, 2, 3, ..., as tasks become ready. So new tasks are always in the order of ids;
    those that were launched before come ahead of them. Tasks of cached steps wait apart until their results
    have been looked up.

    Parameters
    ----------
    capacity
        What tasks may claim together; None if their number is all that counts.

    Attributes
    ----------
    limit
        Most tasks that may be launched and not ended; 0 until room has been found.
    """

    __slots__ = ("_cached", "_lane_of", "_lanes", "_next_id", "_room", "_unasked", "limit")

    def __init__(
        self,
        first_id: int = 1,
        policies: Mapping[str, StepPolicy] | None = None,
        capacity: Capacity | None = None,
    ) -> None:
        self.limit = 0
        self._next_id = first_id
        self._room = None if capacity is None else Room(capacity)
        lanes: dict[tuple[int, Claims], Lane] = {}
        self._lane_of: dict[str, Lane] = {}
        for step, policy in (policies or {"": StepPolicy()}).items():
            claims = () if capacity is None else claims_of(policy.resources, capacity)
            kind = policy.priority, claims
            self._lane_of[step] = lanes.setdefault(kind, Lane(*kind))
        self._lanes = tuple(lanes.values())
        self._cached = {step for step, policy in (policies or {}).items() if policy.cache is not None}
        self._unasked: deque[Batch] = deque()

    def __bool__(self) -> bool:
        return any(self._lanes) or bool(self._unasked)

    def __len__(self) -> int:
        """How many tasks wait."""
        return sum(map(len, self._lanes)) + sum(map(len, self._unasked))

    def put_again(self, launch: Launch, split: OpenSplit | None, position: int) -> None:
        """Let a task wait that was launched before."""
        self._lane(launch.step).again.append(Again(launch, split, position))

    def put_earlier(self, launch: Launch, split: OpenSplit | None, position: int) -> None:
        """Let a task wait that has its id from an earlier execution."""
        if launch.step in self._cached:
            self._unasked.append(Again(launch, split, position))
        else:
            self.put_again(launch, split, position)

    def put_missed(self, launch: Launch, split: OpenSplit | None, position: int) -> None:
        """Let a task wait that was looked up in vain: in the place that its age gives it."""
        heappush(self._lane(launch.step).missed, (launch.task, Again(launch, split, position)))

    def put_children(self, step: str, split: OpenSplit, indexes: Sequence[int]) -> None:
        """Let the first tasks of these branches of a foreach wait."""
        self._batches_of(step).append(Children(step, self._next_id, split, indexes))
        self._next_id += len(indexes)

    def put_successor(
        self, step: str, split: OpenSplit | None, position: int, parent: tuple[str, int]
    ) -> None:
        """Let a task with one parent wait."""
        parent_step, parent_task = parent
        batches = self._batches_of(step)
        last = batches[-1] if batches else None
        if (
            isinstance(last, Successors)
            and last.split is split
            and last.step == step
            and last.parent_step == parent_step
            and last.end_id == self._next_id
        ):
            batch = last
        else:
            batch = Successors(step, self._next_id, split, parent_step)
            batches.append(batch)
        batch.add(position, parent_task)
        self._next_id += 1

    def put_join(self, closed: OpenSplit, names: tuple[str, ...]) -> None:
        """Let the join of a complete split wait."""
        self._batches_of(closed.join).append(Joining(self._next_id, closed, names))
        self._next_id += 1

    def take(self, running: int) -> tuple[Launch, OpenSplit | None, int] | None:
        """Return the order for the task whose turn it is, and the branch it is in; None if none may start."""
        if running >= self.limit:
            return None
        if len(self._lanes) == 1 and self._room is None:
            return self._lanes[0].take() if self._lanes[0] else None
        lanes = sorted(filter(None, self._lanes), key=attrgetter("turn"))
        if self._room is None:
            return lanes[0].take() if lanes else None
        self._room.look_again()
        for lane in lanes:
            if self._room.fits_or_keep(lane.claims):
                launch, split, position = lane.take()
                devices = self._room.take(lane.claims)
                return replace(launch, devices=devices) if devices else launch, split, position
        return None

    def take_unasked(self) -> tuple[Launch, OpenSplit | None, int] | None:
        """Return the oldest task that is to be looked up, and the branch it is in; None if there is none."""
        return _next_of(self._unasked) if self._unasked else None

    def give_back(self, launch: Launch) -> None:
        """Count up what a task had claimed that has ended."""
        if self._room is not None:
            self._room.give_back(self._lane(launch.step).claims, launch.devices)

    def clear(self) -> None:
        """Forget all that waits."""
        for lane in self._lanes:
            lane.again.clear()
            lane.batches.clear()
            lane.missed.clear()
        self._unasked.clear()

    def _batches_of(self, step: str) -> deque[Batch]:
        return self._unasked if step in self._cached else self._lane(step).batches

    def _lane(self, step: str) -> Lane:
        return self._lane_of.get(step, self._lanes[0])
