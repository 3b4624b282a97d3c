"""``why RUN/STEP[/TASK]``: why tasks were executed, or their results reused."""

from __future__ import annotations

from collections.abc import Iterator

import click
import msgspec

from stepwell.cli.addresses import ADDRESSES
from stepwell.cli.context import current_context
from stepwell.cli.stores import find_in, stores_of
from stepwell.client.why import Explanation, alike
from stepwell.exceptions import UsageError
from stepwell.model import wire
from stepwell.model.run import TaskRecord

_NAMED = 5


def command(_flow_class: object) -> click.Command:
    """Build the command."""
    return click.Command(
        "why",
        params=[
            click.Argument(["address"], metavar="RUN/STEP[/TASK]"),
            click.Option(["--json", "as_json"], is_flag=True, help="Print it as JSON."),
        ],
        callback=why,
        help="Say why a task, or each task of a step, was executed, or its result taken over from an earlier "
        f"run or from the cache, with the changes of code and values that were found. {ADDRESSES}",
    )


def why(address: str, as_json: bool) -> None:
    """Print what was decided on the tasks."""
    context = current_context()
    stores = stores_of(context)
    found = find_in(context, stores, address)
    if found.step is None:
        raise UsageError(f"why needs a step: {address}/STEP or {address}/STEP/TASK.")
    explained = list(alike(found.tasks, stores.datastore, stores.metadata))
    if as_json:
        listed = [{**_plain(one), "tasks": [task.task for task in tasks]} for one, tasks in explained]
        step = {"flow": found.run.flow, "run": found.run.run, "step": found.step, "decisions": listed}
        context.console.data(msgspec.json.encode(step).decode())
        return
    for explanation, tasks in explained:
        context.console.data(*_lines(explanation, tasks))


def _plain(explanation: Explanation) -> dict[str, object]:
    plain = wire.escaped(explanation)
    return plain if isinstance(plain, dict) else {}  # pyright: ignore[reportUnknownVariableType] - a struct is one


def _lines(explanation: Explanation, tasks: list[TaskRecord]) -> Iterator[str]:
    first = tasks[0]
    named = ", ".join(task.task for task in tasks[:_NAMED])
    more = f" and {len(tasks) - _NAMED} more" if len(tasks) > _NAMED else ""
    many = len(tasks) > 1
    place = f"{first.flow}/{first.run}/{first.step}"
    who = f"Tasks {named}{more} of {place} were" if many else f"Task {place}/{named} was"
    yield f"{who} {explanation.decision}:"
    for reason in explanation.reasons:
        yield f"  {reason}"
    for change in explanation.changes:
        yield ""
        yield f"  {change.part}:"
        yield from (f"    {line}" for line in change.diff)
