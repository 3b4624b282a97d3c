"""``run-many``: several runs that differ in their parameters, under one limit on workers."""

from __future__ import annotations

import csv
import itertools
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click
import msgspec

from stepwell.cli.context import CliContext, current_context
from stepwell.cli.exit_code import ExitCode
from stepwell.cli.parameter_options import resolved
from stepwell.cli.wording import counted
from stepwell.definition.given_text import text_of_file
from stepwell.definition.nearest import did_you_mean, listed
from stepwell.exceptions import UsageError
from stepwell.model.amounts import duration

if TYPE_CHECKING:
    from stepwell.definition.flow_definition import FlowDefinition
    from stepwell.wiring.many_runs import ManyRun

Row = Mapping[str, str]


def command(_flow_class: object) -> click.Command:
    """Build the command."""
    return click.Command(
        "run-many",
        params=[
            click.Option(
                ["--params-file"],
                type=click.Path(path_type=Path),
                help="A run for each row: CSV with the names of parameters in its first line, or JSON lines.",
            ),
            click.Option(
                ["--grid"],
                multiple=True,
                metavar="NAME=VALUE,...",
                help="A run for each value; several give the product, also with the rows of a file.",
            ),
            click.Option(
                ["--max-workers"],
                type=click.IntRange(min=1),
                help="Most tasks at once, of all runs together  [default: number of usable cores]",
            ),
            click.Option(
                ["--tag", "tags"], multiple=True, metavar="TAG", help="Tag every run; may be repeated."
            ),
            click.Argument(["options"], nargs=-1, metavar="[-- OPTIONS OF run]"),
        ],
        callback=run_many,
        help="Run the flow several times. What stands after `--` is for each run.",
    )


def run_many(
    params_file: Path | None,
    grid: tuple[str, ...],
    max_workers: int | None,
    tags: tuple[str, ...],
    options: tuple[str, ...],
) -> ExitCode:
    """Check all rows, carry out a run for each, and print what became of them."""
    context = current_context()
    rows = _rows(params_file, grid)
    tag = f"many:{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() % 1_000_000:06d}"
    workers = max_workers or _usual_workers(context)
    own = [*(f"--tag={one}" for one in (tag, *tags)), f"--max-workers={workers}", *options]
    arguments = [[*own, *(f"--{name}={value}" for name, value in row.items())] for row in rows]
    if not hasattr(os, "fork"):
        raise UsageError(
            "run-many shares workers among its runs by sockets that they inherit, which this system does not "
            "let them. Start the runs one by one with `run`."
        )
    definition = context.define()
    for number, (row, given) in enumerate(zip(rows, arguments, strict=True), start=1):
        _check(context, definition, f"run {number} of {len(rows)} ({_label(row)})", given)
    from stepwell.wiring.many_runs import ManyRun, carry_out_many

    base = (*_program(context, definition), "--json")
    runs = [ManyRun(_label(row), (*base, *given)) for row, given in zip(rows, arguments, strict=True)]
    context.console.talk(f"{counted(len(runs), 'run')} with tag {tag}, {counted(workers, 'worker')} for all")
    interrupted = carry_out_many(runs, workers, lambda many, what: _tell(context, many, what))
    context.console.data(*_table(runs))
    if interrupted:
        return ExitCode.INTERRUPTED
    return ExitCode.DONE if all(many.exit_code == 0 for many in runs) else ExitCode.FAILED


# What is asked for


def _rows(file: Path | None, grid: Sequence[str]) -> list[Row]:
    if file is None and not grid:
        raise UsageError("Nothing says how the runs differ: give --params-file FILE or --grid NAME=VALUE,...")
    axes: dict[str, list[str]] = {}
    for text in grid:
        name, equals, values = text.partition("=")
        if not (equals and name and all(values.split(","))):
            raise UsageError(f"--grid {text}: this has not the form NAME=VALUE,VALUE,...")
        if name in axes:
            raise UsageError(f"--grid gives `{name}` twice. Put all its values into one: {name}=VALUE,VALUE")
        axes[name] = values.split(",")
    product = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    given: list[Row] = [{}] if file is None else list(_rows_of(file))
    if not given:
        raise UsageError(f"{file} has no rows: no run would be made.")
    for name in axes:
        if any(name in row for row in given):
            raise UsageError(f"`{name}` is given by --grid and by {file}. Take it out of one of them.")
    return [{**row, **more} for row in given for more in product]


def _rows_of(file: Path) -> Iterator[Row]:
    """Yield the values of each row; what is empty, or null, is left out."""
    try:
        text = text_of_file(file)
    except ValueError as error:
        raise UsageError(f"{file} cannot be read: {error}.") from None
    if text.lstrip().startswith("{"):
        for number, line in enumerate(text.splitlines(), start=1):
            if line.strip():
                yield _of_json(f"{file}, line {number}", line)
        return
    no_names: list[str] = []
    lines = csv.reader(text.splitlines(keepends=True))
    names = [name.strip() for name in next(lines, no_names)]
    if not all(names) or len(set(names)) < len(names):
        raise UsageError(f"{file}: its first line must name a parameter for each column, each once.")
    for values in lines:
        if not values:
            continue
        if len(values) != len(names):
            place = f"{file}, line {lines.line_num}"
            raise UsageError(f"{place}: {counted(len(values), 'value')}, but {counted(len(names), 'name')}.")
        yield {name: value for name, value in zip(names, values, strict=True) if value}


def _of_json(place: str, line: str) -> Row:
    try:
        found: object = msgspec.json.decode(line)
    except msgspec.DecodeError as error:
        raise UsageError(f"{place} is no JSON: {error}.") from error
    if not isinstance(found, dict):
        raise UsageError(f'{place}: a row is an object, as in {{"alpha": 0.1}}.')
    row = cast("dict[str, object]", found)
    return {
        name: value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for name, value in row.items()
        if value is not None
    }


def _check(context: CliContext, definition: FlowDefinition, which: str, given: Sequence[str]) -> None:
    """Raise `UsageError` if `run` would not take these arguments."""
    from stepwell.cli.run import command as run_command

    run = run_command(context.flow_class)
    known = {option.removeprefix("--") for one in run.params for option in one.opts}
    try:
        with run.make_context("run", list(given)) as ctx:
            if ctx.params["detach"] or ctx.params["dry_run"]:
                raise UsageError("`run-many` waits for its runs: --detach and --dry-run are not for them.")
            resolved(ctx, context, definition, ctx.params)
    except click.NoSuchOption as error:
        name = error.option_name.lstrip("-")
        hint = did_you_mean(name, known) or f"`run` has: {listed(sorted(known))}."
        raise UsageError(f"{which}: the flow has no parameter `{name}`. {hint}") from error
    except click.UsageError as error:
        raise UsageError(f"{which}: {error.format_message()}") from error
    except UsageError as error:
        raise UsageError(f"{which}: {error}") from error


def _usual_workers(context: CliContext) -> int:
    from stepwell.runtime.options import RunOptions
    from stepwell.wiring.capacity import workers_of

    return workers_of("fork", RunOptions(), context.settings)


def _program(context: CliContext, definition: FlowDefinition) -> tuple[str, ...]:
    """Return what starts `run` of this flow in a process of its own, in the same datastore."""
    from stepwell.definition.flow_source import source_of

    source = source_of(definition)
    specs = itertools.chain.from_iterable(("--with", spec) for spec in context.with_specs)
    place = f"{source.module or source.file}:{source.name}"
    options = (*context.store_options, *context.config_options, *specs)
    return (sys.executable, "-m", "stepwell", *options, "run", place)


# What is shown


def _label(row: Row) -> str:
    return " ".join(f"{name}={value}" for name, value in row.items())


def _tell(context: CliContext, many: ManyRun, what: str) -> None:
    if context.quiet:
        return
    name = f"run {many.run}" if many.run else "a run"
    if what == "started":
        context.console.talk(f"{name} started: {many.label}")
    else:
        reason = f": {many.reason}" if many.reason else ""
        context.console.talk(f"{name} {many.state} ({many.label}){reason}")


def _table(runs: Sequence[ManyRun]) -> Iterator[str]:
    cells = [("run", "state", "took", "parameters")]
    for many in runs:
        took = duration(many.seconds) if many.seconds else "-"
        cells.append((many.run or "-", many.state, took, many.label))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
