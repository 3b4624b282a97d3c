"""What a task takes from those before it: entries by name, values on first use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn, SupportsIndex

from stepwell.datastore.datastore import Datastore
from stepwell.exceptions import StepwellDataMissing, UnpicklableArtifactException
from stepwell.model.artifact import ArtifactEntry
from stepwell.model.foreach import Frame
from stepwell.model.ids import TaskKey
from stepwell.model.pack import Pack
from stepwell.model.run import RunInfo
from stepwell.model.task import TaskRef


class TaskSource:
    """Reads packs and values of one run for a task."""

    def __init__(self, datastore: Datastore, info: RunInfo) -> None:
        self.datastore = datastore
        self.info = info

    def pack(self, ref: TaskRef) -> Pack:
        """Return the pack of a task that has succeeded.

        Raises
        ------
        StepwellDataMissing
            It has none.
        """
        key = TaskKey(self.info.flow, self.info.run, ref.step, ref.task)
        found = self.datastore.pack(key)
        if found is None:
            raise StepwellDataMissing(f"The task {key.pathspec} has no results in {self.datastore.location}.")
        return found

    def item(self, frame: Frame) -> object:
        """Return the foreach item that a frame stands for."""
        return self.datastore.load_item(self.pack(TaskRef(frame.step, frame.task)), frame.index)

    def load(self, entry: ArtifactEntry) -> object:
        """Return the value of an entry."""
        return self.datastore.load(self.info.flow, entry)


class TaskInput:
    """One input of a join: a read-only view of that task's artifacts, each loaded when it is read.

    ``index`` and ``input`` are those of the foreach branch that the task belongs to.
    """

    def __init__(self, source: TaskSource, pack: Pack) -> None:
        self.__dict__["_source"] = source
        self.__dict__["_pack"] = pack

    @property
    def index(self) -> int | None:
        frames = self._pack.frames
        return frames[-1].index if frames else None

    @property
    def input(self) -> Any:
        frames = self._pack.frames
        return self._source.item(frames[-1]) if frames else None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name == "_entries":
            entries = self.__dict__["_entries"] = self._source.datastore.visible(self._pack)
            return entries
        entry = self._entries.get(name)
        if entry is None:
            raise AttributeError(
                f"the input {self._pack.key.step} (task {self._pack.key.task}) has no artifact {name!r}; "
                f"it has {', '.join(sorted(self._entries)) or 'none'}",
                name=name,
                obj=self,
            )
        value = self.__dict__[name] = self._source.load(entry)
        return value

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"`{name}` cannot be set: the inputs of a join are read-only. Set it on `self`.")

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise UnpicklableArtifactException(
            f"An input of a join (of step {self._pack.key.step}) cannot be stored. "
            "Store the single values that you need instead, as in `self.x = inputs[0].x`."
        )

    def __repr__(self) -> str:
        return f"<input {self._pack.key.step}/{self._pack.key.task}>"


class JoinInputs(Sequence[TaskInput]):
    """The inputs of a join, in the order of ``self.next`` or of the foreach items.

    A foreach's inputs are opened one at a time, and none is kept once it has been passed; the few inputs of
    a static split are kept, and known by name: ``inputs.<step>`` for the last step of a branch, or its first.
    """

    def __init__(
        self, source: TaskSource, parents: Sequence[TaskRef], split: Pack, branches: Sequence[str]
    ) -> None:
        self._source = source
        self._parents = parents
        self._split = split
        self._names = _names(parents, branches)
        self._kept: dict[int, TaskInput] = {}

    def __len__(self) -> int:
        return len(self._parents)

    def __getitem__(self, position: Any) -> Any:
        if isinstance(position, slice):
            return [self._at(index) for index in range(*position.indices(len(self)))]
        index = position + len(self) if position < 0 else position
        if not 0 <= index < len(self):
            raise IndexError(f"input {position} does not exist; this join has {len(self)} inputs")
        return self._at(index)

    def __iter__(self) -> Iterator[TaskInput]:
        for index in range(len(self)):
            yield self._at(index)

    def __getattr__(self, name: str) -> TaskInput:
        names: Mapping[str, int] = self.__dict__.get("_names", {})
        if name in names:
            return self._at(names[name])
        if name == "split_task":
            return TaskInput(self._source, self._split)
        known = ", ".join(names) or "no names, because they come from a foreach: use inputs[i]"
        raise AttributeError(f"the inputs have no step {name!r}; they have {known}", name=name, obj=self)

    def packs(self) -> Iterator[Pack]:
        """Yield the packs of the inputs, one at a time."""
        info = self._source.info
        return self._source.datastore.packs(info.flow, info.run, self._parents)

    @property
    def split_pack(self) -> Pack:
        """Pack of the task that opened the split."""
        return self._split

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise UnpicklableArtifactException(
            "The inputs of a join cannot be stored. Store the single values that you need instead, as in "
            "`self.x = [input.x for input in inputs]`."
        )

    def _at(self, index: int) -> TaskInput:
        found = self._kept.get(index)
        if found is None:
            found = TaskInput(self._source, self._source.pack(self._parents[index]))
            if self._names:
                self._kept[index] = found
        return found


def _names(parents: Sequence[TaskRef], branches: Sequence[str]) -> dict[str, int]:
    """Names of a static join's inputs; the last step of a branch wins over the first one of another."""
    if not branches:
        return {}
    names = {branch: index for index, branch in enumerate(branches)}
    names.update((parent.step, index) for index, parent in enumerate(parents))
    return names
