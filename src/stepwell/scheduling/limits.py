"""How many tasks at once, and in what order."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from heapq import heappop, heappush
from operator import attrgetter

from msgspec.structs import replace

from stepwell.model.capacity import Capacity
from stepwell.model.policy import StepPolicy
from stepwell.scheduling.claims import GPU, Claims, claims_of, gang_claims, gang_warnings
from stepwell.scheduling.dependencies import OpenSplit
from stepwell.scheduling.fanout import Again, Batch, Children, Joining, Successors
from stepwell.scheduling.gang import Gang, GangLane
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

    def clear(self) -> None:
        """Forget all that waits."""
        self.again.clear()
        self.batches.clear()
        self.missed.clear()


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
        Most tasks that may be launched and not ended; 0 until room has been found. A larger gang runs alone.
    remarks
        What the user should know of gangs that have been admitted.
    """

    __slots__ = (
        "_admitted",
        "_cached",
        "_capacity",
        "_gang_lanes",
        "_lane_of",
        "_lanes",
        "_next_id",
        "_plain",
        "_room",
        "_unasked",
        "limit",
        "remarks",
    )

    def __init__(
        self,
        first_id: int = 1,
        policies: Mapping[str, StepPolicy] | None = None,
        capacity: Capacity | None = None,
        gangs: Collection[str] = (),
    ) -> None:
        self.limit = 0
        self.remarks: list[str] = []
        self._next_id = first_id
        self._room = None if capacity is None else Room(capacity)
        self._capacity = capacity
        self._admitted: deque[tuple[Launch, OpenSplit | None, int]] = deque()
        lanes: dict[tuple[int, Claims], Lane] = {}
        self._lane_of: dict[str, Lane] = {}
        self._gang_lanes = {step: GangLane(policies[step]) for step in gangs} if policies else {}
        for step, policy in (policies or {"": StepPolicy()}).items():
            if step in self._gang_lanes:
                continue
            claims = () if capacity is None or policy.engine else claims_of(policy.resources, capacity)
            kind = policy.priority, claims
            self._lane_of[step] = lanes.setdefault(kind, Lane(*kind))
        self._plain = next(iter(lanes.values()))
        self._lanes: tuple[Lane | GangLane, ...] = (*lanes.values(), *self._gang_lanes.values())
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

    def put_gang(self, gang: Gang, is_new: bool = True) -> None:
        """Let a gang wait, until there is room for all of it."""
        self._gang_lanes[gang.step].put(gang, is_new)

    def new_ids(self, count: int) -> tuple[int, ...]:
        """Hand out ids for tasks that become ready."""
        self._next_id += count
        return tuple(range(self._next_id - count, self._next_id))

    def take(self, running: int) -> tuple[Launch, OpenSplit | None, int] | None:
        """Return the order for the task whose turn it is, and the branch it is in; None if none may start.

        Those of a gang come one after another, whatever the limit: it has been admitted as a whole.
        """
        if self._admitted:
            return self._admitted.popleft()
        if running >= self.limit:
            return None
        if len(self._lanes) == 1 and self._room is None:
            return self._plain.take() if self._plain else None
        if self._room is not None:
            self._room.look_again()
        for lane in sorted(filter(None, self._lanes), key=attrgetter("turn")):
            if isinstance(lane, Lane):
                if self._room is None or self._room.fits_or_keep(lane.claims):
                    return self._taken(lane)
            elif self._may_start(lane, running):
                return self._admit(lane)
            elif self._room is None or self._is_over_limit(lane.first, running):
                return None  # whoever came after it would take what it waits for
        return None

    def _taken(self, lane: Lane) -> tuple[Launch, OpenSplit | None, int]:
        launch, split, position = lane.take()
        devices = () if self._room is None else self._room.take(lane.claims)
        return replace(launch, devices=devices) if devices else launch, split, position

    def _may_start(self, lane: GangLane, running: int) -> bool:
        """Whether there is room for all of the lane's first gang; if not, some is kept for it."""
        gang = lane.first
        if self._is_over_limit(gang, running):
            return False
        if self._room is None or self._capacity is None or lane.policy.engine:
            return True
        gang.claims = gang_claims(lane.policy.resources, self._capacity, gang.size)
        return self._room.fits_or_keep(gang.claims.claims, gang.claims.shares)

    def _is_over_limit(self, gang: Gang, running: int) -> bool:
        return running > 0 and running + gang.size > self.limit

    def _admit(self, lane: GangLane) -> tuple[Launch, OpenSplit | None, int]:
        gang = lane.take()
        if self._room is not None and self._capacity is not None:
            gang.devices = self._room.take_together(gang.claims)
            asked = lane.policy.resources
            if gang.size > lane.largest:  # said once, and again of larger ones
                lane.largest = gang.size
                self.remarks += gang_warnings(gang.step, asked, self._capacity, gang.size)
        self._admitted.extend((launch, gang.split, launch.index or 0) for launch in gang.orders())
        return self._admitted.popleft()

    def take_unasked(self) -> tuple[Launch, OpenSplit | None, int] | None:
        """Return the oldest task that is to be looked up, and the branch it is in; None if there is none."""
        return _next_of(self._unasked) if self._unasked else None

    def give_back(self, launch: Launch) -> None:
        """Count up what a task had claimed that has ended."""
        if self._room is not None:
            self._room.give_back(self._lane(launch.step).claims, launch.devices)

    def give_back_gang(self, gang: Gang) -> None:
        """Count up what a gang had claimed, all tasks of which have ended."""
        if self._room is not None:
            for kind in gang.claims.claims:
                for devices in gang.devices if kind[0] == GPU else ((),):
                    self._room.give_back((kind,), devices)
        gang.devices = ()

    def clear(self) -> None:
        """Forget all that waits."""
        for lane in self._lanes:
            lane.clear()
        self._unasked.clear()

    def _batches_of(self, step: str) -> deque[Batch]:
        return self._unasked if step in self._cached else self._lane(step).batches

    def _lane(self, step: str) -> Lane:
        return self._lane_of.get(step, self._plain)
