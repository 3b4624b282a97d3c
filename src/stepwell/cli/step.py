"""``step``, hidden: what engines and schedulers call to run one task, given by name."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from stepwell.cli.config_options import going_on_with, has_configs, registered_run
from stepwell.cli.context import CliContext, current_context
from stepwell.cli.exit_code import ExitCode
from stepwell.cli.run_options import trace_option
from stepwell.exceptions import UsageError
from stepwell.model import wire
from stepwell.model.states import RunState, TaskState
from stepwell.runtime.options import RunOptions
from stepwell.runtime.signals import interrupts_deferred

if TYPE_CHECKING:
    from stepwell.definition.flow_definition import FlowDefinition
    from stepwell.runtime.single_task import TaskResult
    from stepwell.runtime.task_order import TaskOrder
    from stepwell.runtime.tracing.run_trace import RunTrace


def command(_flow_class: object) -> click.Command:
    """Build the command."""
    return click.Command(
        "step",
        params=_options(),
        callback=step,
        hidden=True,
        help="Run one task of a run that `init` has registered.",
    )


def _options() -> list[click.Parameter]:
    count = click.IntRange(min=0)
    path = click.Path(dir_okay=False, path_type=Path)
    return [
        click.Argument(["step_name"], metavar="STEP"),
        click.Option(["--run-id"], required=True, metavar="RUN", help="Id of the run."),
        click.Option(["--task-id"], required=True, metavar="TASK", help="Id of the task."),
        click.Option(
            ["--input-paths"],
            metavar="RUN/STEP/TASK,...",
            help="The task that it follows; for a join the last task of each branch, in any order.",
        ),
        click.Option(["--input-paths-filename"], type=path, help="File that holds the input paths."),
        click.Option(
            ["--split-index"],
            type=count,
            metavar="INDEX",
            help="Index of the item, for the first task of a foreach branch.",
        ),
        click.Option(["--retry-count"], type=count, default=0, show_default=True, help="Which attempt."),
        click.Option(
            ["--max-user-code-retries"], type=count, default=0, show_default=True, help="The last attempt."
        ),
        click.Option(
            ["--namespace"], metavar="NAMESPACE", help="The client's namespace inside; empty is global."
        ),
        click.Option(["--tag", "tags"], multiple=True, metavar="TAG", help="Add a tag to the run."),
        click.Option(
            ["--max-num-splits"], type=click.IntRange(min=1), help="Most items of a foreach  [unlimited]"
        ),
        click.Option(
            ["--max-log-size"],
            type=click.FloatRange(min=0, min_open=True),
            default=10.0,
            show_default=True,
            help="Most MB kept of each stream.",
        ),
        click.Option(
            ["--isolation"],
            type=click.Choice(["fork", "spawn", "inline"]),
            help="How the task is set apart  [default: fork where it is safe]",
        ),
        trace_option(),
        click.Option(
            ["--outcome-file"], type=path, help="Write what came of the task to this file, as JSON."
        ),
    ]


def step(**values: Any) -> ExitCode:
    """Run the task; what it writes goes to standard output and standard error as it comes."""
    context = current_context()
    if has_configs(context):
        context = going_on_with(context, registered_run(context, values["run_id"]))
    definition = context.define(look_into_steps=False)
    order, options = _order(values), _run_options(values)
    with interrupts_deferred():
        from stepwell.wiring.exit_hooks import exit_hooks_of
        from stepwell.wiring.runs import run_ordered_task  # all the machinery of a run

    if options.isolation == "inline":
        context.console.stand_apart()  # the step runs in this process, and its output is taken in
    hooks = exit_hooks_of(definition, context.settings, context.console.talk)
    with _traced(context, definition, order, values["trace"]) as trace:
        show = context.console.task_output
        result = run_ordered_task(definition, order, options, context.settings, show, trace)
    if values["outcome_file"] is not None:
        _write_outcome(values["outcome_file"], result)
    code = _told(context, order, result)
    if hooks is not None and result.ended_run is not None:
        hooks.call(result.ended_run is RunState.SUCCEEDED, order.run)
    return code


@contextmanager
def _traced(
    context: CliContext, definition: FlowDefinition, order: TaskOrder, target: str | None
) -> Generator[RunTrace | None]:
    asked = target is not None or context.settings.text("OTEL_ENDPOINT")
    run = registered_run(context, order.run) if asked else None
    if run is None:
        yield None  # that there is no such run is said by who runs the task
        return
    from stepwell.wiring.tracing import task_trace  # few runs are traced

    with task_trace(target, run, context.settings, context.console.talk) as trace:
        trace.note("graph_built", definition.graph_s)
        trace.note("checked", definition.check_s)
        yield trace


def _order(values: Mapping[str, Any]) -> TaskOrder:
    from stepwell.runtime.task_order import TaskOrder, inputs_in

    return TaskOrder(
        run=values["run_id"],
        step=values["step_name"],
        task=values["task_id"],
        inputs=tuple(inputs_in(_input_text(values["input_paths"], values["input_paths_filename"]))),
        index=values["split_index"],
        attempt=values["retry_count"],
        attempt_limit=values["max_user_code_retries"],
    )


def _run_options(values: Mapping[str, Any]) -> RunOptions:
    return RunOptions(
        tags=values["tags"],
        max_num_splits=values["max_num_splits"],
        max_log_size_mb=values["max_log_size"],
        isolation=values["isolation"],
        namespace=values["namespace"],
    )


def _input_text(given: str | None, file: Path | None) -> str:
    if (given is None) == (file is None):
        raise UsageError("Give the inputs by one of --input-paths and --input-paths-filename.")
    if file is None:
        return given or ""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--input-paths-filename {file} cannot be read: {error}.") from error


def _write_outcome(file: Path, result: TaskResult) -> None:
    from stepwell.runtime.whole_file import write_whole

    taken = result.outcome.transition
    outcome = {
        "state": result.state.value,
        "targets": list(taken.targets) if taken is not None else [],
        "kind": taken.kind if taken is not None else None,
        "num_splits": taken.num_splits if taken is not None and taken.kind == "foreach" else None,
        "error": None if result.outcome.error is None else result.error.message,
    }
    write_whole(file, msgspec.json.encode(wire.escaped(outcome)).decode())


def _told(context: CliContext, order: TaskOrder, result: TaskResult) -> ExitCode:
    name = f"task {order.run}/{order.step}/{order.task}"
    if result.outcome.ok:
        how = "has the result of an equal task" if result.state is TaskState.CACHED else "succeeded"
        context.console.talk(f"{name} had succeeded before" if result.again else f"{name} {how}")
        return ExitCode.DONE
    if result.interrupted:
        context.console.talk(f"{name} was ended from outside")
        return ExitCode.INTERRUPTED
    what = "may be tried again" if result.state is TaskState.RETRYING else "was its last attempt"
    error = f"{result.error.type}: {result.error.message}".strip()
    context.console.talk(f"{name} failed: {error}\nAttempt {order.attempt} {what}.")
    return ExitCode.FAILED
