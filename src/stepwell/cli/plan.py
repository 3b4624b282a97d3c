"""What ``run --dry-run`` prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from stepwell.cli.context import CliContext
from stepwell.cli.wording import asked_for
from stepwell.model import wire

if TYPE_CHECKING:
    from stepwell.definition.flow_definition import FlowDefinition
    from stepwell.runtime.options import RunOptions
    from stepwell.runtime.plan import Plan, PlannedStep


def print_plan(
    context: CliContext,
    definition: FlowDefinition,
    parameters: Mapping[str, object],
    options: RunOptions,
    as_json: bool,
) -> None:
    """Print what the run would do."""
    from stepwell.wiring.runs import plan_run  # the adapters

    plan = plan_run(definition, parameters, options, context.settings)
    if as_json:
        context.console.data(msgspec.json.encode(wire.escaped(plan)).decode())
        return
    for notice in plan.notices:
        context.console.talk(f"Note: {notice}")
    for line in _lines(plan):
        context.console.data(line)


def _lines(plan: Plan) -> Iterator[str]:
    yield f"Plan of a run of {plan.flow} ({plan.file}); nothing is executed"
    yield f"  datastore {plan.datastore}"
    yield f"  isolation {plan.isolation}"
    yield f"  workers   {plan.workers}"
    for name, shown in plan.parameters.items():
        yield f"  parameter {name} = {shown}"
    for step in plan.steps:
        yield ""
        targets = f" => {', '.join(step.targets)}" if step.targets else ""
        yield f"Step {step.name}{targets}"
        yield from (f"  {line}" for line in _of_step(step))


def _of_step(step: PlannedStep) -> Iterator[str]:
    yield f"type      {step.type}"
    if step.decorators:
        yield f"decorated {', '.join(f'@{name}' for name in step.decorators)}"
    yield f"resources {asked_for(step.resources) or 'none stated'}"
    if step.variables:
        yield f"variables {', '.join(step.variables)}"
    yield f"{'reused' if step.reused else 'runs  '}    {step.why}"
