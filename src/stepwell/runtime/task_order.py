"""From what a scheduler says of a task that is due to the request that the task's process takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from stepwell.datastore.datastore import Datastore
from stepwell.definition.graph import Graph, Node
from stepwell.definition.nearest import did_you_mean, listed
from stepwell.exceptions import UsageError
from stepwell.model.given_ids import fault_of_task_id
from stepwell.model.ids import TaskKey
from stepwell.model.pack import Pack
from stepwell.model.task import TaskRef, TaskRequest

_SHOWN = 10


class TaskOrder(Struct, frozen=True, kw_only=True):
    """What a scheduler says of a task that is due.

    Attributes
    ----------
    inputs
        The tasks that it follows, as ``RUN/STEP/TASK``; for a join in any order.
    index
        Index of the foreach item, for the first task of a foreach branch.
    attempt, attempt_limit
        Which try it is, and the last one there will be, from 0.
    """

    run: str
    step: str
    task: str
    inputs: tuple[str, ...]
    index: int | None = None
    attempt: int = 0
    attempt_limit: int = 0

    @property
    def attempts_left(self) -> int:
        """How many attempts there may be after this one."""
        return max(0, self.attempt_limit - self.attempt)

    @property
    def is_last_attempt(self) -> bool:
        """Whether a failure is for good."""
        return not self.attempts_left


class DueTask(Struct, frozen=True):
    """A task that can start.

    Attributes
    ----------
    index_path
        Indexes of the foreach items that enclose it, outermost first.
    """

    request: TaskRequest
    index_path: tuple[int, ...]


def due_task(order: TaskOrder, flow: str, graph: Graph, datastore: Datastore) -> DueTask:
    """Return the request for the task.

    Raises
    ------
    UsageError
        The order does not fit the graph, or what the inputs have done.
    StepwellDataMissing
        An input has not succeeded.
    """
    if order.step not in graph.nodes:
        near = did_you_mean(order.step, graph.nodes)
        raise UsageError(f"The flow has no step `{order.step}`. {near or f'It has: {listed(graph.nodes)}.'}")
    if fault := fault_of_task_id(order.task):
        raise UsageError(f"{order.task!r} cannot be the id of a task. {fault}")
    if not order.inputs:
        raise UsageError(f"No inputs are given. Name the tasks that {order.step}/{order.task} follows.")
    inputs = _Inputs(order, TaskKey(flow, order.run, order.step, order.task), graph, datastore)
    return inputs.of_join() if graph[order.step].is_join else inputs.of_step()


class _Inputs:
    """The inputs of one task, held against the graph."""

    def __init__(self, order: TaskOrder, key: TaskKey, graph: Graph, datastore: Datastore) -> None:
        self._order = order
        self._key = key
        self._graph = graph
        self._node: Node = graph[order.step]
        self._datastore = datastore
        self._refs = tuple(_parsed(path, order.run) for path in order.inputs)

    def of_step(self) -> DueTask:
        """Return a task that is no join."""
        if len(self._refs) != 1:
            raise UsageError(
                f"Step `{self._order.step}` is no join: it follows one task, not {len(self._refs)}."
            )
        parent = self._pack(self._refs[0])
        taken = parent.outcome.transition
        if taken is None or self._order.step not in taken.targets:
            went = listed(taken.targets) if taken is not None and taken.targets else "nowhere"
            raise UsageError(f"The input {parent.key.short} went to {went}, not to `{self._order.step}`.")
        width = taken.num_splits if taken.kind == "foreach" else None
        index = self._checked_index(parent, width)
        path = tuple(frame.index for frame in parent.frames)
        return DueTask(
            TaskRequest(
                key=self._key,
                attempt=self._order.attempt,
                parents=self._refs,
                index=index,
                retries_left=self._order.attempts_left,
            ),
            path if index is None else (*path, index),
        )

    def _checked_index(self, parent: Pack, width: int | None) -> int | None:
        index = self._order.index
        if width is None:
            if index is not None:
                raise UsageError(f"The input {parent.key.short} opens no foreach: leave --split-index out.")
        elif index is None:
            raise UsageError(
                f"The input {parent.key.short} opens a foreach: --split-index says which of its "
                f"{width} items the task works on."
            )
        elif not 0 <= index < width:
            raise UsageError(
                f"--split-index is {index}; the foreach of {parent.key.short} has {width} items."
            )
        return index

    def of_join(self) -> DueTask:
        """Return a join, with its inputs in the order of the branches."""
        if self._order.index is not None:
            raise UsageError(f"Step `{self._order.step}` is a join: leave --split-index out.")
        opener = self._graph[str(self._node.split)]
        if [ref.step for ref in self._refs] == [opener.name]:
            split, parents = self._pack(self._refs[0]), ()
            count = split.items.count if split.items is not None else 0
            taken = split.outcome.transition
            if count or taken is None or taken.kind != "foreach":
                raise UsageError(
                    f"`{opener.name}` as the only input of join `{self._order.step}` stands for a foreach "
                    f"without items; {split.key.short} has branches. Name the last task of each."
                )
        else:
            split, parents = self._joined(opener)
        request = TaskRequest(
            key=self._key,
            attempt=self._order.attempt,
            retries_left=self._order.attempts_left,
            parents=parents,
            split=TaskRef(split.key.step, split.key.task),
        )
        return DueTask(request, tuple(frame.index for frame in split.frames))

    def _joined(self, opener: Node) -> tuple[Pack, tuple[TaskRef, ...]]:
        """Return the pack of the task that opened the split, and the inputs in the order of its branches."""
        placed: dict[int, TaskRef] = {}
        splits: set[TaskRef] = set()
        for ref in self._refs:
            split, branch = self._branch(self._pack(ref), opener)
            splits.add(split)
            if branch in placed and placed[branch] != ref:
                raise UsageError(
                    f"Two inputs come from one branch: {_path(self._order.run, placed[branch])} "
                    f"and {_path(self._order.run, ref)}."
                )
            placed[branch] = ref
        if len(splits) > 1:
            found = listed(_path(self._order.run, split) for split in sorted(splits, key=lambda s: s.task))
            raise UsageError(f"The inputs come from several splits: {found}. A join closes one.")
        pack = self._pack(next(iter(splits)))
        width = pack.items.count if pack.items is not None else len(_targets(pack))
        if len(placed) < width:
            raise UsageError(self._missing(pack, width, placed))
        return pack, tuple(placed[branch] for branch in range(width))

    def _missing(self, split: Pack, width: int, placed: dict[int, TaskRef]) -> str:
        left = [branch for branch in range(width) if branch not in placed]
        taken, names = split.outcome.transition, list[str]()
        if taken is not None:
            is_static = taken.kind == "split"
            names = [taken.targets[i] if is_static else f"{taken.targets[0]}[{i}]" for i in left]
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        return (
            f"The join `{self._order.step}` needs one input from each of the {width} branches of "
            f"{split.key.short}; missing are {listed(names[:_SHOWN])}{more}."
        )

    def _branch(self, pack: Pack, opener: Node) -> tuple[TaskRef, int]:
        """Return the task that opened the split, and which of its branches the input is the last task of."""
        given = pack.key.short
        if self._order.step not in (pack.outcome.transition.targets if pack.outcome.transition else ()):
            raise UsageError(f"The input {given} did not go to `{self._order.step}`.")
        frame = pack.frames[-1] if pack.frames else None
        if frame is not None and frame.step == opener.name:
            return TaskRef(frame.step, frame.task), frame.index
        for below, above in self._upwards(pack):
            if above.step == opener.name and below in (branches := _targets(self._pack(above))):
                return above, branches.index(below)
        raise UsageError(f"The input {given} does not come from the split in `{opener.name}`.")

    def _upwards(self, pack: Pack) -> Iterator[tuple[str, TaskRef]]:
        """Yield steps and the task above each: the parent, or for a join the task that opened its split."""
        while pack.parents or pack.split is not None:
            above = pack.parents[0] if pack.split is None else pack.split
            yield pack.key.step, above
            pack = self._pack(above)

    def _pack(self, ref: TaskRef) -> Pack:
        return next(self._datastore.packs(self._key.flow, self._order.run, (ref,)))


def _targets(split: Pack) -> tuple[str, ...]:
    """Return the branches of a static split; none if the task opened no such split."""
    taken = split.outcome.transition
    return taken.targets if taken is not None and taken.kind == "split" else ()


def _parsed(path: str, run: str) -> TaskRef:
    parts = path.split("/")
    if len(parts) != 3 or not all(parts):
        raise UsageError(f"The input `{path}` has not the form RUN/STEP/TASK.")
    if parts[0] != run:
        raise UsageError(f"The input `{path}` is of another run than `{run}`.")
    return TaskRef(parts[1], parts[2])


def _path(run: str, ref: TaskRef) -> str:
    return f"{run}/{ref.step}/{ref.task}"


def inputs_in(text: str) -> Sequence[str]:
    """Return the inputs that a text lists, separated by commas or white space."""
    return text.replace(",", " ").split()
