"""``resume``: a new run that takes over results of an earlier one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from stepwell.cli.config_options import config_options, going_on_with, has_configs, parameter_specs
from stepwell.cli.context import CliContext, current_context
from stepwell.cli.exit_code import ExitCode
from stepwell.cli.origin import origin_run
from stepwell.cli.parameter_options import given_values, parameter_options
from stepwell.cli.run import carry_out, check_step, defined, say_head
from stepwell.cli.run_options import RERUN_CHANGED, RERUN_HELP, own_options
from stepwell.exceptions import UsageError
from stepwell.model.given_ids import fault_of_run_id
from stepwell.runtime.options import ResumeRun

if TYPE_CHECKING:
    from stepwell.definition.flow_definition import FlowDefinition
    from stepwell.definition.flowspec import FlowSpec
    from stepwell.definition.parameter_values import ParameterSpec


def command(flow_class: type[FlowSpec] | None) -> click.Command:
    """Build the command: the flow's parameters, to override them, then the options of ``run`` and its own."""
    specs: tuple[ParameterSpec, ...] = ()
    if flow_class is not None:
        specs = parameter_specs(flow_class)
    taken = {spec.name for spec in specs}

    def option(name: str, help: str, **more: Any) -> click.Option:
        return click.Option([f"--{name}"], help=help, **more)

    own = [
        option("origin-run-id", "Run to take results from  [default: your latest run of the flow]"),
        option("run-id", "Id of the new run, given by a scheduler; no number."),
        option("clone-only", "Take over results and execute nothing.", is_flag=True),
        option(RERUN_CHANGED, RERUN_HELP, is_flag=True),
        option("only", "Execute this step alone, and take over all before it.", metavar="STEP"),
        option(
            "reentrant",
            "Let several processes resume into the run that --run-id names: one leads, the others wait.",
            is_flag=True,
        ),
    ]
    return click.Command(
        "resume",
        params=[
            click.Argument(["step"], required=False, metavar="[STEP]"),
            *parameter_options(specs, overriding=True),
            *own_options(taken),
            *own,
            *config_options("override-", " in place of the one it had"),
        ],
        callback=resume,
        help="Make a new run that reuses results of an earlier one. Without STEP, whatever did not "
        "succeed is executed; with STEP, that step and all after it. Parameters keep their values unless "
        "given.",
    )


def resume(step: str | None, **values: Any) -> int:
    """Find the run to go on from, and run what is to be executed."""
    context = current_context()
    if has_configs(context) and context.flow_class is not None:
        origin = origin_run(context, context.flow_class.__name__, values["origin_run_id"])
        context = going_on_with(context, origin, values)
    definition = defined(context, values)
    check_step(definition, step, "STEP")
    check_step(definition, values["only"], "--only")
    run_id = values["run_id"]
    if run_id is not None and run_id.isdecimal():
        raise UsageError(f"--run-id {run_id}: numbers are given by Stepwell itself. Choose another text.")
    if run_id is not None and (fault := fault_of_run_id(run_id)):
        raise UsageError(f"--run-id {run_id!r} cannot be the id of a run. {fault}")
    asked = ResumeRun(
        origin=origin_run(context, definition.name, values["origin_run_id"]).run,
        step=step,
        parameters=given_values(click.get_current_context(), values)[0],
        run_id=run_id,
        clone_only=values["clone_only"],
        only=values["only"],
        rerun_changed=values["rerun_changed"],
    )
    if values["dry_run"]:
        return _print_plan(context, definition, asked, as_json=values["as_json"])
    if values["reentrant"] and run_id is None:
        raise UsageError("--reentrant needs --run-id: the id of the run that all of them resume into.")
    say_head(context, definition)
    if values["reentrant"]:
        from stepwell.cli.reentrant import lead_or_follow

        return lead_or_follow(
            context,
            definition.name,
            asked,
            str(run_id),
            lambda asked: carry_out(context, definition, lambda: asked, values),
        )
    return carry_out(context, definition, lambda: asked, values)


def _print_plan(context: CliContext, definition: FlowDefinition, asked: ResumeRun, as_json: bool) -> ExitCode:
    from stepwell.cli.reuse_plan import print_reuse
    from stepwell.runtime.resuming import resumption
    from stepwell.wiring.stores import open_stores

    stores = open_stores(settings=context.settings)
    found = resumption(definition, stores.datastore, stores.metadata, asked, context.settings.user)
    for notice in found.notices:
        context.console.talk(f"Note: {notice}")
    print_reuse(context, definition.name, asked.origin, found.plan, as_json)
    return ExitCode.DONE
