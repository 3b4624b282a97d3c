"""Where a run stands. Only transitions change it, and what one fact costs does not grow with the run."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from stepwell.definition.graph import Graph
from stepwell.definition.transition import End, Foreach, Linear, Split
from stepwell.model.task import TransitionKind
from stepwell.scheduling.dependencies import OpenSplit
from stepwell.scheduling.limits import ReadyQueue
from stepwell.scheduling.orders import EndRun

_KINDS: Mapping[type, TransitionKind] = {Linear: "linear", Split: "split", Foreach: "foreach", End: "end"}


class StepCounts(Struct, frozen=True):
    """How many tasks of a step stand where. After a failure, ``waiting`` are those that never start."""

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
        The one transition that the graph allows.
    closes
        For a join: the step that opens the split it closes.
    closed_by
        For a splitting step: the join that closes its split.
    """

    __slots__ = (
        "closed_by",
        "closes",
        "done",
        "failed",
        "kind",
        "name",
        "number",
        "running",
        "targets",
        "waiting",
    )

    def __init__(self, graph: Graph, name: str, number: int) -> None:
        node = graph[name]
        self.name = name
        self.number = number
        self.kind: TransitionKind = _KINDS[type(node.transition)]
        self.targets = node.targets
        self.closes = node.split if node.is_join else None
        self.closed_by = graph.join_of.get(name, "")
        self.waiting = self.running = self.done = self.failed = 0


class RunningTask:
    """A task that is launched and has not ended, and the branch it is in."""

    __slots__ = ("path", "position", "split", "step")

    def __init__(
        self, step: StepProgress, split: OpenSplit | None, position: int, path: tuple[int, ...]
    ) -> None:
        self.step = step
        self.split = split
        self.position = position
        self.path = path


class Progress:
    """Everything the deciding half knows of one run.

    It holds the tasks that run, those that wait (as numbers) and the splits that are open; of a task that has
    ended, only its id, and only until its join is launched.

    Attributes
    ----------
    running
        Tasks that are launched and have not ended, by id.
    ready
        Tasks that wait for room.
    open_splits
        Splits whose join is not ready, by the task that opened them.
    ending
        How the run is going to end, as soon as nothing runs; None while it goes on.
    """

    __slots__ = (
        "began",
        "end",
        "ended",
        "ending",
        "names",
        "open_splits",
        "ready",
        "running",
        "start",
        "steps",
    )

    def __init__(self, graph: Graph) -> None:
        self.start = graph.start
        self.end = graph.end
        self.names = tuple(graph.nodes)
        self.steps = {name: StepProgress(graph, name, number) for number, name in enumerate(self.names)}
        self.running: dict[int, RunningTask] = {}
        self.ready = ReadyQueue()
        self.open_splits: dict[int, OpenSplit] = {}
        self.began = False
        self.ending: EndRun | None = None
        self.ended = False

    def snapshot(self) -> dict[str, StepCounts]:
        """Return the counts of each step, in graph order; the cost is that of the graph, not of the run."""
        return {
            step.name: StepCounts(step.waiting, step.running, step.done, step.failed)
            for step in self.steps.values()
        }
