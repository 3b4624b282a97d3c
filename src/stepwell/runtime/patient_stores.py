"""A storage and an index that wait where they cannot serve now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from stepwell.datastore.storage import Buffer, Storage
from stepwell.metadata_store.store import MetadataStore, RunQuery, StepCount, TaskQuery
from stepwell.model.run import RunRecord, TaskRecord
from stepwell.runtime.patience import Patience


class PatientStorage(Storage):
    """Another storage, with patience. `list` and `sync` do not wait: tools and a thread beside call them."""

    def __init__(self, storage: Storage, patience: Patience) -> None:
        self._storage = storage
        self._patience = patience

    def write(self, key: str | Callable[[], str], data: Sequence[Buffer]) -> bool:
        return self._patience(lambda: self._storage.write(key, data))

    def replace(self, key: str, data: Buffer) -> None:
        self._patience(lambda: self._storage.replace(key, data))

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes | None:
        return self._patience(lambda: self._storage.read(key, start, length))

    def map(self, key: str) -> memoryview | None:
        return self._patience(lambda: self._storage.map(key))

    def size(self, key: str) -> int | None:
        return self._patience(lambda: self._storage.size(key))

    def untouched(self, key: str) -> bool:
        return self._patience(lambda: self._storage.untouched(key))

    def list(self, prefix: str) -> Iterator[str]:
        return self._storage.list(prefix)

    def delete(self, keys: Sequence[str]) -> None:
        self._patience(lambda: self._storage.delete(keys))

    def renew(self, key: str) -> bool:
        return self._patience(lambda: self._storage.renew(key))

    def written_at(self, key: str) -> float | None:
        return self._patience(lambda: self._storage.written_at(key))

    def discard(self, keys: Sequence[str], before: float) -> Sequence[str]:
        return self._patience(lambda: self._storage.discard(keys, before))

    def clear_leftovers(self, before: float, dry_run: bool = False) -> int:
        return self._storage.clear_leftovers(before, dry_run)

    def sync(self) -> None:
        self._storage.sync()

    @property
    def location(self) -> str:
        return self._storage.location


class PatientMetadata(MetadataStore):
    """Another index, with patience. `beat` does not wait: a thread beside calls it, and calls it again."""

    def __init__(self, metadata: MetadataStore, patience: Patience) -> None:
        self._metadata = metadata
        self._patience = patience

    def next_run_id(self) -> int:
        return self._patience(self._metadata.next_run_id)

    def save_run(self, run: RunRecord) -> None:
        self._patience(lambda: self._metadata.save_run(run))

    def replace_run(self, seen: RunRecord, run: RunRecord) -> RunRecord:
        return self._patience(lambda: self._metadata.replace_run(seen, run))

    def delete_run(self, seen: RunRecord) -> bool:
        return self._patience(lambda: self._metadata.delete_run(seen))

    def beat(self, flow: str, run: str, at: float) -> None:
        self._metadata.beat(flow, run, at)

    def save_tasks(self, tasks: Sequence[TaskRecord]) -> None:
        self._patience(lambda: self._metadata.save_tasks(tasks))

    def change_tags(self, flow: str, run: str, add: Iterable[str], remove: Iterable[str]) -> RunRecord:
        added, removed = tuple(add), tuple(remove)
        return self._patience(lambda: self._metadata.change_tags(flow, run, added, removed))

    def run(self, flow: str, run: str) -> RunRecord | None:
        return self._patience(lambda: self._metadata.run(flow, run))

    def runs(self, query: RunQuery) -> Sequence[RunRecord]:
        return self._patience(lambda: self._metadata.runs(query))

    def flows(self) -> Sequence[str]:
        return self._patience(self._metadata.flows)

    def task(self, flow: str, run: str, step: str, task: str) -> TaskRecord | None:
        return self._patience(lambda: self._metadata.task(flow, run, step, task))

    def tasks(self, query: TaskQuery) -> Sequence[TaskRecord]:
        return self._patience(lambda: self._metadata.tasks(query))

    def steps(self, flow: str, run: str) -> Sequence[StepCount]:
        return self._patience(lambda: self._metadata.steps(flow, run))

    @property
    def location(self) -> str:
        return self._metadata.location

    def close(self) -> None:
        self._metadata.close()
