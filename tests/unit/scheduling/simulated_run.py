"""A simulated engine, and what a run of a shape must launch, worked out without any scheduling.

`expected_launches` walks the shape recursively. A task is known by its step and index path, which are unique.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from stepwell.definition.graph import Graph
from stepwell.model.policy import StepPolicy
from stepwell.model.task import TransitionTaken
from stepwell.scheduling.earlier import NOTHING, SINGLE, Earlier, PastTask, inputs_of
from stepwell.scheduling.facts import (
    CacheMissed,
    CacheWaits,
    CancelAsked,
    Fact,
    RoomFound,
    RunBegan,
    TaskCached,
    TaskFailed,
    TaskSucceeded,
    Tick,
)
from stepwell.scheduling.orders import EndRun, Launch, LookUp, Order, Retry, Reuse
from stepwell.scheduling.progress import Progress
from stepwell.scheduling.transitions import advance
from stepwell.testing.graphs import Chain, Each, Fork, Then

Place = tuple[str, tuple[int, ...]]


@dataclass(frozen=True)
class Expected:
    """What must be launched at a place."""

    parents: tuple[Place, ...]
    index: int | None = None
    split: Place | None = None

    @property
    def needs(self) -> tuple[Place, ...]:
        """The tasks that must have succeeded before."""
        return self.parents or (self.split,)


class Widths:
    """The number of items of each foreach: fixed by the seed, whatever the order of events."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def at(self, place: Place) -> int:
        return (0, 1, 2, 3, 2)[hash((self.seed, int(place[0][1:]), *place[1])) % 5]

    def needed(self, place: Place) -> int | None:
        """How many branches must succeed; None is all."""
        return None


def expected_launches(chain: Chain, widths: Widths) -> dict[Place, Expected]:
    """Everything a complete run launches, by place."""
    walk = _Walk(widths)
    walk.chain(chain, 0, (), Expected((("_parameters", ()),)))
    return walk.found


class _Walk:
    def __init__(self, widths: Widths) -> None:
        self.widths = widths
        self.found: dict[Place, Expected] = {}

    def chain(self, chain: Chain, number: int, path: tuple[int, ...], first: Expected) -> Place:
        last = (f"s{number}", path)
        self.found[last] = first
        number += 1
        for part in chain:
            last = self.part(part, last, number)
            number += part_size(part)
        return last

    def part(self, part, opener: Place, number: int) -> Place:
        path = opener[1]
        join = (f"s{number + part_size(part) - 1}", path)
        match part:
            case Then():
                self.found[join] = Expected((opener,))
                return join
            case Each():
                lasts = [
                    self.chain(part.body, number, (*path, index), Expected((opener,), index))
                    for index in range(self.widths.at(opener))
                ]
            case Fork():
                lasts = []
                for branch in part.branches:
                    lasts.append(self.chain(branch, number, path, Expected((opener,))))
                    number += chain_size(branch)
        self.found[join] = Expected(tuple(lasts), None, opener)
        return join


def chain_size(chain: Chain) -> int:
    return 1 + sum(map(part_size, chain))


def part_size(part) -> int:
    match part:
        case Then():
            return 1
        case Each():
            return chain_size(part.body) + 1
        case Fork():
            return sum(map(chain_size, part.branches)) + 1


@dataclass
class SimulatedRun:
    """Gives facts to `advance`, keeps what it ordered, and checks what must hold after each fact."""

    graph: Graph
    widths: Widths = field(default_factory=lambda: Widths(0))
    limit: int = 0
    policy: StepPolicy = field(default_factory=StepPolicy)
    earlier: Earlier = NOTHING
    keep_going: bool = False
    policies: dict[str, StepPolicy] = field(default_factory=dict)

    def __post_init__(self) -> None:
        policies = {**dict.fromkeys(self.graph.nodes, self.policy), **self.policies}
        self.progress = Progress(self.graph, policies, self.earlier, self.keep_going)
        self.launched: dict[int, Launch] = {}
        self.asked: dict[int, Launch] = {}
        self.running: dict[int, Launch] = {}
        self.succeeded: list[Place] = []
        self.failed: list[Launch] = []
        self.reused: dict[int, Place] = {}
        self.retries: list[Retry] = []
        self.ids: dict[Place, int] = {("_parameters", ()): 0}
        self.orders: list[Order] = []

    @property
    def endings(self) -> list[EndRun]:
        return [order for order in self.orders if isinstance(order, EndRun)]

    def launches_of(self, step: str) -> list[Launch]:
        return [launch for launch in self.launched.values() if launch.step == step]

    def place(self, parent: tuple[str, int]) -> Place:
        if parent[0] == "_parameters":
            return ("_parameters", ())
        return self.reused.get(parent[1]) or place_of(self.launched[parent[1]])

    def begin(self, limit: int) -> list[Order]:
        return self.find_room(limit) + self.tell(RunBegan())

    def find_room(self, limit: int) -> list[Order]:
        self.limit = limit
        return self.tell(RoomFound(limit))

    def hit(self, task: int) -> list[Order]:
        """The task takes its result from the past."""
        launch = self.launched[task] = self.asked.pop(task)
        self.succeeded.append(place_of(launch))
        return self.tell(TaskCached(task, self.transition(launch)))

    def miss(self, task: int) -> list[Order]:
        del self.asked[task]
        return self.tell(CacheMissed(task))

    def put_off(self, task: int) -> list[Order]:
        return self.tell(CacheWaits(task))

    def cancel(self) -> list[Order]:
        return self.tell(CancelAsked("asked"))

    def fail(self, task: int, reason: str = "broken", **more) -> list[Order]:
        self.failed.append(self.running.pop(task))
        return self.tell(TaskFailed(task, reason, **more))

    def wait(self, at: float) -> list[Order]:
        return self.tell(Tick(at))

    def left_behind(
        self,
        expected: dict[Place, Expected],
        without: frozenset[str] = frozenset(),
        broken: Collection[Place] = (),
    ) -> Earlier:
        """What another execution may go on from: all that succeeded, and ids of what did not, or is lost."""
        past = [
            self.past_task(place, want, place in broken)
            for place, want in expected.items()
            if place in self.ids and place[0] not in without
        ]
        return Earlier(past, last_id=max(self.launched))

    def past_task(self, place: Place, want: Expected, is_lost: bool = False) -> PastTask:
        launch = self.launched[self.ids[place]]
        good = place in self.succeeded and not is_lost
        return PastTask(
            step=place[0],
            task=launch.task,
            after=self.ids[want.split or want.parents[0]],
            index=SINGLE if want.index is None else want.index,
            transition=self.transition(launch) if good else None,
            attempt=launch.attempt + 1,
            inputs=inputs_of(self.ids[parent] for parent in want.parents) if want.split and good else 0,
        )

    def succeed(self, task: int) -> list[Order]:
        launch = self.running.pop(task)
        self.succeeded.append(place_of(launch))
        return self.tell(TaskSucceeded(task, self.transition(launch)))

    def transition(self, launch: Launch) -> TransitionTaken:
        node = self.graph[launch.step]
        if node.is_foreach:
            place = place_of(launch)
            return TransitionTaken(
                "foreach", node.targets, self.widths.at(place), min_success=self.widths.needed(place)
            )
        return TransitionTaken("end" if node.is_end else "split" if node.is_split else "linear", node.targets)

    def tell(self, fact: Fact) -> list[Order]:
        orders = advance(self.progress, fact)
        self.orders += orders
        for order in orders:
            if isinstance(order, Launch):
                before = self.launched.get(order.task)
                assert before is None or order.attempt == before.attempt + 1, "launched twice"
                self.launched[order.task] = self.running[order.task] = order
                self.ids[place_of(order)] = order.task
                assert len(self.running) <= self.limit, "launched without room"
            elif isinstance(order, LookUp):
                assert order.launch.task not in self.launched, "looked up after its launch"
                self.asked[order.launch.task] = order.launch
                self.ids[place_of(order.launch)] = order.launch.task
            elif isinstance(order, Reuse):
                place = (order.step, order.index_path)
                assert place not in self.ids, "in its place already"
                self.reused[order.task] = place
                self.ids[place] = order.task
            elif isinstance(order, Retry):
                self.retries.append(order)
        return orders


def place_of(launch: Launch) -> Place:
    return launch.step, launch.index_path
