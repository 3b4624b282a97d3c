"""Why a task of a cached step took the result of another, or none: what equal tasks would have in common."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from msgspec import Struct

from stepwell.client import previews
from stepwell.client.source_changes import SourceChange, source_change
from stepwell.datastore.datastore import Datastore
from stepwell.metadata_store.run_order import place_of
from stepwell.metadata_store.store import MetadataStore, RunQuery, TaskQuery
from stepwell.model import wire
from stepwell.model.artifact import ArtifactEntry
from stepwell.model.ids import PARAMETERS_STEP, PARAMETERS_TASK, TaskKey
from stepwell.model.observed import INDEX, ITEM, NAMES, OF_EVERY_INPUT, OF_SPLIT, STACK, Observed, Read
from stepwell.model.pack import Pack
from stepwell.model.run import TaskRecord
from stepwell.model.states import TaskState
from stepwell.model.step_code import changes
from stepwell.model.task import TaskRef

_RUNS_LOOKED_AT = 30
_TASKS_LOOKED_AT = 5
_INPUTS_SHOWN = 3
_KEPT = (TaskState.SUCCEEDED.value, TaskState.CACHED.value)


class Difference(Struct, frozen=True):
    """One thing that an earlier task had otherwise; of code, with a diff of its source."""

    what: str
    before: str = ""
    now: str = ""
    change: SourceChange | None = None

    def __str__(self) -> str:
        return f"{self.what} is another" if self.change else f"{self.what} was {self.before}, is {self.now}"


class CacheDecision(Struct, frozen=True):
    """What was decided on a task of a cached step.

    Attributes
    ----------
    reasons
        Why, in words.
    changes
        Where the nearest earlier task had other code.
    """

    is_cached: bool
    reasons: tuple[str, ...]
    changes: tuple[SourceChange, ...] = ()


class Nearest(Struct, frozen=True):
    """The earlier task that has most in common with one."""

    task: TaskKey
    differences: tuple[Difference, ...]


class CacheExplained:
    """Reads what tasks have left."""

    def __init__(self, datastore: Datastore, metadata: MetadataStore) -> None:
        self._datastore = datastore
        self._metadata = metadata

    def in_short(self, task: TaskRecord) -> CacheDecision | None:
        """Return what was decided on a task, and of what run a result was taken, without further search."""
        pack = self._of_cached_step(task)
        if pack is None:
            return None
        if pack.origin is not None:
            return CacheDecision(True, (f"an equal task of run {pack.origin.task.run} had a result",))
        return CacheDecision(False, ("nothing was taken from the cache",))

    def _of_cached_step(self, task: TaskRecord) -> Pack | None:
        pack = self._datastore.pack(TaskKey(task.flow, task.run, task.step, task.task))
        return pack if pack is not None and pack.observed else None

    def decision(self, task: TaskRecord) -> CacheDecision | None:
        """Return what was decided on a task, and why; None if its step was not cached."""
        pack = self._of_cached_step(task)
        if pack is None:
            return None
        observed = wire.decode(pack.observed, Observed)
        key = "its key is made of " + ", ".join(
            f"{name} {value}" for name, value in observed.key.made_of.items()
        )
        if pack.origin is not None:
            origin = pack.origin.task
            kept = self._datastore.pack(origin)
            when = "" if kept is None else f", of {_clock(kept.outcome.ended_at)}"
            reads = (f"{_words(read)} is equal: {self._shown(pack, read)}" for read in observed.shape.reads)
            item = (f"foreach item is equal: {_place(pack)}",) if pack.frames else ()
            return CacheDecision(True, (f"its result is that of {origin.pathspec}{when}", key, *item, *reads))
        if observed.key.passed_over:
            return CacheDecision(False, (f"in the cache is {observed.key.passed_over}", key))
        nearest = self._nearest(task, pack)
        if nearest is None:
            return CacheDecision(False, ("no earlier task of the step is in the cache", key))
        said = tuple(str(one) for one in nearest.differences)
        if not said:
            said = (
                "it differs in nothing: it ended after this task was looked up, or nothing was looked up",
            )
        code = tuple(one.change for one in nearest.differences if one.change is not None)
        return CacheDecision(False, (f"nearest in the cache is {nearest.task.pathspec}", *said, key), code)

    def _nearest(self, task: TaskRecord, pack: Pack) -> Nearest | None:
        """Return the earlier task of the step that differs least; None if none was kept."""
        best: Nearest | None = None
        for earlier in self._earlier(task):
            found = Nearest(earlier.key, tuple(self._differences(earlier, pack)))
            if best is None or len(found.differences) < len(best.differences):
                best = found
            if not best.differences:
                break
        return best

    def _earlier(self, task: TaskRecord) -> Iterator[Pack]:
        """Yield packs of earlier runs, newest first; tasks with the same foreach indexes before others."""
        run = self._metadata.run(task.flow, task.run)
        before = None if run is None else place_of(run)
        older = self._metadata.runs(RunQuery(flow=task.flow, before=before, limit=_RUNS_LOOKED_AT))
        for index_path in dict.fromkeys((task.index_path, None)):
            for one in older:
                query = TaskQuery(
                    flow=one.flow, run=one.run, step=task.step, states=_KEPT,
                    index_path=index_path or None, limit=_TASKS_LOOKED_AT,
                )  # fmt: skip
                for record in self._metadata.tasks(query):
                    pack = self._datastore.pack(TaskKey(one.flow, one.run, record.step, record.task))
                    if pack is not None and pack.observed and pack.origin is None:
                        yield pack

    def _differences(self, before: Pack, now: Pack) -> Iterator[Difference]:
        old, new = (wire.decode(pack.observed, Observed) for pack in (before, now))
        yield from self._of_keys(before, now, old.key.made_of, new.key.made_of)
        if old.place != new.place:
            yield Difference("foreach item, or branches of the join", _place(before), _place(now))
        were = dict(zip(old.shape.reads, old.digests, strict=True))
        are = dict(zip(new.shape.reads, new.digests, strict=True))
        for read in sorted(were.keys() & are.keys()):
            if were[read] != are[read]:
                yield Difference(_words(read), self._shown(before, read), self._shown(now, read))

    def _of_keys(
        self, before: Pack, now: Pack, old: Mapping[str, str], new: Mapping[str, str]
    ) -> Iterator[Difference]:
        for name in sorted(old.keys() | new.keys()):
            if old.get(name) == new.get(name):
                continue
            if name == "code":
                yield from self._of_code(before, now)
            else:
                yield Difference(name, old.get(name, "not there"), new.get(name, "not there"))

    def _of_code(self, before: Pack, now: Pack) -> Iterator[Difference]:
        old, new = (
            self._datastore.step_codes.read(pack.key.flow, pack.key.run, pack.fields.get("code-version", ""))
            for pack in (before, now)
        )
        was, step = None if old is None else old.step(before.key.step), now.key.step
        is_now = None if new is None else new.step(step)
        if was is None or is_now is None:
            yield Difference(f"code of step {step}", "not kept" if was is None else "", "another")
            return
        for change in changes(was, is_now):
            told = source_change(change, f"run {before.key.run}", f"run {now.key.run}")
            yield Difference(told.part, change=told)

    # Values

    def _shown(self, pack: Pack, read: Read) -> str:
        if read.name in (INDEX, STACK) and not read.source:
            return _indexes(pack)
        if read.source == OF_EVERY_INPUT:
            texts = [self._of_task(pack, ref, read.name) for ref in pack.parents[:_INPUTS_SHOWN]]
            return ", ".join(texts) + (", ..." if len(pack.parents) > _INPUTS_SHOWN else "")
        if read.source == OF_SPLIT and pack.split is not None:
            return self._of_task(pack, pack.split, read.name)
        if read.source:
            return self._of_task(pack, pack.parents[int(read.source)], read.name)
        for ref in (TaskRef(PARAMETERS_STEP, PARAMETERS_TASK), *pack.parents[:_TASKS_LOOKED_AT]):
            text = self._of_task(pack, ref, read.name)
            if text != _NOT_THERE:
                return text
        return _NOT_THERE

    def _of_task(self, pack: Pack, ref: TaskRef, name: str) -> str:
        source = self._datastore.pack(pack.key.sibling(ref.step, ref.task))
        if source is None:
            return "lost"
        if name in (INDEX, ITEM):
            return _place(source)
        entries: dict[str, ArtifactEntry] = previews.entries_of(self._datastore, source)
        if name == NAMES:
            return ", ".join(sorted(entries))
        entry = entries.get(name)
        return _NOT_THERE if entry is None else previews.preview(self._datastore, source, entry)


def _clock(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


_NOT_THERE = "not there"


def _words(read: Read) -> str:
    """Return a read as it may stand in the source."""
    of = {"": "self", OF_EVERY_INPUT: "every input", OF_SPLIT: "inputs.split_task"}
    owner = of.get(read.source, f"inputs[{read.source}]")
    return f"{owner}.{read.name.removeprefix('@')}"


def _indexes(pack: Pack) -> str:
    return f"[{','.join(str(frame.index) for frame in pack.frames)}]"


def _place(pack: Pack) -> str:
    label = pack.frames[-1].label if pack.frames else ""
    return f"{_indexes(pack)} {label}".strip() if pack.frames else f"{len(pack.parents)} branches"
