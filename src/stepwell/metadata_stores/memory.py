"""Metadata without the outside world: for tests and for trying things out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from stepwell.exceptions import StepwellNotFound
from stepwell.metadata_store import tags
from stepwell.metadata_store.run_order import place_of
from stepwell.metadata_store.store import MetadataStore, RunQuery, StepCount, TaskQuery
from stepwell.model.run import RunRecord, TaskRecord
from stepwell.model.states import RunState, TaskState
from stepwell.model.text import storable


class MemoryMetadata(MetadataStore):
    """Metadata that lives as long as this object."""

    def __init__(self) -> None:
        self._last_id = 0
        self._runs: dict[tuple[str, str], RunRecord] = {}
        self._tasks: dict[tuple[str, str], dict[tuple[str, str], TaskRecord]] = {}

    def next_run_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def save_run(self, run: RunRecord) -> None:
        run = storable(run)
        before = self._runs.get((run.flow, run.run))
        if before is not None:
            run = replace(
                run,
                tags=before.tags,
                system_tags=before.system_tags,
                number=before.number,
                heartbeat_at=_later(before.heartbeat_at, run.heartbeat_at),
            )
        self._runs[run.flow, run.run] = run
        self._last_id = max(self._last_id, place_of(run))

    def replace_run(self, seen: RunRecord, run: RunRecord) -> RunRecord:
        found = self._existing(run.flow, run.run)
        if (found.state, found.heartbeat_at) == (seen.state, seen.heartbeat_at):
            self.save_run(run)
            if run.state is RunState.LOST:
                self._lose_tasks(run)
        return self._existing(run.flow, run.run)

    def delete_run(self, seen: RunRecord) -> bool:
        found = self._runs.get((seen.flow, seen.run))
        if found is not None and (found.state, found.heartbeat_at) != (seen.state, seen.heartbeat_at):
            return False
        self._runs.pop((seen.flow, seen.run), None)
        self._tasks.pop((seen.flow, seen.run), None)
        return True

    def _lose_tasks(self, run: RunRecord) -> None:
        tasks = self._tasks.get((run.flow, run.run), {})
        for key, task in tasks.items():
            if not task.state.finished:
                tasks[key] = replace(task, state=TaskState.LOST, finished_at=run.finished_at)

    def beat(self, flow: str, run: str, at: float) -> None:
        found = self._runs.get((flow, run))
        if found is None:
            return
        if found.state == RunState.LOST:
            self._find_tasks(found)
            found = replace(found, state=RunState.RUNNING, finished_at=None, reason="")
        self._runs[flow, run] = replace(found, heartbeat_at=at)

    def _find_tasks(self, run: RunRecord) -> None:
        """Take tasks that were lost with the run, and not before it went on, for running again."""
        tasks = self._tasks.get((run.flow, run.run), {})
        for key, task in tasks.items():
            if task.state is TaskState.LOST and task.finished_at == run.finished_at is not None:
                tasks[key] = replace(task, state=TaskState.RUNNING, finished_at=None)

    def save_tasks(self, tasks: Sequence[TaskRecord]) -> None:
        for task in map(storable, tasks):
            self._tasks.setdefault((task.flow, task.run), {})[task.step, task.task] = task

    def change_tags(self, flow: str, run: str, add: Iterable[str], remove: Iterable[str]) -> RunRecord:
        found = self._existing(flow, run)
        after = replace(found, tags=tags.changed(found.tags, found.system_tags, add, remove))
        self._runs[flow, run] = after
        return after

    def run(self, flow: str, run: str) -> RunRecord | None:
        return self._runs.get((flow, run))

    def runs(self, query: RunQuery) -> Sequence[RunRecord]:
        wanted = set(query.tags)
        found = [
            run
            for run in self._runs.values()
            if query.flow in (None, run.flow)
            and wanted <= {*run.tags, *run.system_tags}
            and (not query.states or run.state in query.states)
            and (query.before is None or place_of(run) < query.before)
        ]
        found.sort(key=lambda run: (place_of(run), run.created_at, run.flow, run.run), reverse=True)
        return found[: query.limit]

    def flows(self) -> Sequence[str]:
        return sorted({flow for flow, _ in self._runs})

    def task(self, flow: str, run: str, step: str, task: str) -> TaskRecord | None:
        return self._tasks.get((flow, run), {}).get((step, task))

    def tasks(self, query: TaskQuery) -> Sequence[TaskRecord]:
        found = [
            task
            for task in self._tasks.get((query.flow, query.run), {}).values()
            if query.step in (None, task.step)
            and query.index_path in (None, task.index_path)
            and (not query.states or task.state in query.states)
            and (query.before is None or task.number < query.before)
        ]
        found.sort(key=lambda task: (task.number, task.step, task.task), reverse=not query.ascending)
        return found[: query.limit]

    def steps(self, flow: str, run: str) -> Sequence[StepCount]:
        groups: dict[tuple[str, str], list[TaskRecord]] = {}
        began: dict[str, int] = {}
        for task in self._tasks.get((flow, run), {}).values():
            groups.setdefault((task.step, task.state.value), []).append(task)
            began[task.step] = min(began.get(task.step, task.number), task.number)
        return [
            _count(step, state, groups[step, state])
            for step, state in sorted(groups, key=lambda key: (began[key[0]], *key))
        ]

    @property
    def location(self) -> str:
        return "memory"

    def close(self) -> None:
        """Nothing to free."""

    def _existing(self, flow: str, run: str) -> RunRecord:
        found = self._runs.get((flow, run))
        if found is None:
            raise StepwellNotFound(f"There is no run {flow}/{run} in {self.location}.")
        return found


def _later(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return one if other is None else other
    return max(one, other)


def _count(step: str, state: str, tasks: list[TaskRecord]) -> StepCount:
    ended = [task.finished_at for task in tasks if task.finished_at is not None]
    return StepCount(
        step, state, len(tasks), min(task.number for task in tasks), min(task.created_at for task in tasks),
        max(ended, default=None),
    )  # fmt: skip
