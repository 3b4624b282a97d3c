"""``logs RUN/STEP[/TASK]``: what tasks have printed."""

from __future__ import annotations

import time
from collections.abc import Iterator

import click

from stepwell.cli.addresses import ADDRESSES
from stepwell.cli.context import current_context
from stepwell.cli.stores import find_in, stores_of
from stepwell.datastore.log_records import LogLine, whole_lines
from stepwell.exceptions import StepwellNotFound, UsageError
from stepwell.model.ids import TaskKey


def command(_flow_class: object) -> click.Command:
    """Build the command."""
    return click.Command(
        "logs",
        params=[
            click.Argument(["words"], nargs=-1, required=True, metavar="[show] RUN/STEP[/TASK]"),
            click.Option(["--stdout"], is_flag=True, help="Only standard output."),
            click.Option(["--stderr"], is_flag=True, help="Only standard error."),
            click.Option(["--both"], is_flag=True, help="Both, in the order they came  [default]"),
            click.Option(["--timestamps"], is_flag=True, help="Put the time before each line."),
            click.Option(
                ["--attempt"], type=click.IntRange(min=0), help="Which attempt, from 0  [default: the last]"
            ),
        ],
        callback=logs,
        help=f"Print what a task, or each task of a step, has printed. {ADDRESSES}",
    )


def logs(
    words: tuple[str, ...], stdout: bool, stderr: bool, both: bool, timestamps: bool, attempt: int | None
) -> None:
    """Print the lines; nothing else goes to standard output."""
    words = words[1:] if words[0] == "show" and len(words) > 1 else words
    if len(words) != 1:
        raise UsageError(
            f"logs takes one address, RUN/STEP or RUN/STEP/TASK; it was given {' '.join(words)}."
        )
    context = current_context()
    stores = stores_of(context)
    address = find_in(context, stores, words[0])
    if address.step is None:
        raise UsageError(f"logs needs a step: {words[0]}/STEP or {words[0]}/STEP/TASK.")
    unwanted = None if both or stdout == stderr else "stderr" if stdout else "stdout"
    task = address.task
    if attempt is not None and task is not None and attempt > task.attempt:
        raise StepwellNotFound(
            f"Task {words[0]} has no attempt {attempt}; its attempts are 0 to {task.attempt}."
        )
    for task in address.tasks:
        key = TaskKey(task.flow, task.run, task.step, task.task)
        lines = stores.datastore.logs.lines(key, task.attempt if attempt is None else attempt)
        wanted = (line for line in lines if line.stream != unwanted)
        for data in _pieces(wanted, timestamps):
            context.console.printed(data)


def _pieces(records: Iterator[LogLine], timestamps: bool) -> Iterator[bytes]:
    """Yield what was printed, byte for byte, each line with the newline that it may lack."""
    for line in whole_lines(records):
        if timestamps:
            at = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(line.at))
            yield f"{at}.{int(line.at * 1000) % 1000:03d} ".encode()
        yield line.data if line.data.endswith(b"\n") else line.data + b"\n"
