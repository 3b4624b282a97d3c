"""``logs scrub RUN/STEP[/TASK]``: take text out of logs, for good."""

from __future__ import annotations

import time
from typing import Any

import click

from stepwell.cli.addresses import ADDRESSES
from stepwell.cli.context import current_context
from stepwell.cli.log_choice import streams_of
from stepwell.cli.stores import find_in, stores_of
from stepwell.cli.wording import counted
from stepwell.datastore.log_scrubbing import Scrubbing
from stepwell.exceptions import StepwellNotFound, UsageError
from stepwell.model.ids import TaskKey
from stepwell.model.run import TaskRecord


def scrub_command() -> click.Command:
    """Build the command."""
    return click.Command(
        "scrub",
        params=[
            click.Argument(["address"], metavar="RUN/STEP[/TASK]"),
            click.Option(["--stdout"], is_flag=True, help="Only standard output."),
            click.Option(["--stderr"], is_flag=True, help="Only standard error."),
            click.Option(["--both"], is_flag=True, help="Both  [default]"),
            click.Option(["--attempt"], type=click.IntRange(min=0), help="Only this attempt, from 0."),
            click.Option(["--latest/--all"], default=True, help="The latest attempt, or all of them."),
            click.Option(
                ["--include-not-done"],
                is_flag=True,
                help="Also tasks that have not ended: of what they have printed so far",
            ),
        ],
        callback=scrub,
        help="Replace what tasks have printed by a marker, for good. What is taken out of a task's log "
        f"is gone as well from the runs that reuse the task. {ADDRESSES}",
    )


def scrub(address: str, **values: Any) -> None:
    """Scrub, and say how much was taken out."""
    context = current_context()
    now = time.time()
    stores = stores_of(context)
    found = find_in(context, stores, address)
    if found.step is None:
        raise UsageError(f"logs scrub needs a step: {address}/STEP or {address}/STEP/TASK.")
    done = [task for task in found.tasks if task.state.finished or found.run.state.finished]
    chosen = found.tasks if values["include_not_done"] else done
    if not chosen:
        raise UsageError(
            f"{address} has not ended. `--include-not-done` scrubs what it has printed so far; what it "
            "prints from then on is kept."
        )
    attempt = values["attempt"]
    if attempt is not None and not values["latest"]:
        raise UsageError("--all takes every attempt, and --attempt one of them: give one of the two.")
    chosen = [task for task in chosen if attempt is None or attempt <= task.attempt]
    if not chosen:
        raise StepwellNotFound(f"No task of {address} has an attempt {attempt}.")
    asked = Scrubbing(streams_of(values), now, f"scrubbed on {time.strftime('%Y-%m-%d %H:%M:%S')}")
    taken = 0
    for task in chosen:
        key = TaskKey(task.flow, task.run, task.step, task.task)
        for number in _attempts(task, attempt, values["latest"]):
            # Again until nothing is left: a task that runs may just have been writing.
            while found_now := stores.datastore.logs.scrub(key, number, asked):
                taken += found_now
    context.console.talk(
        f"{counted(taken, 'byte')} scrubbed from the logs of {counted(len(chosen), 'task')}."
    )
    if (running := len(found.tasks) - len(done)) and not values["include_not_done"]:
        left = f"{counted(running, 'task')} {'has' if running == 1 else 'have'}"
        context.console.talk(
            f"{left} not ended yet; `--include-not-done` scrubs also what they have printed so far."
        )


def _attempts(task: TaskRecord, attempt: int | None, latest: bool) -> range:
    if attempt is not None:
        return range(attempt, attempt + 1)
    return range(task.attempt if latest else 0, task.attempt + 1)
