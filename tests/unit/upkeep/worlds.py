"""Runs made by hand, step for step as run processes and tasks make them, in stores in memory."""

import itertools
from typing import NamedTuple

from msgspec.structs import replace

from stepwell.datastore import layout
from stepwell.datastore.datastore import Datastore
from stepwell.exceptions import StepwellNotFound
from stepwell.metadata_store.store import RunQuery
from stepwell.metadata_stores.memory import MemoryMetadata
from stepwell.model.cache import Origin
from stepwell.model.ids import TaskKey
from stepwell.model.pack import Pack
from stepwell.model.run import RunRecord
from stepwell.model.states import RunState
from stepwell.model.task import TaskOutcome, TaskRef
from stepwell.storages.memory import MemoryStorage
from stepwell.upkeep.collection import Asked, collect
from stepwell.upkeep.live_runs import Here

NOW = 1000.0
HERE = Here("here", NOW)
FLOW = "F"
LARGE = [bytes([number]) * 20_000 for number in range(4)]
SMALL = [b"small %d" % number for number in range(3)]
VALUES = [*LARGE, *SMALL]


class Had(NamedTuple):
    """What a task has: all values that can be seen in it, and its log."""

    values: dict[str, object]
    log: bytes


class Killed(Exception):
    """The process that was at work is gone."""


class WatchedStorage(MemoryStorage):
    """Calls ``before`` with the name of each method of somebody else than the world itself."""

    before = staticmethod(lambda name: None)

    def discard(self, keys, before):
        gone = []
        for key in keys:  # one by one: who is killed may have removed some
            self.before("discard")
            gone += super().discard([key], before)
        return gone


def _watched(name):
    def method(self, *args, **more):
        self.before(name)
        return getattr(MemoryStorage, name)(self, *args, **more)

    return method


for _name in ("write", "replace", "read", "map", "size", "delete", "renew", "written_at", "list"):
    setattr(WatchedStorage, _name, _watched(_name))


class World:
    """A datastore, an index, and what each run ought to have."""

    def __init__(self, storage=None):
        self.storage = storage if storage is not None else WatchedStorage()
        self.metadata = MemoryMetadata()
        self.expected: dict[str, dict[TaskKey, Had]] = {}
        self._clock = itertools.count(NOW + 1)
        self._ever: dict[TaskKey, Had] = {}
        Datastore.open(self.storage)

    def datastore(self):
        """Return the datastore as a process has it that has just started."""
        return Datastore(self.storage)

    def collect(self, grace_s=0.0, **asked):
        """Collect as another process."""
        return collect(self.datastore(), self.metadata, HERE, Asked(grace_s=grace_s, **asked))

    def record(self, run):
        return self.metadata.run(FLOW, run)

    # Processes: each `yield` is a moment in which others may do anything

    def run(self, values, origin=None, cached_from=None):
        """A run of a chain of steps. It may take over tasks of another run, or the result of a task."""
        datastore, metadata = self.datastore(), self.metadata
        past = []
        if origin is not None:
            reader = self.datastore()
            past = [key for key in self.expected.get(origin, {}) if _read(reader, key) is not None]
            yield
        run = self._claimed(datastore, metadata, origin)
        yield
        taken = {}
        if origin is not None:
            of = {key: reader.reused.origin_of(key) or key for key in past}
            datastore.reused.write(FLOW, run.run, [(key.step, key.task, of[key].run) for key in past])
            yield
            if not datastore.run_records.is_there(origin):
                datastore.run_records.forget(run)
                datastore.reused.forget(FLOW, run.run)
                return
            taken = {replace(key, run=run.run): self._ever[key] for key in past}
            yield
        self.expected[run.run] = {}
        self._expect(run.run, taken)
        metadata.save_run(run)
        yield
        parent = max(taken, key=lambda key: int(key.task), default=None)
        number = 0 if parent is None else int(parent.task)
        for value in values:
            number += 1
            key = TaskKey(FLOW, run.run, f"s{number}", str(number))
            yield from self._task(datastore, key, parent, value)
            parent = key
            yield
        if cached_from is not None:
            yield from self._hit(datastore, run.run, cached_from)
        ended = replace(run, state=RunState.SUCCEEDED, finished_at=NOW)
        metadata.save_run(ended)
        datastore.run_records.end(ended)  # whoever deletes runs waits for the last words of their processes

    def continued(self, run, value):
        """Go on in place with a run that did not succeed."""
        datastore, metadata = self.datastore(), self.metadata
        found = metadata.run(FLOW, run)
        if found is None or found.state is not RunState.FAILED:
            return
        parent = max(self.expected[run], key=lambda key: int(key.task), default=None)
        yield
        at = next(self._clock)
        ours = replace(found, state=RunState.RUNNING, heartbeat_at=at, pid=int(at))
        try:
            if metadata.replace_run(found, ours) != ours:
                return
        except StepwellNotFound:
            return  # it was deleted
        yield
        datastore.run_records.reopen(ours)
        yield
        number = 1 if parent is None else int(parent.task) + 1
        yield from self._task(datastore, TaskKey(FLOW, run, f"s{number}", str(number)), parent, value)
        ended = replace(ours, state=RunState.SUCCEEDED)
        metadata.save_run(ended)
        datastore.run_records.end(ended)  # whoever deletes runs waits for the last words of their processes

    def fail(self, run):
        """Let a run that has succeeded be one that failed, so that it can be continued."""
        found = self.metadata.run(FLOW, run)
        if found is not None and found.state is RunState.SUCCEEDED:
            failed = replace(found, state=RunState.FAILED)
            self.metadata.save_run(failed)
            self.datastore().run_records.end(failed)

    def _claimed(self, datastore, metadata, origin):
        fields = {"origin-run-id": origin} if origin else {}
        while True:
            run = RunRecord(
                flow=FLOW, run=str(metadata.next_run_id()), state=RunState.RUNNING, user="ann",
                created_at=NOW, heartbeat_at=NOW, host="elsewhere", fields=fields,
            )  # fmt: skip
            if datastore.run_records.claim(run):
                return run

    def _task(self, datastore, key, parent, value):
        before = {} if parent is None else _visible(datastore, parent)
        own = {
            "x": VALUES[value],
            f"of_{key.step}": LARGE[int(key.task) % len(LARGE)],
            "n": SMALL[int(key.task) % 3],
        }
        entries = []
        for name, content in sorted(own.items()):
            entries.append(datastore.save(name, content))
            yield
        items, table, _ = datastore.save_items([LARGE[3], value])
        yield
        writer = datastore.logs.writer(key, 0)
        writer.say("stdout", NOW, f"log of {key.task}")
        writer.save()
        passed_on, blob = datastore.with_inherited(entry for name, entry in before.items() if name not in own)
        yield
        datastore.seal(
            Pack(
                key=key,
                attempt=0,
                outcome=TaskOutcome(ok=True, started_at=NOW, ended_at=NOW),
                parents=() if parent is None else (TaskRef(parent.step, parent.task),),
                own=tuple(entries),
                inherited=passed_on,
                inherited_blob=blob,
                items=items,
                item_table=table,
                observed=b"cached" if key.step == "s1" and value else b"",
            )
        )
        seen = {} if parent is None else self.expected[key.run][parent].values
        self._expect(key.run, {key: Had({**seen, **own}, f"log of {key.task}".encode())})

    def _hit(self, datastore, run, origin):
        """Take the result of a task of another run, as a look-up in the cache does."""
        pack = _read(datastore, origin)
        yield
        if pack is None or not pack.observed or not datastore.contents.rely_on(pack):
            return
        yield
        if not datastore.run_records.is_there(pack.key.run):
            return
        yield
        key = TaskKey(FLOW, run, "hit", str(900 + int(run)))  # taken over, it keeps its id
        datastore.seal(
            replace(pack, key=key, inherited=(), inherited_blob=b"", origin=Origin(pack.key, 0), observed=b"")
        )
        own, had = {entry.name for entry in pack.own}, self._ever[origin]
        values = {name: value for name, value in had.values.items() if name in own}
        self._expect(run, {key: Had(values, had.log)})

    def _expect(self, run, tasks):
        """Take values and log of tasks for what a run has from here on."""
        self.expected[run].update(tasks)
        self._ever.update(tasks)

    # What must hold

    def problems(self):
        """Yield what a run in the index ought to have and has not."""
        self.storage.before = lambda name: None
        for record in self.metadata.runs(RunQuery()):
            datastore = self.datastore()
            for key, had in self.expected[record.run].items():
                pack = datastore.pack(key)
                if pack is None:
                    yield f"{key.pathspec} has no result"
                    continue
                visible = _visible(datastore, key)
                for name, value in had.values.items():
                    if datastore.load(FLOW, visible[name]) != value:
                        yield f"{key.pathspec} has another {name}"
                if pack.items is not None:
                    assert datastore.load_item(pack, 0) == LARGE[3], f"{key.pathspec} has another item"
                said = b"".join(line.data for line in datastore.logs.lines(key, 0))
                if had.log not in said:
                    yield f"{key.pathspec} has lost its log"

    def stored(self):
        """Return all that is stored, but for what no run owns."""
        self.storage.before = lambda name: None
        beside = (layout.CLOCK, layout.MARKER)
        return [key for key in self.storage.list("") if key not in beside]


def finish(process):
    """Let a process come to its end."""
    for _ in process:
        pass


def _read(datastore, key):
    return datastore.pack(key)


def _visible(datastore, key):
    pack = datastore.pack(key)
    assert pack is not None, key
    home = pack.key.short
    return {
        **{entry.name: entry for entry in datastore.contents.inherited(pack)},
        **{e.name: replace(e, inline=None, home=home) if e.inline is not None else e for e in pack.own},
    }
