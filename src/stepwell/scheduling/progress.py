"""Where a run stands. Only transitions change it, and what one fact costs does not grow with the run."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from heapq import heappop, heappush

from msgspec import Struct

from stepwell.definition.graph import Graph
from stepwell.model.capacity import Capacity
from stepwell.model.policy import StepPolicy
from stepwell.model.task import TransitionKind
from stepwell.scheduling.dependencies import OpenSplit
from stepwell.scheduling.earlier import NOTHING, Earlier, PastTask
from stepwell.scheduling.gang import Gang
from stepwell.scheduling.limits import ReadyQueue
from stepwell.scheduling.orders import EndRun, Launch

_NO_POLICY = StepPolicy()


class StepCounts(Struct, frozen=True):
    """How many tasks of a step stand where; ``done`` has the reused ones too.

    After a failure, ``waiting`` are those that never start.
    """

    waiting: int = 0
    running: int = 0
    done: int = 0
    failed: int = 0


class StepProgress:
    """A step as scheduling needs it: what its tasks may do next, and how many stand where.

    Attributes
    ----------
    number
        The step's place in the graph.
    kind, targets
        The one transition that the graph allows, unless it is a switch.
    ways
        Of a switch, the transitions that it chooses from.
    closes
        For a join: the step that opens the split it closes.
    closed_by
        For a splitting step: the join that closes the split, by the first step of its first branch.
    policy
        What its decorators say of its attempts.
    """

    __slots__ = (
        "closed_by",
        "closes",
        "done",
        "failed",
        "kind",
        "name",
        "number",
        "policy",
        "running",
        "targets",
        "waiting",
        "ways",
    )

    def __init__(self, graph: Graph, name: str, number: int, policy: StepPolicy) -> None:
        node = graph[name]
        self.policy = policy
        self.name = name
        self.number = number
        self.kind: TransitionKind = node.transition.kind
        self.targets = node.targets
        self.closes = node.split if node.is_join else None
        self.closed_by = {
            way.targets[0]: graph.join_after(name, way.targets[0])
            for way in node.ways
            if way.kind not in ("linear", "end")
        }
        self.ways = {(way.kind, way.targets) for way in node.ways if node.is_switch}
        self.waiting = self.running = self.done = self.failed = 0


class LaunchedTask:
    """A task that has been launched and has not ended for good, and the branch it is in.

    Attributes
    ----------
    failures
        How many of its attempts have failed in this execution.
    """

    __slots__ = ("failures", "launch", "position", "split", "step")

    def __init__(self, step: StepProgress, split: OpenSplit | None, position: int, launch: Launch) -> None:
        self.step = step
        self.split = split
        self.position = position
        self.launch = launch
        self.failures = 0


class ReusedTask(Struct, frozen=True):
    """A task of an earlier execution in its place in this one; what follows it is still to be worked out."""

    past: PastTask
    step: StepProgress
    split: OpenSplit | None
    position: int
    path: tuple[int, ...]


class Scope(Struct, frozen=True):
    """Steps that a run may come to, with reused tasks or new ones; and those that it may execute."""

    reached: frozenset[str]
    executed: frozenset[str]


class Progress:
    """Everything the deciding half knows of one run.

    It holds the tasks that run, those that wait (as numbers) and the splits that are open; of a task that has
    ended, only its id, and only until its join is launched.

    Parameters
    ----------
    policies
        By step; a step that is left out has no retries.
    earlier
        What is known of an earlier execution.
    keep_going
        After a failure, go on with every task that does not depend on the failed one.
    drain_s
        How long tasks that run may go on after a failure that ends the run.
    scope
        Which steps the run may come to, and which it may execute.
    capacity
        What its tasks may claim together; None if their number is all that counts.

    Attributes
    ----------
    running
        Tasks that are launched and have not ended, by id.
    retrying
        Tasks of which an attempt has failed, until they are launched again.
    ready
        Tasks that wait for room, or to be looked up.
    asked, put_off
        Tasks that are looked up; and those of them whose answer waits for the end of another task.
    gangs
        Those that are ready, run or are to be tried again, by the id of their first task.
    reused
        Tasks of the earlier execution whose successors are still to be looked at.
    open_splits
        Splits whose join is not ready, by the task that opened them.
    failed
        ``STEP/TASK`` of tasks that failed for good, at most `FAILURES_KEPT`, and why the first of them did.
    ending
        How the run is going to end, as soon as nothing runs; None while it goes on.
    cancel_at
        When what still runs is cancelled; None if it is not to be.
    held_back
        Whether something could have started and was not in the scope.
    """

    __slots__ = (
        "_due",
        "asked",
        "began",
        "cancel_at",
        "drain_s",
        "earlier",
        "end",
        "ended",
        "ending",
        "failed",
        "first_reason",
        "gangs",
        "held_back",
        "keep_going",
        "names",
        "open_splits",
        "put_off",
        "ready",
        "retrying",
        "reused",
        "running",
        "scope",
        "start",
        "steps",
    )

    def __init__(
        self,
        graph: Graph,
        policies: Mapping[str, StepPolicy] | None = None,
        earlier: Earlier = NOTHING,
        keep_going: bool = False,
        drain_s: float = 30.0,
        scope: Scope | None = None,
        capacity: Capacity | None = None,
    ) -> None:
        policies = policies or {}
        self.start = graph.start
        self.end = graph.end
        self.names = tuple(graph.nodes)
        self.steps = {
            name: StepProgress(graph, name, number, policies.get(name, _NO_POLICY))
            for number, name in enumerate(self.names)
        }
        self.earlier = earlier
        self.keep_going = keep_going
        self.drain_s = drain_s
        self.scope = scope
        self.held_back = False
        self.cancel_at: float | None = None
        self.running: dict[int, LaunchedTask] = {}
        self.retrying: dict[int, LaunchedTask] = {}
        self._due: list[tuple[float, int]] = []
        self.ready = ReadyQueue(
            earlier.last_id + 1,
            {name: step.policy for name, step in self.steps.items()},
            capacity,
            graph.gangs,
        )
        self.gangs: dict[int, Gang] = {}
        self.asked: dict[int, LaunchedTask] = {}
        self.put_off: set[int] = set()
        self.reused: deque[ReusedTask] = deque()
        self.open_splits: dict[int, OpenSplit] = {}
        self.failed: list[str] = []
        self.first_reason = ""
        self.began = False
        self.ending: EndRun | None = None
        self.ended = False

    def release(self, launched: LaunchedTask) -> None:
        """Count a task as one that runs no more: what it claimed is free, its next attempt claims anew."""
        del self.running[launched.launch.task]
        launched.step.running -= 1
        if launched.launch.gang is None:  # else all of them are free when the last has ended
            self.ready.give_back(launched.launch)

    def put_gang(self, gang: Gang, is_new: bool = True) -> None:
        """Let a gang wait for room."""
        self.gangs[gang.control] = gang
        self.ready.put_gang(gang, is_new)

    def gang_of(self, launch: Launch) -> Gang | None:
        """Return the gang that a task belongs to."""
        return None if launch.gang is None else self.gangs[launch.gang[0]]

    def retry_at(self, at: float, task: int) -> None:
        """Let a task in ``retrying`` be due at a time."""
        heappush(self._due, (at, task))

    def take_due(self, now: float) -> LaunchedTask | None:
        """Return the task whose retry is due first, if one is by now; it waits no more then."""
        if not self._due or self._due[0][0] > now:
            return None
        return self.retrying.get(heappop(self._due)[1])

    @property
    def next_due(self) -> float | None:
        """When a `Tick` has something to do, in seconds; None if only other facts have."""
        times = [self.cancel_at] if self.cancel_at is not None else []
        if self._due:
            times.append(self._due[0][0])
        return min(times, default=None)

    def holds_back(self, step: str, reused: bool = False) -> bool:
        """Whether tasks of a step, new or reused, are out of the run's scope; that is noted."""
        if self.scope is None:
            return False
        held = step not in (self.scope.reached if reused else self.scope.executed)
        self.held_back = self.held_back or held
        return held

    def drop_waiting(self) -> None:
        """Forget all that has not been launched, or not yet again: the run is going to end."""
        self.ready.clear()
        self.reused.clear()
        self.open_splits.clear()
        self.retrying.clear()
        if self.gangs:
            runs = {task.launch.gang[0] for task in self.running.values() if task.launch.gang}
            self.gangs = {control: gang for control, gang in self.gangs.items() if control in runs}
        self.asked.clear()
        self.put_off.clear()
        self._due.clear()

    def why_failed(self) -> str:
        """Say which tasks failed for good, and which steps never ran for it; empty if none failed."""
        if not self.failed:
            return ""
        reason = self.first_reason
        if len(self.failed) > 1:
            more = self.failed[1:6]
            rest = f" and {len(self.failed) - 6} more" if len(self.failed) > 6 else ""
            reason += f"; failed too: {', '.join(more)}{rest}"
        if self.keep_going:
            for step in dict.fromkeys(task.partition("/")[0] for task in self.failed):
                never = [name for name in self._after(step) if not self._has_run(name)]
                reason += f"; because of {step} never ran: {', '.join(never)}" if never else ""
        return reason

    def _has_run(self, step: str) -> bool:
        return self.steps[step].done + self.steps[step].failed > 0

    def _after(self, step: str) -> list[str]:
        """Return every step that comes after one, in graph order."""
        found: set[str] = set()
        waiting = [step]
        while waiting:
            new = set(self.steps[waiting.pop()].targets) - found
            found |= new
            waiting += new
        return [name for name in self.names if name in found]

    def snapshot(self) -> dict[str, StepCounts]:
        """Return the counts of each step, in graph order; the cost is that of the graph, not of the run."""
        return {
            step.name: StepCounts(step.waiting, step.running, step.done, step.failed)
            for step in self.steps.values()
        }


FAILURES_KEPT = 100
