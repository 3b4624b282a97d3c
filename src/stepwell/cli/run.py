"""``run``: options to a request, one call, a view of what happens."""

from __future__ import annotations

import gc
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stepwell.cli.context import CliContext, current_context
from stepwell.cli.exit_code import ExitCode, exit_code
from stepwell.cli.parameter_options import parameter_options, resolved
from stepwell.cli.view_choice import choose_view
from stepwell.cli.views import View, ViewOptions
from stepwell.cli.wording import counted
from stepwell.exceptions import UsageError
from stepwell.runtime.options import NewRun, RunAsked, RunOptions
from stepwell.version import VERSION

if TYPE_CHECKING:
    from stepwell.definition.flow_definition import FlowDefinition
    from stepwell.definition.flowspec import FlowSpec
    from stepwell.definition.parameter_values import ParameterSpec


def command(flow_class: type[FlowSpec] | None) -> click.Command:
    """Build the command: the flow's parameters first, then our own options."""
    specs: tuple[ParameterSpec, ...] = ()
    if flow_class is not None:
        from stepwell.definition.parameter_values import specs_of

        specs = specs_of(flow_class)
    taken = {spec.name for spec in specs}
    return click.Command(
        "run",
        params=[*parameter_options(specs), *own_options(taken)],
        callback=run,
        help="Run the flow. Each parameter of the flow is an option.",
    )


def own_options(taken: Collection[str] = ()) -> list[click.Option]:
    """Return the options that all commands which run a flow have.

    A parameter whose name is ``taken`` wins; the option is then ``--stepwell-<name>``.
    """

    def option(name: str, help: str, dest: str | None = None, **more: Any) -> click.Option:
        flag = f"--stepwell-{name}" if name in taken else f"--{name}"
        names = [dest or name.replace("-", "_"), flag]
        return click.Option(names, help=help, **more)

    count = click.IntRange(min=1)
    path = click.Path(dir_okay=False, path_type=Path)
    return [
        option("tag", "Tag the run; may be repeated.", "tags", multiple=True, metavar="TAG"),
        option("max-workers", "Most tasks at once  [default: number of usable cores]", type=count),
        option("max-num-splits", "Most items of a foreach  [default: unlimited]", type=count),
        option(
            "max-log-size",
            "Most MB kept of each stream of an attempt.",
            type=click.FloatRange(min=0, min_open=True),
            default=10.0,
            show_default=True,
        ),
        option("with", "Add a decorator to every step.", "with_specs", multiple=True, metavar="SPEC"),
        option("run-id-file", "Write the run's id to this file before any task starts.", type=path),
        option("runner-attribute-file", "Write run_id, flow_name and metadata as JSON.", type=path),
        option("namespace", "The client's namespace inside tasks; empty is global.", metavar="NAMESPACE"),
        option(
            "isolation",
            "How tasks are set apart  [default: fork where it is safe]",
            type=click.Choice(["fork", "spawn", "inline"]),
        ),
        option("keep-going", "After a failure, run all that does not depend on it.", is_flag=True),
        option(
            "drain",
            "Seconds that running tasks get after a failure.",
            type=click.FloatRange(min=0),
            default=30.0,
            show_default=True,
        ),
        option(
            "kill-grace",
            "Seconds between asking a task to end and killing it.",
            type=click.FloatRange(min=0),
            default=10.0,
            show_default=True,
        ),
        option("json", "Print events as JSON lines in place of the text.", "as_json", is_flag=True),
        option("verbose", "Print the start and end of every task of a wide step.", is_flag=True),
        option("show-logs", "Steps whose output is shown, or none  [default: all]", metavar="STEP,...|none"),
        option("full-traceback", "Show all frames of a failure.", is_flag=True),
    ]


def run(**values: Any) -> ExitCode:
    """Check the flow, resolve parameters, run it, and show what happens."""
    context = current_context()
    definition = context.define(tuple(values["with_specs"]))
    say_head(context, definition)
    parameters = resolved(click.get_current_context(), context, values)
    return carry_out(context, definition, NewRun(parameters), values)


def say_head(context: CliContext, definition: FlowDefinition) -> None:
    """Say what is run, and that it is valid."""
    if not context.quiet:
        user = context.settings.user
        context.console.talk(f"Stepwell {VERSION} running {definition.name} for user:{user}")
        context.console.talk(f"flow is valid ({counted(len(definition.graph), 'step')})")


def carry_out(
    context: CliContext, definition: FlowDefinition, asked: RunAsked, values: Mapping[str, Any]
) -> ExitCode:
    """Carry out the run that is asked for, and show what happens."""
    view = choose_view(context, view_options(values, tuple(definition.graph.nodes)))
    from stepwell.wiring import run_flow  # all the machinery of a run

    # What is loaded by now lives as long as this process: neither it nor its launcher, which inherits this,
    # need look at it in a collection again, the last one before the exit included.
    gc.freeze()
    with view:
        result = run_flow(definition, asked, run_options(values), context.settings, view.listen)
    _say_what_next(context, view, result.flow, result.run)
    return exit_code(result.state)


def _say_what_next(context: CliContext, view: View, flow: str, run: str) -> None:
    failed = view.failed
    if failed is not None:
        context.console.talk(
            f"Next: `{context.hint('logs', failed.pathspec)}` prints all its output, "
            f"`{context.hint('dump', failed.pathspec)}` its artifacts, "
            f"`{context.hint('show', f'{flow}/{run}')}` describes the run."
        )


def run_options(values: Mapping[str, Any]) -> RunOptions:
    return RunOptions(
        tags=tuple(values["tags"]),
        max_workers=values["max_workers"],
        max_num_splits=values["max_num_splits"],
        max_log_size_mb=values["max_log_size"],
        isolation=values["isolation"],
        run_id_file=values["run_id_file"],
        runner_attribute_file=values["runner_attribute_file"],
        namespace=values["namespace"],
        keep_going=values["keep_going"],
        drain_s=values["drain"],
        kill_grace_s=values["kill_grace"],
    )


def view_options(values: Mapping[str, Any], steps: tuple[str, ...]) -> ViewOptions:
    text: str | None = values["show_logs"]
    shown: frozenset[str] | None = None
    if text is not None:
        shown = frozenset() if text == "none" else frozenset(text.split(","))
        for name in sorted(shown - set(steps)):
            from stepwell.definition.nearest import did_you_mean

            hint = did_you_mean(name, steps)
            raise UsageError(f"--show-logs names `{name}`, which is not a step of the flow. {hint}".strip())
    return ViewOptions(
        as_json=values["as_json"],
        verbose=values["verbose"],
        full_traceback=values["full_traceback"],
        show_logs=shown,
    )
