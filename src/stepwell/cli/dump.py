"""``dump RUN/STEP[/TASK]``: the artifacts of tasks."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from stepwell.cli.addresses import ADDRESSES
from stepwell.cli.context import current_context
from stepwell.cli.stores import find_in, stores_of
from stepwell.client.previews import entries_of, preview
from stepwell.datastore.datastore import Datastore
from stepwell.definition.nearest import did_you_mean, listed
from stepwell.exceptions import UsageError
from stepwell.model.artifact import ArtifactEntry
from stepwell.model.ids import TaskKey
from stepwell.model.pack import Pack
from stepwell.model.run import TaskRecord


def command(_flow_class: object) -> click.Command:
    """Build the command."""
    return click.Command(
        "dump",
        params=[
            click.Argument(["address"], metavar="RUN/STEP[/TASK]"),
            click.Option(["--private"], is_flag=True, help="Names that start with _ as well."),
            click.Option(
                ["--max-value-size"],
                type=click.IntRange(min=0),
                default=1000,
                show_default=True,
                help="Most characters of a value; 0 prints only names.",
            ),
            click.Option(["--include"], metavar="NAME,...", help="Only these artifacts."),
            click.Option(["--file"], type=click.Path(path_type=Path), help="Write a pickle of the values."),
            click.Option(["--full"], is_flag=True, help="Load the values in place of their previews."),
        ],
        callback=dump,
        help=f"Print name, size, type and value of each artifact of the tasks. {ADDRESSES}",
    )


def dump(
    address: str, private: bool, max_value_size: int, include: str | None, file: Path | None, full: bool
) -> None:
    """Print the artifacts, or write them to a file."""
    context = current_context()
    stores = stores_of(context)
    found = find_in(context, stores, address)
    if found.step is None:
        raise UsageError(f"dump needs a step: {address}/STEP or {address}/STEP/TASK.")
    wanted = None if include is None else [name.strip() for name in include.split(",")]
    if wanted is not None:
        _must_be_known(stores.datastore, found.tasks, wanted)
    values: dict[str, dict[str, object]] = {}
    for task in found.tasks:
        key = TaskKey(task.flow, task.run, task.step, task.task)
        pack = _pack_of(stores.datastore, task)
        entries = [] if pack is None else _chosen(entries_of(stores.datastore, pack), private, wanted)
        if file is not None:
            values[key.short] = {entry.name: stores.datastore.load(task.flow, entry) for entry in entries}
            continue
        context.console.data(f"[{key.short}]{'' if pack else ' has stored no artifacts'}")
        if pack is not None:
            for entry in entries:
                context.console.data(*_lines(stores.datastore, pack, entry, max_value_size, full))
    if file is not None:
        _write(file, pickle.dumps(values))
        context.console.talk(f"Artifacts of {len(values)} tasks written to {file}.")


def _write(file: Path, data: bytes) -> None:
    """Write a file for this user only; one that exists keeps its permissions."""
    try:
        with open(file, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as opened:
            opened.write(data)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}.") from error


def _pack_of(datastore: Datastore, task: TaskRecord) -> Pack | None:
    key = TaskKey(task.flow, task.run, task.step, task.task)
    return datastore.pack(key) or datastore.pack(key, task.attempt)


def _must_be_known(datastore: Datastore, tasks: Sequence[TaskRecord], wanted: Sequence[str]) -> None:
    """Raise unless each name is that of an artifact of some task; no more tasks are read than that takes."""
    known: set[str] = set()
    for task in tasks:
        pack = _pack_of(datastore, task)
        known |= set() if pack is None else set(entries_of(datastore, pack))
        if known.issuperset(wanted):
            return
    for name in wanted:
        if name not in known:
            public = sorted(other for other in known if not other.startswith("_"))
            there_are = f"There are: {listed(public)}." if public else "There are none."
            advice = f"{did_you_mean(name, known)} {there_are}".strip()
            raise UsageError(f"--include names `{name}`, which is no artifact of these tasks. {advice}")


def _chosen(
    entries: dict[str, ArtifactEntry], private: bool, wanted: Sequence[str] | None
) -> list[ArtifactEntry]:
    if wanted is not None:
        return [entries[name] for name in wanted if name in entries]
    return [entries[name] for name in sorted(entries) if private or not name.startswith("_")]


def _lines(datastore: Datastore, pack: Pack, entry: ArtifactEntry, size: int, full: bool) -> Iterator[str]:
    """Yield what there is to say of an artifact; a value of several lines stands below its name, set in."""
    head = f"{entry.name} [size: {entry.size} type: {entry.type}]"
    if size == 0:
        yield head
        return
    shown = repr(datastore.load(pack.key.flow, entry)) if full else preview(datastore, pack, entry)
    value = (shown if len(shown) <= size else f"{shown[:size]}...").split("\n")
    if len(value) == 1:
        yield f"{head} = {value[0]}"
    else:
        yield f"{head} ="
        yield from (f"    {line}" for line in value)
