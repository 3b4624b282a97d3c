"""What a card shows of a task: made of what is stored of it, without loading an artifact."""

from __future__ import annotations

import inspect
import time
from collections.abc import Iterator
from typing import Any

from stepwell.cards.page import CardPage, Fact, StepNode, ValueRow
from stepwell.client.graph import recorded_graph
from stepwell.client.previews import previews
from stepwell.client.stored import StoredTask
from stepwell.datastore.cards import StoredCard
from stepwell.model.amounts import duration
from stepwell.model.card_parts import ErrorPart
from stepwell.model.ids import PARAMETERS_STEP, TaskKey
from stepwell.model.pack import Pack
from stepwell.model.run import CAUGHT, RunRecord, TaskRecord
from stepwell.model.states import RunState, TaskState
from stepwell.model.task_record import origin_in

VALUES_SHOWN = 200


def page_of(task: StoredTask, card: StoredCard) -> CardPage:
    """Return the page.

    Raises
    ------
    StepwellNotFound
        The run is gone.
    BlobCorrupted
        The results of the task are damaged.
    """
    run, record = task.run.record(), task.find()
    pack = None if record is None else task.pack()
    graph = recorded_graph(task.run)
    steps: dict[str, dict[str, Any]] = graph.get("steps", {})
    parameters = _parameters(task, run)
    values = _values(task, pack, {row.name for row in parameters})
    return CardPage(
        type=card.head.type,
        title=str(card.head.options.get("title") or task.key.step),
        pathspec=task.key.pathspec,
        state=_state(run, record, pack),
        flow_doc=inspect.cleandoc(graph.get("doc", "")),
        step_doc=inspect.cleandoc(steps.get(task.key.step, {}).get("doc", "")),
        facts=tuple(_facts(run, record, pack)),
        error=_error(record, pack),
        parts=card.parts,
        graph=tuple(
            StepNode(name, tuple(step.get("next", ())), step.get("type", ""), step.get("matching_join") or "")
            for name, step in steps.items()
        ),
        parameters=parameters,
        values=values[:VALUES_SHOWN],
        values_left_out=max(0, len(values) - VALUES_SHOWN),
    )


def _parameters(task: StoredTask, run: RunRecord) -> tuple[ValueRow, ...]:
    datastore = task.run.connection.stores.datastore
    pack = datastore.pack(TaskKey(run.flow, run.run, PARAMETERS_STEP, run.parameters_task))
    return tuple(
        ValueRow(entry.name, entry.type, entry.size, entry.preview)
        for entry in (() if pack is None else pack.own)
        if not entry.name.startswith("_")
    )


def _values(task: StoredTask, pack: Pack | None, parameters: set[str]) -> tuple[ValueRow, ...]:
    """Return the artifacts, those that the task has set or changed first."""
    if pack is None:
        return ()
    own = {entry.name for entry in pack.own}
    entries = sorted(
        (e for e in task.entries().values() if not e.name.startswith("_") and e.name not in parameters),
        key=lambda entry: (entry.name not in own, entry.name),
    )
    texts = previews(task.run.connection.stores.datastore, pack, entries[:VALUES_SHOWN])
    return tuple(
        ValueRow(entry.name, entry.type, entry.size, texts.get(entry.name, ""), entry.name in own)
        for entry in entries
    )


def _state(run: RunRecord, record: TaskRecord | None, pack: Pack | None) -> str:
    if pack is not None and not pack.outcome.ok:
        was_ended = record is not None and record.state is TaskState.KILLED
        return (TaskState.KILLED if was_ended else TaskState.FAILED).value
    if pack is not None and pack.outcome.caught:
        return "caught"
    if record is None:
        return "succeeded" if pack is not None else "running"
    return "lost" if not record.state.finished and run.state is RunState.LOST else record.state.value


def _facts(run: RunRecord, record: TaskRecord | None, pack: Pack | None) -> Iterator[Fact]:
    yield Fact("Run by", run.user)
    began, ended = _times(record, pack)
    if began is not None:
        yield Fact("Started", time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(began)).strip())
        if ended is not None:
            yield Fact("Took", duration(ended - began))
    if record is not None:
        yield from _facts_of_record(record)
    if pack is not None and (peak := pack.fields.get("peak-rss-kib")):
        yield Fact("Memory at most", f"{int(peak) / 1024:.0f} MiB")
    if run.tags:
        yield Fact("Tags", ", ".join(run.tags))
    if version := run.fields.get("code-version"):
        yield Fact("Code", version)


def _facts_of_record(record: TaskRecord) -> Iterator[Fact]:
    if record.index_path:
        yield Fact("Item", f"[{record.index_path}] {record.label}".rstrip())
    if record.attempt:
        yield Fact("Tries", f"{record.attempt + 1}, and this is the last")
    if (origin := origin_in(record)) is not None:
        yield Fact("Taken from", origin.pathspec)
    if caught := record.fields.get(CAUGHT):
        yield Fact("Caught", caught)
    if record.host:
        yield Fact("Ran on", record.host)


def _times(record: TaskRecord | None, pack: Pack | None) -> tuple[float | None, float | None]:
    if pack is not None:
        return pack.outcome.started_at, pack.outcome.ended_at
    return (None, None) if record is None else (record.started_at, record.finished_at)


def _error(record: TaskRecord | None, pack: Pack | None) -> ErrorPart | None:
    error = None if pack is None else pack.outcome.error
    if error is not None:
        return ErrorPart(error.type, error.type, error.message, error.frames)
    if pack is None and record is not None and record.error:
        title, _, message = record.error.partition(": ")
        return ErrorPart(title, title, message) if message else ErrorPart("Failed", "", title)
    return None
