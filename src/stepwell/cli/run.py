"""``run``: options to a request, one call, a view of what happens."""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from stepwell.cli.config_options import parameter_specs
from stepwell.cli.context import CliContext, current_context
from stepwell.cli.exit_code import ExitCode, exit_code
from stepwell.cli.parameter_options import parameter_options, resolved
from stepwell.cli.run_options import own_options
from stepwell.cli.view_choice import choose_view
from stepwell.cli.views import View, ViewOptions
from stepwell.cli.wording import counted
from stepwell.exceptions import UsageError
from stepwell.model.states import RunState
from stepwell.runtime.events import Listener, RunBegan, RunEvent
from stepwell.runtime.options import NewRun, RunAsked, RunOptions, RunResult
from stepwell.runtime.signals import interrupts_deferred
from stepwell.version import VERSION

if TYPE_CHECKING:
    from stepwell.cli.detach import Background
    from stepwell.definition.flow_definition import FlowDefinition, Outline
    from stepwell.definition.flowspec import FlowSpec
    from stepwell.definition.parameter_values import ParameterSpec
    from stepwell.runtime.tracing.run_trace import RunTrace


def command(flow_class: type[FlowSpec] | None) -> click.Command:
    """Build the command: the flow's parameters first, then our own options."""
    specs: tuple[ParameterSpec, ...] = ()
    if flow_class is not None:
        specs = parameter_specs(flow_class)
    taken = {spec.name for spec in specs}
    return click.Command(
        "run",
        params=[*parameter_options(specs), *own_options(taken)],
        callback=run,
        help="Run the flow. Each parameter of the flow is an option.",
    )


def run(**values: Any) -> int:
    """Check the flow, resolve parameters, run it, and show what happens."""
    context = current_context()
    definition = defined(context, values)
    if values["detach"] and values["dry_run"]:
        raise UsageError("--dry-run executes nothing that --detach could leave to the background: omit one.")
    if values["dry_run"]:
        from stepwell.cli.plan import print_plan

        parameters = resolved(click.get_current_context(), context, definition, values)
        print_plan(context, definition, parameters, run_options(values), values["as_json"])
        return ExitCode.DONE

    def ask() -> RunAsked:
        parameters = resolved(click.get_current_context(), context, definition, values)
        say_head(context, definition)
        return NewRun(parameters)

    return carry_out(context, definition, ask, values)


def defined(context: CliContext, values: Mapping[str, Any]) -> FlowDefinition:
    """Return the flow with the decorators that the command adds, or takes away."""
    specs = tuple(values["with_specs"])
    if not values["no_cache"]:
        return context.define((*specs, "cache") if values["use_cache"] else specs)
    for other in ("use_cache", "refresh_cache"):
        if values[other]:
            option = "--cache" if other == "use_cache" else "--refresh-cache"
            raise UsageError(f"--no-cache and {option} contradict each other: omit one.")
    # The first of one name holds, also against decorators that the settings add.
    return context.define(("cache:enabled=false", *specs)).leaving_out(["cache"])


def say_head(context: CliContext, definition: FlowDefinition) -> None:
    """Say what is run, and that it is valid."""
    if not context.quiet:
        user = context.settings.user
        context.console.talk(f"Stepwell {VERSION} running {definition.name} for user:{user}")
        context.console.talk(f"flow is valid ({counted(len(definition.graph), 'step')})")


def carry_out(
    context: CliContext, definition: FlowDefinition, ask: Callable[[], RunAsked], values: Mapping[str, Any]
) -> int:
    """Carry out the run that ``ask`` gives, show what happens, and call the flow's exit hooks."""

    def carried_out(*listeners: Listener) -> ExitCode:
        return _carried_out(context, definition, ask, values, listeners)

    if not definition.flow_decorators:
        return carried_out()
    from stepwell.cli.exit_hooks import with_exit_hooks  # few flows have any

    return with_exit_hooks(context, definition, carried_out)


def _carried_out(
    context: CliContext,
    definition: FlowDefinition,
    ask: Callable[[], RunAsked],
    values: Mapping[str, Any],
    listeners: tuple[Listener, ...],
) -> ExitCode:
    options = run_options(values)
    if values["debug"] is not None or values["pdb"]:
        from stepwell.cli.debugger import debugged, with_debugger

        options = with_debugger(options, values)
        check_step(definition, None if options.attended is None else options.attended.step, "--debug")
        definition = debugged(definition, options.attended)
    began = perf_counter()
    asked = ask()
    asked_s = perf_counter() - began
    check_step(definition, values["until"], "--until")
    shown = view_options(values, tuple(definition.graph.nodes))
    if values["detach"]:
        listeners = (_announcing(_detached(context, definition.name)), *listeners)
    if options.isolation == "inline":
        context.console.stand_apart()  # steps run in this process, and their output is taken in
    view = choose_view(context, shown)
    options = replace(options, local_values=view.shows_local_values)
    with interrupts_deferred():
        from stepwell.wiring.runs import run_flow  # all the machinery of a run

    # What is loaded by now lives as long as this process: neither it nor its launcher, which inherits this,
    # need look at it in a collection again, the last one before the exit included.
    gc.freeze()
    with _traced(context, definition, values["trace"], asked_s) as trace, view:
        if trace is not None:
            listeners = (*listeners, trace.listen)
        listener = _all_of(view.listen, *listeners)
        result = run_flow(definition, asked, options, context.settings, listener, trace)
    gc.freeze()  # all of it goes in a moment: the collections at the exit need not look at it
    _say_what_next(context, definition, view, result)
    return exit_code(result.state, result.as_asked)


@contextmanager
def _traced(
    context: CliContext, definition: FlowDefinition, target: str | None, asked_s: float
) -> Generator[RunTrace | None]:
    if target is None and not context.settings.text("OTEL_ENDPOINT"):
        yield None
        return
    from stepwell.wiring.tracing import run_trace  # few runs are traced

    with run_trace(target, definition.name, context.settings, context.console.talk) as trace:
        trace.note("graph_built", definition.graph_s)
        trace.note("checked", definition.check_s)
        trace.note("parameters_resolved", asked_s)
        yield trace


def _all_of(listener: Listener, *others: Listener) -> Listener:
    if not others:
        return listener

    def listen(event: RunEvent) -> None:
        for one in (*others, listener):
            one(event)

    return listen


def check_step(definition: FlowDefinition | Outline, step: str | None, given_by: str) -> None:
    """Raise `UsageError` if a step that was named is none of the flow's."""
    if step is not None and step not in definition.graph:
        from stepwell.definition.nearest import did_you_mean, listed

        steps = tuple(definition.graph.nodes)
        words = (f"{given_by}: `{step}` is not a step of {definition.name}.", did_you_mean(step, steps))
        raise UsageError(" ".join(filter(None, (*words, f"The steps are: {listed(steps)}."))))


def _detached(context: CliContext, flow: str) -> Background:
    from stepwell.cli.detach import detach
    from stepwell.wiring.runs import detachable_root

    return detach(context, flow, detachable_root(context.settings))


def _announcing(background: Background) -> Listener:
    def listen(event: RunEvent) -> None:
        if isinstance(event, RunBegan):
            background.announce(event.run)

    return listen


def _say_what_next(context: CliContext, definition: FlowDefinition, view: View, result: RunResult) -> None:
    if result.state is RunState.SUCCEEDED:
        return
    hints = [f"`{context.flow_hint('continue', result.run)}` goes on with the run"]
    if view.failed is not None:
        failed = view.failed.pathspec
        alone = view.failed.step not in definition.graph.gangs  # a task of a gang is nothing by itself
        hints = [
            f"`{context.hint('logs', failed)}` prints all that the task said",
            f"`{context.hint('dump', failed)}` its artifacts",
            *([f"`{context.flow_hint('spin', failed)}` runs it once more by itself"] if alone else ()),
            f"`{context.hint('why', failed)}` says why it was executed",
            *hints,
        ]
    context.console.talk(f"Next: {', '.join(hints)}.")


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
        until=values["until"],
        keep_going=values["keep_going"],
        drain_s=values["drain"],
        kill_grace_s=values["kill_grace"],
        refresh_cache=values["refresh_cache"],
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
        plain=values["trace"] == "-",
        show_logs=shown,
    )
