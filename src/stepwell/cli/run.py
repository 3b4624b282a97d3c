"""``run``: options to a request, one call, a view of what happens."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from stepwell.cli.context import CliContext, current_context
from stepwell.cli.exit_code import ExitCode, exit_code
from stepwell.cli.view_choice import choose_view
from stepwell.cli.views import View, ViewOptions
from stepwell.exceptions import UsageError
from stepwell.runtime.options import RunOptions
from stepwell.version import VERSION

if TYPE_CHECKING:
    from stepwell.definition.flowspec import FlowSpec
    from stepwell.definition.parameter_values import ParameterSpec

_PARAMETER = "parameter:"


def command(flow_class: type[FlowSpec] | None) -> click.Command:
    """Build the command: the flow's parameters first, then our own options."""
    specs: tuple[ParameterSpec, ...] = ()
    if flow_class is not None:
        from stepwell.definition.parameter_values import specs_of

        specs = specs_of(flow_class)
    taken = {spec.name for spec in specs}
    parameters = [option for spec in specs for option in _parameter_options(spec)]
    return click.Command(
        "run",
        params=[*parameters, *_own_options(taken)],
        callback=run,
        help="Run the flow. Each parameter of the flow is an option.",
    )


class _ParameterOption(click.Option):
    """An option whose value is text, checked where parameters are resolved."""

    def __init__(self, spec: ParameterSpec, flags: list[str], **more: Any) -> None:
        variable = "STEPWELL_RUN_" + spec.name.upper().replace("-", "_")
        super().__init__(flags, envvar=variable, show_envvar=True, **more)
        self.name = _PARAMETER + spec.name


def _parameter_options(spec: ParameterSpec) -> list[click.Option]:
    notes = f"  [default: {spec.default_shown}]" if spec.default_shown else ""
    notes += "  [required]" if spec.required else ""
    more: dict[str, Any] = {"flag_value": "True", "is_flag": False} if spec.is_bool else {}
    flags = ["value", f"--{spec.name}"]
    option = _ParameterOption(spec, flags, metavar=spec.type_name.upper(), help=spec.help + notes, **more)
    if not spec.is_bool:
        return [option]
    no = click.Option(["value", f"--no-{spec.name}"], is_flag=True, help=f"The same as --{spec.name} False.")
    no.name = f"no-{_PARAMETER}{spec.name}"
    return [option, no]


def _own_options(taken: set[str]) -> list[click.Option]:
    """Return the options of ``run`` itself. A parameter wins; the option is then ``--stepwell-<name>``."""

    def option(name: str, help: str, dest: str | None = None, **more: Any) -> click.Option:
        flag = f"--stepwell-{name}" if name in taken else f"--{name}"
        variable = f"STEPWELL_RUN_{flag[2:].upper().replace('-', '_')}"
        names = [dest or name.replace("-", "_"), flag]
        return click.Option(names, help=help, envvar=variable, show_envvar=True, **more)

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
        option("json", "Print events as JSON lines in place of the text.", "as_json", is_flag=True),
        option("verbose", "Print the start and end of every task of a wide step.", is_flag=True),
        option("show-logs", "Steps whose output is shown, or none  [default: all]", metavar="STEP,...|none"),
        option("full-traceback", "Show all frames of a failure.", is_flag=True),
    ]


def run(**values: Any) -> ExitCode:
    """Check the flow, resolve parameters, run it, and show what happens."""
    click_context = click.get_current_context()
    context = current_context()
    definition = context.define(tuple(values["with_specs"]))
    if not context.quiet:
        user = context.settings.user
        context.console.talk(f"Stepwell {VERSION} running {definition.name} for user:{user}")
        context.console.talk(f"flow is valid ({len(definition.graph)} steps)")
    parameters = _resolved(click_context, context, values)
    view = choose_view(context, _view_options(values, tuple(definition.graph.nodes)))
    from stepwell.wiring import run_flow  # all the machinery of a run

    # What is loaded by now lives as long as this process: neither it nor its launcher, which inherits this,
    # need look at it in a collection again, the last one before the exit included.
    gc.freeze()
    with view:
        result = run_flow(definition, parameters, _run_options(values), context.settings, view.listen)
    gc.freeze()  # all of it goes in a moment: the collections at the exit need not look at it
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


def _resolved(ctx: click.Context, context: CliContext, values: Mapping[str, Any]) -> dict[str, object]:
    from stepwell.definition.parameter_values import resolve

    assert context.flow_class is not None
    given: dict[str, object] = {}
    variables: list[str] = []
    for option in ctx.command.params:
        if isinstance(option, _ParameterOption):
            name = option.name.removeprefix(_PARAMETER)
            value: object = values[option.name]
            if values.get(f"no-{option.name}"):
                value = "False"
            elif value is not None and ctx.get_parameter_source(option.name) is ParameterSource.ENVIRONMENT:
                variables.append(f"--{name} is given by {option.envvar}")
            if value is not None:
                given[name] = value
    try:
        kind = context.settings.text("DEFAULT_DATASTORE")
        return resolve(context.flow_class, given, user_name=context.settings.user, ds_type=kind)
    except UsageError as error:
        source = f"\n({'; '.join(variables)}.)" if variables else ""
        raise UsageError(f"{error}{source}\nSee `{ctx.command_path} --help`.") from error


def _run_options(values: Mapping[str, Any]) -> RunOptions:
    return RunOptions(
        tags=tuple(values["tags"]),
        max_workers=values["max_workers"],
        max_num_splits=values["max_num_splits"],
        max_log_size_mb=values["max_log_size"],
        isolation=values["isolation"],
        run_id_file=values["run_id_file"],
        runner_attribute_file=values["runner_attribute_file"],
        namespace=values["namespace"],
    )


def _view_options(values: Mapping[str, Any], steps: tuple[str, ...]) -> ViewOptions:
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
