"""``logs RUN[/STEP[/TASK]]``: what tasks have printed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
from msgspec.structs import replace

from stepwell.cli.addresses import ADDRESSES, Address
from stepwell.cli.context import current_context
from stepwell.cli.log_choice import LogOptions, chosen, options_of
from stepwell.cli.log_scrub import scrub_command
from stepwell.cli.stores import find_in, stores_of
from stepwell.client.run_log import PrintedLine, lines_by_time, lines_of
from stepwell.datastore.logs import Logs
from stepwell.exceptions import StepwellNotFound
from stepwell.metadata_store.store import TaskQuery
from stepwell.model.run import TaskRecord
from stepwell.model.states import TaskState

_FAILED = (TaskState.FAILED, TaskState.KILLED, TaskState.LOST, TaskState.RETRYING)


def command(_flow_class: object) -> click.Command:
    """Build the command."""
    return _Logs(
        "logs",
        params=[
            click.Argument(["address"], metavar="[show] RUN[/STEP[/TASK]]"),
            click.Option(["--stdout"], is_flag=True, help="Only standard output."),
            click.Option(["--stderr"], is_flag=True, help="Only standard error."),
            click.Option(["--both"], is_flag=True, help="Both, in the order they came  [default]"),
            click.Option(["--timestamps"], is_flag=True, help="Put the time before each line."),
            click.Option(
                ["--attempt"], type=click.IntRange(min=0), help="Which attempt, from 0  [default: the last]"
            ),
            click.Option(
                ["-f", "--follow"], is_flag=True, help="Go on until the task, or the run, has ended."
            ),
            click.Option(["--tail"], type=click.IntRange(min=0), metavar="N", help="Only the last N lines."),
            click.Option(
                ["--grep"], metavar="RE", help="Only lines in which the regular expression is found."
            ),
            click.Option(["--failed"], is_flag=True, help="Only tasks that have failed."),
            click.Option(
                ["--since"],
                metavar="TIME",
                help="Only what was printed since: `10m` ago (s, m, h, d), or a time as `2026-05-01 14:30`",
            ),
            click.Option(["--json", "as_json"], is_flag=True, help="One JSON object a line."),
        ],
        callback=logs,
        help="Print what tasks have printed: of a run all of them, by time, with their names before each "
        f"line. `logs scrub` takes text out of logs, for good. {ADDRESSES}",
    )


class _Logs(click.Command):
    """Shows logs, unless the first word is the name of something else to do with them."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.commands: dict[str, click.Command] = {"scrub": scrub_command()}

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        first = args[0] if args else ""
        if first in self.commands:
            return self.commands[first].make_context(f"{info_name} {first}", args[1:], parent, **extra)
        args = args[1:] if first == "show" and len(args) > 1 else args
        return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        return super().invoke(ctx) if ctx.command is self else ctx.command.invoke(ctx)


def logs(address: str, **values: Any) -> None:
    """Print the lines; nothing else goes to standard output."""
    options = options_of(values)
    context = current_context()
    stores = stores_of(context)
    if values["follow"]:
        from stepwell.cli.log_following import follow  # few wait for more

        follow(context, stores, address, options)
        return
    found = find_in(context, stores, address)
    if found.step is None:
        tasks = stores.metadata.tasks(TaskQuery(flow=found.run.flow, run=found.run.run, ascending=True))
        found = replace(found, tasks=tuple(tasks))
    for data in chosen(_lines(stores.datastore.logs, found, address, options), options, found.step is None):
        context.console.printed(data)


def _lines(logs: Logs, found: Address, address: str, options: LogOptions) -> Iterator[PrintedLine]:
    tasks = [task for task in found.tasks if not options.failed or task.state in _FAILED]
    if not tasks and options.failed:
        current_context().console.talk(f"No task of {address} has failed.")
        return
    having = [task for task in tasks if options.attempt is None or options.attempt <= task.attempt]
    if tasks and not having:
        raise _no_attempt(address, found, tasks, options.attempt)
    if found.step is None:
        yield from lines_by_time(having, lambda task: lines_of(logs, task, options.attempt))
        return
    for task in having:
        yield from lines_of(logs, task, options.attempt)


def _no_attempt(
    address: str, found: Address, tasks: list[TaskRecord], attempt: int | None
) -> StepwellNotFound:
    latest = max(task.attempt for task in tasks)
    if found.task is not None:
        return StepwellNotFound(f"Task {address} has no attempt {attempt}; its attempts are 0 to {latest}.")
    return StepwellNotFound(f"No task of {address} has an attempt {attempt}; the last one is {latest}.")
