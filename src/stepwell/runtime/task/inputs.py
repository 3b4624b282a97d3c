"""What a task takes from those before it: entries by name, values on first use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, SupportsIndex, cast

from stepwell.datastore.datastore import Datastore
from stepwell.exceptions import (
    DataException,
    StepwellDataMissing,
    StepwellException,
    StepwellExceptionWrapper,
    UnpicklableArtifactException,
)
from stepwell.model.artifact import ArtifactEntry
from stepwell.model.foreach import Frame
from stepwell.model.ids import TaskKey
from stepwell.model.pack import Pack
from stepwell.model.run import RunInfo
from stepwell.model.task import LostBranch, TaskRef
from stepwell.runtime.task.failure import said

if TYPE_CHECKING:
    from stepwell.runtime.task.observer import Observer


class TaskSource:
    """Reads packs and values of one run for a task.

    Attributes
    ----------
    observer
        Takes down what is read, if the step is a cached one.
    """

    def __init__(self, datastore: Datastore, info: RunInfo) -> None:
        self.datastore = datastore
        self.info = info
        self.observer: Observer | None = None

    def observe(self, name: str, source: str = "") -> None:
        """Take down that something was read, if anybody wants to know."""
        if self.observer is not None:
            self.observer.read(name, source)

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
        """Return the value of an entry.

        Raises
        ------
        DataException
            Its bytes do not make a value here. Never an `AttributeError`, which would read as "not set".
        """
        try:
            return self.datastore.load(self.info.flow, entry)
        except (StepwellException, MemoryError):
            raise
        except Exception as error:
            raise DataException(
                f"The artifact {entry.name!r} ({entry.type}) cannot be loaded: {said(error)}. "
                "The classes and packages that it was made with must be importable here."
            ) from error


class TaskInput:
    """One input of a join: a read-only view of that task's artifacts, each loaded when it is read.

    ``index`` and ``input`` are those of the foreach branch that the task belongs to. What the view keeps for
    itself has mangled names, so that private artifacts of any name can be read.
    """

    def __init__(self, source: TaskSource, pack: Pack, place: str) -> None:
        self.__dict__.update(_TaskInput__source=source, _TaskInput__pack=pack, _TaskInput__place=place)

    @property
    def index(self) -> int | None:
        self.__source.observe("@index", self.__place)
        frames = self.__pack.frames
        return frames[-1].index if frames else None

    @property
    def input(self) -> Any:
        self.__source.observe("@item", self.__place)
        frames = self.__pack.frames
        return self.__source.item(frames[-1]) if frames else None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name == "_TaskInput__entries":
            entries = self.__dict__[name] = self.__source.datastore.visible(self.__pack)
            return entries
        entry = self.__entries.get(name)
        self.__source.observe(name, self.__place)
        if entry is None:
            key = self.__pack.key
            known = ", ".join(sorted(other for other in self.__entries if not other.startswith("_")))
            raise AttributeError(
                f"the input {key.step} (task {key.task}) has no artifact {name!r}; it has {known or 'none'}",
                name=name,
                obj=self,
            )
        value = self.__dict__[name] = self.__source.load(entry)
        return value

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"`{name}` cannot be set: the inputs of a join are read-only. Set it on `self`.")

    def __dir__(self) -> list[str]:
        self.__source.observe("@names", self.__place)
        return sorted({"index", "input", *self.__entries})

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise UnpicklableArtifactException(
            f"An input of a join (of step {self.__pack.key.step}) cannot be stored. "
            "Store the single values that you need instead, as in `self.x = inputs[0].x`."
        )

    def __repr__(self) -> str:
        return f"<input {self.__pack.key.step}/{self.__pack.key.task}>"


class FailedBranch:
    """A branch of a tolerant foreach that its join does without.

    Attributes
    ----------
    index
        Of the item.
    step, pathspec
        The task that failed.
    """

    def __init__(self, source: TaskSource, split: Pack, branch: LostBranch) -> None:
        self._source = source
        self._split = split
        # Not the run of the split, which may be reused.
        self._key = TaskKey(source.info.flow, source.info.run, branch.task.step, branch.task.task)
        self.index = branch.index
        self.step = branch.task.step
        self.pathspec = self._key.pathspec

    @property
    def input(self) -> Any:
        """The item."""
        return self._source.datastore.load_item(self._split, self.index)

    @property
    def exception(self) -> StepwellExceptionWrapper | None:
        """What the task raised, as type, text and traceback; None if nothing is known of it."""
        failures = self._source.datastore.failures(self._key)
        if not failures:
            return None
        last = failures[-1]
        stored = next((entry for entry in last.own if entry.name == "_exception"), None)
        if stored is not None:
            return cast("StepwellExceptionWrapper", self._source.load(stored))
        # Its process died and could not say it itself.
        error = last.outcome.error
        if error is None:
            return None
        return StepwellExceptionWrapper.of_text(error.message, error.type, error.frames or None)

    def __repr__(self) -> str:
        return f"<failed branch {self.index}: {self.pathspec}>"


def manifest_of(task_input: TaskInput) -> Mapping[str, ArtifactEntry]:
    """Return the entries that an input shows, by name."""
    return task_input._TaskInput__entries  # a function, because any method name may be an artifact's


def place_of(task_input: TaskInput) -> str:
    """Return its position among the inputs of the join."""
    return task_input._TaskInput__place


class JoinInputs:
    """The inputs of a join, in the order of ``self.next`` or of the foreach items: a sequence.

    A foreach's inputs are opened one at a time, and none is kept once it has been passed; the few inputs of
    a static split are kept, and known by name: ``inputs.<step>`` for the last step of a branch, or its first.
    It has no public method, since any name may be that of a step.
    """

    def __init__(
        self,
        source: TaskSource,
        parents: Sequence[TaskRef],
        split: Pack,
        branches: Sequence[str],
        lost: Sequence[LostBranch] = (),
    ) -> None:
        self._source = source
        self._parents = parents
        self._split = split
        self._lost = lost
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
        if self._names:
            yield from (self._at(index) for index in range(len(self)))
        else:
            for index, pack in enumerate(self._packs()):
                yield TaskInput(self._source, pack, str(index))

    def __getattr__(self, name: str) -> Any:
        names: Mapping[str, int] = self.__dict__.get("_names", {})
        if name in names:
            return self._at(names[name])
        if name == "split_task":
            return TaskInput(self._source, self._split, "split")
        if name == "failed":
            return [FailedBranch(self._source, self._split, branch) for branch in self._lost]
        known = ", ".join(names) or "no names, because they come from a foreach: use inputs[i]"
        raise AttributeError(f"the inputs have no step {name!r}; they have {known}", name=name, obj=self)

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise UnpicklableArtifactException(
            "The inputs of a join cannot be stored. Store the single values that you need instead, as in "
            "`self.x = [input.x for input in inputs]`."
        )

    def __repr__(self) -> str:
        return f"<{len(self)} inputs of a join>"

    def _at(self, index: int) -> TaskInput:
        found = self._kept.get(index)
        if found is None:
            found = TaskInput(self._source, self._source.pack(self._parents[index]), str(index))
            if self._names:
                self._kept[index] = found
        return found

    def _manifests(self) -> Iterator[Mapping[str, ArtifactEntry]]:
        packs = self._packs() if self._parents else (self._split,)
        return map(self._source.datastore.visible, packs)

    def _packs(self) -> Iterator[Pack]:
        info = self._source.info
        return self._source.datastore.packs(info.flow, info.run, self._parents)


# Not a base class: its `count` and `index` would hide steps of these names.
Sequence.register(JoinInputs)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - it is an ABC


def manifests_of(inputs: JoinInputs) -> Iterator[Mapping[str, ArtifactEntry]]:
    """Yield what each input can see, one at a time; of an empty foreach, what the split's task can."""
    return inputs._manifests()  # pyright: ignore[reportPrivateUsage] - see the class: no public methods


def _names(parents: Sequence[TaskRef], branches: Sequence[str]) -> dict[str, int]:
    """Names of a static join's inputs; the last step of a branch wins over the first one of another."""
    if not branches:
        return {}
    names = {branch: index for index, branch in enumerate(branches)}
    names.update((parent.step, index) for index, parent in enumerate(parents))
    return names
