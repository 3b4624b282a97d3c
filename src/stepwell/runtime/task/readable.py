"""What a task could read, by hash: nothing of it is loaded, and no step runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from stepwell.datastore.blobs import digest_of
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.exceptions import StepwellDataMissing, StepwellException
from stepwell.model import wire
from stepwell.model.artifact import ArtifactEntry
from stepwell.model.foreach import Frame
from stepwell.model.ids import PARAMETERS_STEP
from stepwell.model.observed import (
    INDEX,
    ITEM,
    NAMES,
    OF_EVERY_INPUT,
    OF_SELF,
    OF_SPLIT,
    STACK,
    Merge,
    Read,
    Shape,
)
from stepwell.model.pack import Pack
from stepwell.model.task import TaskRef, TaskRequest
from stepwell.runtime.task.inputs import TaskSource
from stepwell.runtime.task.iterations import iterations_of
from stepwell.runtime.task.merge import merged

Entries = dict[str, ArtifactEntry]


class Readable:
    """The inputs of one task, as the task itself would find them.

    Raises
    ------
    StoreError
        From every method: a pack or a table of foreach items cannot be read.
    """

    def __init__(self, definition: FlowDefinition, source: TaskSource, request: TaskRequest) -> None:
        self._definition = definition
        self._source = source
        self._request = request
        self._visible: dict[TaskRef, Entries] = {}

    def frames(self, label: str = "") -> tuple[Frame, ...]:
        """Return its place in foreaches; ``label`` is that of its own item."""
        above = self._above
        index = self._request.index
        if index is None:
            return above.frames
        variable = self._definition.graph[above.key.step].foreach_variable(above.outcome.transition)
        count = above.items.count if above.items else 0
        return (*above.frames, Frame(above.key.step, above.key.task, variable, count, index, label))

    @property
    def iterations(self) -> tuple[int, ...]:
        """In which iteration of its loops it is."""
        return iterations_of(self._definition.graph, self._request.key.step, self._above)

    @cached_property
    def place(self) -> tuple[tuple[str, bytes], ...]:
        """What belongs to its key whatever it reads: its item, its iteration, the branches of a join."""
        frames, found = self.frames(), list[tuple[str, bytes]]()
        if frames:
            found.append(("foreach item", self._item(frames[-1])))
        if self.iterations:
            found.append(("iteration of the loop", ",".join(map(str, self.iterations)).encode()))
        if self._request.split is not None:
            taken = self._above.outcome.transition
            parents = self._request.parents
            branches = f"{len(parents)} branches"
            if taken is not None and taken.kind == "split":
                branches += ": " + ", ".join(
                    f"{target} to {parent.step}"
                    for target, parent in zip(taken.targets, parents, strict=False)
                )
            found.append(("inputs of the join", branches.encode()))
        return tuple(found)

    def everything(self) -> bytes:
        """Return what stands for all that it could read."""
        parts = [("", name, _of(entry)) for name, entry in sorted(self._begins_with.items())]
        for position, parent in enumerate(self._request.parents if self._request.split else ()):
            entries = self._entries_of(parent)
            parts += [(str(position), name, _of(entry)) for name, entry in sorted(entries.items())]
        return digest_of([wire.encode((self.place, parts))])

    def digests(self, shape: Shape) -> tuple[bytes, ...] | None:
        """Return what stands for each value that is read; None if it could not be read in this way."""
        stages = self.stages(shape.merges)
        if stages is None:
            return None
        try:
            return tuple(self._digest(read, stages) for read in shape.reads)
        except IndexError:
            return None

    def stages(self, merges: Sequence[Merge]) -> list[Entries] | None:
        """Return what is on ``self`` at first, and after each merge; None if a merge is not possible."""
        stages = [self._begins_with]
        for merge in merges:
            now = dict(stages[-1])
            fixed = {parameter.attribute for parameter in self._definition.parameters}
            already = {
                *merge.already,
                *fixed,
                *self._definition.constants,
                *self._definition.configs,
                *now,
                "_graph_info",
            }
            try:
                now.update(merged(self._manifests(merge), already, merge.exclude, merge.include))
            except (StepwellException, IndexError):
                return None  # the step would say so
            stages.append(now)
        return stages

    def _manifests(self, merge: Merge) -> list[Entries]:
        parents, split = self._request.parents, self._request.split
        if split is None:
            raise IndexError(merge.inputs)
        if merge.inputs is None:
            return [self._entries_of(parent) for parent in parents or (split,)]
        return [self._entries_of(split if place < 0 else parents[place]) for place in merge.inputs]

    def names(self) -> Iterator[tuple[str, str]]:
        """Yield every artifact that it could read: source and name."""
        for name in self._begins_with:
            yield OF_SELF, name
        if self._request.split is not None:
            for position, parent in enumerate(self._request.parents):
                for name in (INDEX, ITEM, *self._entries_of(parent)):
                    yield str(position), name

    # One value

    def _digest(self, read: Read, stages: Sequence[Entries]) -> bytes:
        if read.source == OF_SELF:
            return self._of_self(read, stages)
        parents = self._request.parents
        if read.source == OF_EVERY_INPUT:
            return digest_of([wire.encode([self._of_input(parent, read.name) for parent in parents])])
        if read.source == OF_SPLIT and self._request.split is not None:
            return self._of_input(self._request.split, read.name)
        return self._of_input(parents[int(read.source)], read.name)

    def _of_self(self, read: Read, stages: Sequence[Entries]) -> bytes:
        if read.name == STACK:
            frames = self.frames()
            found = [(frame.step, frame.num_splits, frame.index, self._item(frame)) for frame in frames]
            return digest_of([wire.encode(found)])
        if read.name == INDEX:
            return _index(self.frames())
        return _of(stages[read.stage].get(read.name))

    def _of_input(self, ref: TaskRef, name: str) -> bytes:
        if name in (INDEX, ITEM):
            frames = self._source.pack(ref).frames
            return _index(frames) if name == INDEX else self._item(frames[-1]) if frames else b""
        entries = self._entries_of(ref)
        return digest_of([wire.encode(sorted(entries))]) if name == NAMES else _of(entries.get(name))

    def _item(self, frame: Frame) -> bytes:
        pack = self._source.pack(TaskRef(frame.step, frame.task))
        return self._source.datastore.contents.item_digest(pack, frame.index)

    # What it begins with

    @cached_property
    def _above(self) -> Pack:
        request = self._request
        if request.split is None and not request.parents:
            raise StepwellDataMissing(f"The task {request.key.pathspec} follows no other.")
        return self._source.pack(request.split or request.parents[0])

    @cached_property
    def _begins_with(self) -> Entries:
        first = TaskRef(PARAMETERS_STEP, self._source.info.parameters_task)
        if self._request.split is not None:
            return self._entries_of(first)
        entries = self._source.datastore.visible(self._above)
        if self._above.key.run != self._source.info.run:
            entries |= self._entries_of(first)
        return entries

    def _entries_of(self, ref: TaskRef) -> Entries:
        found = self._visible.get(ref)
        if found is None:
            found = self._visible[ref] = self._source.datastore.visible(self._source.pack(ref))
        return found


def _of(entry: ArtifactEntry | None) -> bytes:
    """Return what stands for a value; empty if there is none."""
    return b"" if entry is None else entry.serializer.encode() + entry.digest


def _index(frames: Sequence[Frame]) -> bytes:
    return str(frames[-1].index).encode() if frames else b""
