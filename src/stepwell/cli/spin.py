"""``spin``: one step at once, on the inputs of an earlier task, beside any run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from stepwell.cli.config_options import going_on_with, has_configs
from stepwell.cli.context import CliContext, current_context
from stepwell.cli.debugger import terminal
from stepwell.cli.exit_code import ExitCode
from stepwell.cli.spin_origin import said, spun
from stepwell.exceptions import UsageError
from stepwell.model.amounts import duration
from stepwell.model.states import TaskState
from stepwell.runtime.options import RunOptions, SpinAsked
from stepwell.runtime.signals import interrupts_deferred
from stepwell.settings.settings import Settings

if TYPE_CHECKING:
    from stepwell.definition.flow_definition import FlowDefinition
    from stepwell.definition.flowspec import FlowSpec
    from stepwell.runtime.spinning import SpinResult

_FILE = click.Path(dir_okay=False, path_type=Path)

_HELP = """Run one step at once, in the foreground, with the inputs of an earlier task. The datastore is only
read.

STEP is its newest task, STEP[3] that of foreach item 3, RUN/STEP and RUN/STEP/TASK those of a run. Parameters
are those that the earlier task had.

\b
  spin fit                 the newest task of the step `fit`
  spin fit[3]              of foreach item 3
  spin 12/fit              of run 12, such as one that has failed
"""


def command(_flow_class: type[FlowSpec] | None) -> click.Command:
    """Build the command."""
    return click.Command(
        "spin",
        params=[click.Argument(["address"], metavar="[RUN/]STEP[/TASK]"), *_options()],
        callback=spin,
        help=_HELP,
        short_help="Run one step at once.",
    )


def _options() -> list[click.Option]:
    def option(name: str, help: str, *more_names: str, **more: Any) -> click.Option:
        return click.Option([f"--{name}", *more_names], help=help, **more)

    return [
        option(
            "artifacts-module",
            "Python file whose dict ARTIFACTS stands for artifacts of the inputs; for a join it has such a "
            "dict for each input, by its pathspec.",
            type=_FILE,
        ),
        option(
            "persist/--no-persist",
            "Keep what the step makes in `.stepwell_spin`, for `inspect_spin`.  [default: no-persist]",
            default=None,
        ),
        option("with", "Add a decorator to the step.", "with_specs", multiple=True, metavar="SPEC"),
        option("pdb", "Open the debugger if the step fails.", is_flag=True),
        option("skip-decorators", "Run the step without any decorator.", is_flag=True),
        option(
            "max-log-size",
            "Most MB kept of each stream.",
            type=click.FloatRange(min=0, min_open=True),
            default=10.0,
            show_default=True,
        ),
        option("max-num-splits", "Most items of a foreach  [default: unlimited]", type=click.IntRange(min=1)),
        option("run-id-file", "Write the id of the run that the task is made in to this file.", type=_FILE),
        option(
            "namespace",
            "Whose runs the newest task is looked for in, and the client's inside; empty is global.",
            metavar="NAMESPACE",
        ),
        option(
            "isolation",
            "How the task is set apart  [default: fork where it is safe]",
            type=click.Choice(["fork", "spawn", "inline"]),
        ),
    ]


def spin(address: str, **values: Any) -> ExitCode:
    """Find the inputs, run the step, and say how it went."""
    context = current_context()
    artifacts = _artifacts_in(values["artifacts_module"])
    skips = values["skip_decorators"]
    given: str | None = values["namespace"]
    namespace = context.settings.namespace or f"user:{context.settings.user}"
    found = spun(context, context.outline(), address, namespace if given is None else given or None)
    if found.origin is not None and has_configs(context):
        context = going_on_with(context, found.origin.run)
    specs = () if skips else tuple(values["with_specs"])
    # Artifacts that are given take the place of those that no step sets.
    whole = not artifacts
    definition = context.define(specs, by_setting=False, only=found.step, look_into_steps=whole)
    ignored = _ignored(definition, found.step, None if skips else context.settings)
    origin = found.origin
    if not context.quiet:
        context.console.talk(f"spinning step {found.step} of {definition.name} {said(origin)}")
        if ignored:
            names = ", ".join(f"@{name}" for name in ignored)
            context.console.talk(f"Note: spin ignores {names} of step {found.step}.")
    asked = SpinAsked(step=found.step, origin=origin, index=found.index, artifacts=artifacts)
    options = RunOptions(
        terminal=terminal() if values["pdb"] else "",
        tags=() if origin is None else origin.run.tags,
        max_num_splits=values["max_num_splits"],
        max_log_size_mb=values["max_log_size"],
        isolation=values["isolation"],
        run_id_file=values["run_id_file"],
        namespace=given,
    )
    persist = values["persist"]
    if persist is None:
        persist = context.settings.text("SPIN_PERSIST").lower() in ("true", "1")
    with interrupts_deferred():
        from stepwell.wiring.spins import spin_step  # all the machinery of a run

    result = spin_step(
        definition.leaving_out(ignored),
        asked,
        options,
        context.settings,
        persist,
        context.console.talk,
    )
    return _told(context, found.step, result, persist)


def _ignored(definition: FlowDefinition, step: str, settings: Settings | None) -> Sequence[str]:
    """Return the names of the decorators in the source that are not applied: of all of them without settings.

    Those that were given with the command act, as the source states them if it does, and so do those of the
    user's own making. Nobody's decorator takes the step to another engine.
    """
    from stepwell.definition.attach import BUILT_IN, parse_spec
    from stepwell.definition.engine_decorator import EngineDecorator

    given = {parse_spec(spec)[0] for spec in definition.with_specs}
    names = dict.fromkeys(one.name for one in definition.decorators[step] if one.statically_defined)
    if settings is None:
        return list(names)
    allowed = {name.strip() for name in settings.text("SPIN_ALLOWED_DECORATORS").split(",")}
    engines = {one.name for one in definition.decorators[step] if isinstance(one, EngineDecorator)}
    if engines & given:
        name = min(engines & given)
        raise UsageError(f"--with {name}: `spin` runs the step on this machine. Omit it, or use `run`.")
    of_ours = {*BUILT_IN, *engines}
    return [name for name in names if name in of_ours and name not in allowed | given]


def _artifacts_in(file: Path | None) -> Mapping[str, object]:
    if file is None:
        return {}
    import runpy  # only this option needs it

    try:
        found: object = runpy.run_path(str(file)).get("ARTIFACTS")
    except OSError as error:
        raise UsageError(f"--artifacts-module {file} cannot be read: {error.strerror}.") from error
    except Exception as error:
        raise UsageError(f"--artifacts-module {file} fails: {type(error).__name__}: {error}") from error
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in cast("Any", found)):
        raise UsageError(f"--artifacts-module {file} must have a dict ARTIFACTS, with names as keys.")
    return cast("dict[str, object]", found)


def _told(context: CliContext, step: str, result: SpinResult, persisted: bool) -> ExitCode:
    task, console = result.task, context.console
    took = duration(max(0.0, task.outcome.ended_at - task.outcome.started_at))
    if persisted and not context.quiet:
        console.talk(f"Kept in .stepwell_spin: `inspect_spin()`, then `Task({result.pathspec!r})`.")
    if task.state is TaskState.SUCCEEDED:
        if not context.quiet:
            console.talk(f"step {step} succeeded ({took})")
        return ExitCode.DONE
    if task.interrupted:
        console.talk("interrupted")
        return ExitCode.INTERRUPTED
    if not task.outcome.told:
        console.talk(f"{task.error.type}: {task.error.message}".strip())
    for text in filter(None, (task.error.hint, f"step {step} failed after {took}")):
        console.talk(text)
    return ExitCode.FAILED
