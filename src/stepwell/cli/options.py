"""Global options, the same for both front doors, and what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from stepwell.cli.config_options import config_options, configs_given, typed_configs
from stepwell.cli.console import Console
from stepwell.cli.context import CliContext
from stepwell.cli.lazy_group import knows_flow, needs_settings
from stepwell.exceptions import UsageError
from stepwell.settings.kinds import check_kinds
from stepwell.settings.places import SPIN_NAME
from stepwell.settings.settings import Value
from stepwell.settings.sources import load_settings
from stepwell.version import VERSION

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

_EXECUTING = ("run", "continue", "resume", "run-many", "init", "step")

# Settings that name a kind of back end: the command line is the first to know that there is none of a kind.
_KINDS = (
    "DEFAULT_METADATA",
    "DEFAULT_DATASTORE",
    "DEFAULT_ENVIRONMENT",
    "DEFAULT_EVENT_LOGGER",
    "DEFAULT_MONITOR",
)


def _option(name: str, help: str, metavar: str | None = None, **more: Any) -> click.Option:
    more.setdefault("show_default", "/" in name or None)  # of a switch with two names
    variable = "STEPWELL_" + name.split("/")[0].lstrip("-").upper().replace("-", "_")
    return click.Option([name], help=help, metavar=metavar, envvar=variable, show_envvar=True, **more)


def global_options() -> list[click.Parameter]:
    """Return fresh options, to stand before the command."""
    return [
        _version_option(),
        _option("--quiet/--not-quiet", "Print only what tasks print, and errors.", default=False),
        _option(
            "--metadata",
            "Kind of metadata store, `local`, `postgres` or `service`, or the address of a PostgreSQL "
            "database or of a server.  [default: local]",
            "KIND",
        ),
        _option("--datastore", "Kind of datastore; this version has one.  [default: local]", "KIND"),
        _option("--datastore-root", "Directory of the datastore.  [default: nearest .stepwell]", "PATH"),
        _option(
            "--environment", "Kind of environment for steps; this version has one.  [default: local]", "KIND"
        ),
        _option(
            "--package-suffixes", "Which files are kept as a run's code.  [default: .py,.R,.RDS]", "LIST"
        ),
        click.Option(
            ["--with", "with_specs"],
            multiple=True,
            metavar="SPEC",
            envvar="STEPWELL_WITH",
            show_envvar=True,
            help="Add a decorator to every step that is without it: name or name:key=value,key=value.",
        ),
        _option("--pylint/--no-pylint", "Look into the bodies of steps as well.", default=True),
        _option(
            "--force-rebuild-environments",
            "Build the environments of steps anew; `local` is not built.",
            is_flag=True,
        ),
        *config_options(),
        _option(
            "--mode",
            "Work with what `spin --persist` keeps, in place of runs.",
            type=click.Choice(["spin"]),
        ),
        _option(
            "--event-logger",
            "Where event logs go; this version has one.  [default: nullSidecarLogger]",
            "KIND",
        ),
        _option(
            "--monitor", "Where measurements go; this version has one.  [default: nullSidecarMonitor]", "KIND"
        ),
    ]


def _version_option() -> click.Option:
    return click.Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_print_version,
        help="Print the version.",
    )


def _print_version(ctx: click.Context, _option: click.Parameter, given: bool) -> None:
    if given and not ctx.resilient_parsing:
        Console().data(VERSION)
        ctx.exit()


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
                from stepwell.metadata_store.address import without_passwords  # few commands say where

                typed += (f"--{option.replace('_', '-')}", without_passwords(values[option]))
    _refuse_configs(ctx)
    overrides |= _of_mode(ctx.invoked_subcommand, values["mode"])
    needed = needs_settings(ctx.invoked_subcommand)
    settings = load_settings(overrides, files=needed)
    if needed:
        check_kinds(settings, _KINDS)
    configs = configs_given(ctx)
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
        config_options=typed_configs(configs),
        configs=configs,
    )


def _refuse_configs(ctx: click.Context) -> None:
    if knows_flow(ctx.invoked_subcommand):
        return
    for option in ("config", "config_value"):
        if ctx.get_parameter_source(option) is ParameterSource.COMMANDLINE:
            raise UsageError(
                f"--{option.replace('_', '-')} is for commands of a flow; `{ctx.invoked_subcommand}` is none."
            )


def _of_mode(command: str | None, mode: str | None) -> Mapping[str, Value]:
    """Return the settings that ``--mode spin`` stands for."""
    if mode is None:
        return {}
    if command in _EXECUTING:
        raise UsageError(
            f"--mode spin is for `spin` and for commands that read what it kept; `{command}` executes runs."
        )
    if command == "spin":
        return {"SPIN_PERSIST": Value("true", "--mode spin")}
    return {"DATASTORE_ROOT": Value(str(Path.cwd() / SPIN_NAME), "--mode spin")}
