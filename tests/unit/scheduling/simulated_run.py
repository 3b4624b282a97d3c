"""A simulated engine, and what a run of a shape must launch, worked out without any scheduling.

`expected_launches` walks the shape recursively. A task is known by its step and index path, and in a later
turn of a loop by the number of tasks that had these before it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from operator import attrgetter

from stepwell.definition.graph import Graph
from stepwell.definition.transition import Switch, Way
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
from stepwell.testing.graphs import Chain, Choice, Each, Fork, Repeat, Then, Together, loops_before, with_exit

Place = tuple[str, tuple[int, ...]] | tuple[str, tuple[int, ...], int]


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
        return (0, 1, 2, 3, 2)[self.drawn(place) % 5]

    def size(self, place: Place) -> int:
        """How many tasks a gang has."""
        return 1 + self.drawn(place, 3) % 4

    def drawn(self, place: Place, what: int = 0) -> int:
        """A number that is as good as random."""
        return hash((self.seed, *([what] if what else []), int(place[0][1:]), *place[1], *place[2:]))

    def case(self, place: Place, cases: int) -> int:
        """Which case of a switch is taken."""
        return self.drawn(place, 11) % cases

    def again(self, place: Place, loop: int) -> bool:
        """Whether a loop that ends in this place begins again."""
        return self.drawn(place, 13 + loop) % 3 == 0 and sum(place[2:]) < 20

    def needed(self, place: Place) -> int | None:
        """How many branches must succeed; None is all."""
        return None


def expected_launches(chain: Chain, widths: Widths) -> dict[Place, Expected]:
    """Everything a complete run launches, by place."""
    walk = _Walk(widths)
    walk.chain(with_exit(chain), 0, (), Expected((("_parameters", ()),)))
    return walk.found


class _Walk:
    def __init__(self, widths: Widths) -> None:
        self.widths = widths
        self.found: dict[Place, Expected] = {}
        self.turns: Counter[tuple[str, tuple[int, ...]]] = Counter()

    def add(self, number: int, path: tuple[int, ...], want: Expected) -> Place:
        name = f"s{number}"
        turn = self.turns[name, path]
        self.turns[name, path] += 1
        place = (name, path, turn) if turn else (name, path)
        self.found[place] = want
        return place

    def chain(self, chain: Chain, number: int, path: tuple[int, ...], first: Expected) -> Place:
        last = self.add(number, path, first)
        number += 1
        for part in chain:
            last = self.part(part, last, number)
            number += part_size(part)
        return last

    def part(self, part, opener: Place, number: int) -> Place:
        path = opener[1]
        after = number + part_size(part) - 1
        match part:
            case Then():
                return self.add(after, path, Expected((opener,)))
            case Each():
                lasts = [
                    self.chain(part.body, number, (*path, index), Expected((opener,), index))
                    for index in range(self.widths.at(opener))
                ]
                return self.add(after, path, Expected(tuple(lasts), None, opener))
            case Together():
                lasts = [
                    self.add(number, (*path, index), Expected((opener,), index))
                    for index in range(self.widths.size(opener))
                ]
                return self.add(after, path, Expected(tuple(lasts), None, opener))
            case Fork():
                lasts = []
                for branch in part.branches:
                    lasts.append(self.chain(branch, number, path, Expected((opener,))))
                    number += chain_size(branch)
                return self.add(after, path, Expected(tuple(lasts), None, opener))
            case Choice():
                last = self.case(part, opener, number)
                return last if part.part else self.add(after, path, Expected((last,)))
            case Repeat():
                loop = loops_before(part.body)
                last = self.chain(part.body, number, path, Expected((opener,)))
                while self.widths.again(last, loop):
                    last = self.chain(part.body, number, path, Expected((last,)))
                return last

    def case(self, choice: Choice, opener: Place, number: int) -> Place:
        taken = self.widths.case(opener, len(choice.cases))
        number += sum(map(case_size, choice.cases[:taken]))
        case = choice.cases[taken]
        if case is None:
            return opener
        if isinstance(case, Fork | Each | Together):
            return self.part(case, opener, number)
        return self.chain(case, number, opener[1], Expected((opener,)))


def chain_size(chain: Chain) -> int:
    return 1 + sum(map(part_size, chain))


def part_size(part) -> int:
    match part:
        case Then():
            return 1
        case Each():
            return chain_size(part.body) + 1
        case Together():
            return 2
        case Fork():
            return sum(map(chain_size, part.branches)) + 1
        case Choice():
            return sum(map(case_size, part.cases)) + (not part.part)
        case Repeat():
            return chain_size(part.body)


def case_size(case) -> int:
    if case is None:
        return 0
    return part_size(case) if isinstance(case, Fork | Each | Together) else chain_size(case)


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
        self.places: dict[int, Place] = {}
        self.turns: Counter[tuple[str, tuple[int, ...]]] = Counter()
        self.orders: list[Order] = []

    @property
    def endings(self) -> list[EndRun]:
        return [order for order in self.orders if isinstance(order, EndRun)]

    def launches_of(self, step: str) -> list[Launch]:
        return [launch for launch in self.launched.values() if launch.step == step]

    def place(self, parent: tuple[str, int]) -> Place:
        if parent[0] == "_parameters":
            return ("_parameters", ())
        return self.places[parent[1]]

    def place_of(self, launch: Launch) -> Place:
        """Where a task stands that was launched, or looked up."""
        return self.places[launch.task]

    def settle(self, task: int, step: str, path: tuple[int, ...]) -> Place:
        """Note where a task stands of which nothing was heard before."""
        turn = self.turns[step, path]
        self.turns[step, path] += 1
        place = self.places[task] = (step, path, turn) if turn else (step, path)
        assert place not in self.ids, "in its place already"
        self.ids[place] = task
        return place

    def begin(self, limit: int) -> list[Order]:
        return self.find_room(limit) + self.tell(RunBegan())

    def find_room(self, limit: int) -> list[Order]:
        self.limit = limit
        return self.tell(RoomFound(limit))

    def hit(self, task: int) -> list[Order]:
        """The task takes its result from the past."""
        launch = self.launched[task] = self.asked.pop(task)
        self.succeeded.append(self.place_of(launch))
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
        self.succeeded.append(self.place_of(launch))
        return self.tell(TaskSucceeded(task, self.transition(launch)))

    def transition(self, launch: Launch) -> TransitionTaken:
        place = self.place_of(launch)
        way, case = self.way(place)
        if way.kind == "gang":
            return TransitionTaken("gang", way.targets, self.widths.size(place), case=case)
        if way.kind != "foreach":
            return TransitionTaken(way.kind, way.targets, case=case)
        width, needed = self.widths.at(place), self.widths.needed(place)
        return TransitionTaken("foreach", way.targets, width, min_success=needed, case=case)

    def way(self, place: Place) -> tuple[Way, str]:
        """Where a task goes, as the seed says: again through a loop that ends in it, or out by a case."""
        transition = self.graph[place[0]].transition
        if not isinstance(transition, Switch):
            return transition, ""
        again = [case for case in transition.cases if case.label.startswith("again")]
        others = sorted((case for case in transition.cases if case not in again), key=attrgetter("label"))
        taken = next((case for loop, case in enumerate(again) if self.widths.again(place, loop)), None)
        taken = taken or others[self.widths.case(place, len(others))]
        return taken.way, taken.label

    def tell(self, fact: Fact) -> list[Order]:
        orders = advance(self.progress, fact)
        self.orders += orders
        for order in orders:
            if isinstance(order, Launch):
                before = self.launched.get(order.task)
                assert before is None or order.attempt == before.attempt + 1, "launched twice"
                if order.task not in self.places:
                    self.settle(order.task, order.step, order.index_path)
                self.launched[order.task] = self.running[order.task] = order
                gangs = {one.gang for one in self.running.values()}
                has_room = len(self.running) <= self.limit or (len(gangs) == 1 and None not in gangs)
                assert has_room, "launched without room"
            elif isinstance(order, LookUp):
                assert order.launch.task not in self.launched, "looked up after its launch"
                self.asked[order.launch.task] = order.launch
                self.settle(order.launch.task, order.launch.step, order.launch.index_path)
            elif isinstance(order, Reuse):
                self.reused[order.task] = self.settle(order.task, order.step, order.index_path)
            elif isinstance(order, Retry):
                self.retries.append(order)
        return orders
