"""Global options, the same for both front doors, and what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from stepwell.cli.console import Console
from stepwell.cli.context import CliContext
from stepwell.cli.lazy_group import needs_settings
from stepwell.exceptions import UsageError
from stepwell.settings.keys import GENERAL_KEYS
from stepwell.settings.kinds import unavailable
from stepwell.settings.settings import Settings, Value
from stepwell.settings.sources import load_settings

if TYPE_CHECKING:
    from stepwell.definition.flowspec import FlowSpec

# Option -> the setting it overrides.
_SETTINGS: Mapping[str, str] = {
    "metadata": "DEFAULT_METADATA",
    "datastore": "DEFAULT_DATASTORE",
    "datastore_root": "DATASTORE_ROOT",
    "environment": "DEFAULT_ENVIRONMENT",
    "package_suffixes": "DEFAULT_PACKAGE_SUFFIXES",
    "event_logger": "DEFAULT_EVENT_LOGGER",
    "monitor": "DEFAULT_MONITOR",
}

# A command that is offered as the next one needs these again.
_MOVES_RESULTS = ("metadata", "datastore", "datastore_root")

# Settings that name a kind of back end: the command line is the first to know that there is none of a kind.
_KINDS = (
    "DEFAULT_METADATA",
    "DEFAULT_DATASTORE",
    "DEFAULT_ENVIRONMENT",
    "DEFAULT_EVENT_LOGGER",
    "DEFAULT_MONITOR",
)


def _option(name: str, help: str, metavar: str | None = None, **more: Any) -> click.Option:
    variable = "STEPWELL_" + name.split("/")[0].lstrip("-").upper().replace("-", "_")
    return click.Option([name], help=help, metavar=metavar, envvar=variable, show_envvar=True, **more)


def global_options() -> list[click.Parameter]:
    """Return fresh options, to stand before the command."""
    return [
        _option(
            "--quiet/--not-quiet",
            "Print only what tasks print, and errors.",
            default=False,
            show_default=True,
        ),
        _option("--metadata", "Kind of metadata store  [default: local]", "KIND"),
        _option("--datastore", "Kind of datastore  [default: local]", "KIND"),
        _option("--datastore-root", "Directory of the datastore  [default: nearest .stepwell]", "PATH"),
        _option("--environment", "Kind of environment for steps  [default: local]", "KIND"),
        _option("--package-suffixes", "Which files are kept as a run's code  [default: .py,.R,.RDS]", "LIST"),
        click.Option(
            ["--with", "with_specs"],
            multiple=True,
            metavar="SPEC",
            envvar="STEPWELL_WITH",
            show_envvar=True,
            help="Add a decorator to every step that does not have it: name or name:key=value,...",
        ),
        _option("--pylint/--no-pylint", "Look for warnings in `check`.", default=True, show_default=True),
        _option("--force-rebuild-environments", "Build the environments of steps anew.", is_flag=True),
        _option("--mode", "Another way to run steps", "spin"),
        _option("--config", "File that gives a Config its value.", "NAME PATH", nargs=2, multiple=True),
        _option("--config-value", "Text that gives a Config its value.", "NAME TEXT", nargs=2, multiple=True),
        _option("--event-logger", "Where event logs go  [default: nullSidecarLogger]", "KIND"),
        _option("--monitor", "Where measurements go  [default: nullSidecarMonitor]", "KIND"),
    ]


def make_context(
    ctx: click.Context, values: Mapping[str, Any], program: str, flow_class: type[FlowSpec] | None
) -> CliContext:
    """Build the context of a command from the global options.

    Raises
    ------
    UsageError
        A kind of back end that this version does not have, or a broken configuration file.
    """
    overrides: dict[str, Value] = {}
    typed: list[str] = []
    for option, setting in _SETTINGS.items():
        if values[option] is not None:
            from_variable = ctx.get_parameter_source(option) is ParameterSource.ENVIRONMENT
            variable = f"environment variable STEPWELL_{option.upper()}"
            overrides[setting] = Value(values[option], variable if from_variable else "command line")
            if option in _MOVES_RESULTS and not from_variable:
                typed += (f"--{option.replace('_', '-')}", values[option])
    _refuse_what_is_missing(values)
    needed = needs_settings(ctx.invoked_subcommand)
    settings = load_settings(overrides, files=needed)
    if needed:
        _check_kinds(settings)
    console = Console()
    if values["force_rebuild_environments"]:
        console.talk("Note: steps run in the environment `local`, which is not built: nothing to rebuild.")
    for warning in settings.warnings:
        console.talk(f"Warning: {warning}")
    return CliContext(
        console=console,
        settings=settings,
        program=program,
        flow_class=flow_class,
        with_specs=tuple(values["with_specs"]),
        quiet=values["quiet"],
        extended_checks=values["pylint"],
        store_options=tuple(typed),
    )


def _refuse_what_is_missing(values: Mapping[str, Any]) -> None:
    if values["mode"] is not None:
        raise UsageError(f"`--mode {values['mode']}`: this version has no other mode. Leave it out.")
    for option in ("config", "config_value"):
        for name, _ in values[option]:
            raise UsageError(
                f"`--{option.replace('_', '-')} {name}`: the flow has no Config `{name}`; this version has "
                "none at all. Use a Parameter, or leave the option out."
            )


def _check_kinds(settings: Settings) -> None:
    for name in _KINDS:
        value, kinds = settings.value(name), GENERAL_KEYS[name].kinds
        if value.text not in kinds:
            raise unavailable(name, value, kinds)
