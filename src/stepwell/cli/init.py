"""``init``, hidden: what schedulers call to register a run before its first task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from stepwell.cli.config_options import parameter_specs
from stepwell.cli.context import current_context
from stepwell.cli.parameter_options import parameter_options, resolved
from stepwell.model.ids import PARAMETERS_TASK

if TYPE_CHECKING:
    from stepwell.definition.flowspec import FlowSpec


def command(flow_class: type[FlowSpec] | None) -> click.Command:
    """Build the command: the flow's parameters first, then our own options."""
    parameters: list[click.Option] = []
    if flow_class is not None:
        parameters = parameter_options(parameter_specs(flow_class))
    return click.Command(
        "init",
        params=[
            *parameters,
            click.Option(["--run-id"], required=True, metavar="RUN", help="Id of the run."),
            click.Option(
                ["--task-id"],
                default=PARAMETERS_TASK,
                show_default=True,
                metavar="TASK",
                help="Id of the task `_parameters`, which the first step follows.",
            ),
            click.Option(
                ["--tag", "tags"], multiple=True, metavar="TAG", help="Tag the run; may be repeated."
            ),
        ],
        callback=init,
        hidden=True,
        help="Register a run that a scheduler drives. Each parameter of the flow is an option.",
    )


def init(run_id: str, task_id: str, tags: tuple[str, ...], **values: Any) -> None:
    """Register the run and print its id."""
    context = current_context()
    definition = context.define()
    parameters = resolved(click.get_current_context(), context, definition, values)
    from stepwell.runtime.scheduler_run import Registration
    from stepwell.wiring.runs import register_run  # all the machinery of a run

    registration = Registration(run=run_id, parameters_task=task_id, tags=tags)
    record = register_run(definition, parameters, registration, context.settings)
    context.console.data(record.run)
    context.console.talk(f"run {record.flow}/{record.run} is registered")
