"""What the executor tells of foreach splits, and remembers of their items."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.definition.graph import Graph
from stepwell.model.ids import TaskKey
from stepwell.model.task import TransitionTaken
from stepwell.runtime.events import Listener, SplitOpened, StepSkipped
from stepwell.scheduling.orders import Launch

_LABELS_OF_SPLITS = 1000


class ForeachSplits:
    """The foreach splits of one run."""

    def __init__(self, graph: Graph, listener: Listener) -> None:
        self._graph = graph
        self._emit = listener
        self._labels: dict[str, Sequence[str]] = {}
        self._skipped: set[str] = set()

    def opened(self, key: TaskKey, pid: int, at: float, taken: TransitionTaken) -> None:
        """A task has fixed the items of a foreach, or the size of a gang."""
        if not taken.num_splits:
            self._skip(key.step, taken.targets[0], at)
            return
        self._labels[key.task] = taken.labels
        while len(self._labels) > _LABELS_OF_SPLITS:
            del self._labels[next(iter(self._labels))]
        self._emit(
            SplitOpened(
                at=at,
                key=key,
                pid=pid,
                target=taken.targets[0],
                num_splits=taken.num_splits,
                is_gang=taken.kind == "gang",
            )
        )

    def label_of(self, launch: Launch) -> str:
        """Return the label of the item that a task works on, as far as it is remembered."""
        if launch.index is None:
            return ""
        labels = self._labels.get(str(launch.parents[0][1]), ())
        return labels[launch.index] if launch.index < len(labels) else ""

    def _skip(self, opener: str, first: str, at: float) -> None:
        """Tell once of each step between the split and its join, those of inner splits among them."""
        between = {first}
        for node in self._graph:  # what leads to a step stands before it
            if node.name in between:
                between.update(node.targets)
                if opener in node.splits and node.name not in self._skipped:
                    self._skipped.add(node.name)
                    self._emit(StepSkipped(at=at, step=node.name))
