"""``init``, hidden: what schedulers call to register a run before its first task."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from stepwell.cli.config_options import parameter_specs
from stepwell.cli.context import CliContext, current_context
from stepwell.cli.parameter_options import parameter_options, resolved
from stepwell.cli.run_options import trace_option
from stepwell.model.ids import PARAMETERS_TASK

if TYPE_CHECKING:
    from stepwell.definition.flow_definition import FlowDefinition
    from stepwell.definition.flowspec import FlowSpec
    from stepwell.model.run import RunRecord


def command(flow_class: type[FlowSpec] | None) -> click.Command:
    """Build the command: the flow's parameters first, then our own options."""
    specs = () if flow_class is None else parameter_specs(flow_class)
    return click.Command(
        "init",
        params=[
            *parameter_options(specs),
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
            trace_option({spec.name for spec in specs}),
        ],
        callback=init,
        hidden=True,
        help="Register a run that a scheduler drives. Each parameter of the flow is an option.",
    )


def init(run_id: str, task_id: str, tags: tuple[str, ...], trace: str | None, **values: Any) -> None:
    """Register the run and print its id."""
    context = current_context()
    definition = context.define()
    parameters = resolved(click.get_current_context(), context, definition, values)

    def register(more: dict[str, str]) -> RunRecord:
        from stepwell.runtime.scheduler_run import Registration
        from stepwell.wiring.runs import register_run  # all the machinery of a run

        registration = Registration(run=run_id, parameters_task=task_id, tags=tags, more=more)
        return register_run(definition, parameters, registration, context.settings)

    if trace is None and not context.settings.text("OTEL_ENDPOINT"):
        record = register({})
    else:
        record = _traced(context, definition, trace, register)
    context.console.data(record.run)
    context.console.talk(f"run {record.flow}/{record.run} is registered")


def _traced(
    context: CliContext,
    definition: FlowDefinition,
    target: str | None,
    register: Callable[[dict[str, str]], RunRecord],
) -> RunRecord:
    from stepwell.runtime.events import RunBegan  # few runs are traced
    from stepwell.wiring.tracing import registration_trace

    with registration_trace(target, context.settings, context.console.talk) as (trace, recorded):
        trace.note("graph_built", definition.graph_s)
        trace.note("checked", definition.check_s)
        record = register(recorded)
        steps = tuple(definition.graph.nodes)
        trace.listen(RunBegan(at=time.time(), flow=record.flow, run=record.run, steps=steps, location=""))
        return record
