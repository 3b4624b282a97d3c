"""``configure``: show the settings, and change the user's configuration files."""

from __future__ import annotations

from collections.abc import Mapping

import click
import msgspec
from msgspec.structs import replace

from stepwell.cli import configure_edit as edit
from stepwell.cli.configure_postgres import postgres_command
from stepwell.cli.configure_server import server_command
from stepwell.cli.context import current_context
from stepwell.cli.subcommands import Subcommands
from stepwell.metadata_store.address import without_passwords
from stepwell.settings.keys import GENERAL_KEYS, is_secret
from stepwell.settings.settings import Settings
from stepwell.settings.sources import load_settings

_HERE = (
    "Results stay in a directory (`stepwell configure set DATASTORE_ROOT DIRECTORY`), "
    "and steps run on this machine."
)

# What will configure back ends that are still to come, and what there is until then.
_LATER: Mapping[str, str] = {
    "aws": f"nothing here stores in S3 or runs on AWS Batch yet. {_HERE}",
    "azure": f"nothing here stores in Azure Blob Storage yet. {_HERE}",
    "gcp": f"nothing here stores in Google Cloud Storage yet. {_HERE}",
    "kubernetes": "no step runs on Kubernetes yet. Steps run on this machine, and need no configuration.",
}


def command(_flow_class: object) -> click.Command:
    """Build the command and its subcommands."""
    return Subcommands(
        "configure",
        [_show(), *_changing(), *_moving(), postgres_command(_profile()), server_command(_profile())],
        "Show or change the settings. Changes go to the user's configuration file, or with --profile to that "
        "of a profile; they are tried out first.",
        _LATER,
    )


def _profile() -> click.Option:
    return click.Option(
        ["--profile"],
        metavar="NAME",
        envvar="STEPWELL_PROFILE",
        show_envvar=True,
        help="The file of this profile in place of the one without a name.",
    )


def _names(required: bool, metavar: str, nargs: int = -1) -> click.Argument:
    return click.Argument(["words"], nargs=nargs, required=required, metavar=metavar)


def _show() -> click.Command:
    origin = click.Option(["--origin"], is_flag=True, help="Say where each value comes from.")
    as_json = click.Option(["--json", "as_json"], is_flag=True, help="Print name, value and origin as JSON.")
    return click.Command(
        "show",
        params=[origin, as_json, _profile()],
        callback=show_settings,
        help="Print every setting with the value that holds now.",
    )


def _changing() -> list[click.Command]:
    yes = click.Option(["--yes"], is_flag=True, help="Do not ask.")
    return [
        click.Command(
            "set",
            params=[_names(False, "[NAME [VALUE]...]"), _profile()],
            callback=edit.set_values,
            help="Give a setting a value, after trying it out. Without VALUE it is asked for, or read from "
            "standard input, which suits secrets; without NAME all settings are asked for.",
        ),
        click.Command(
            "unset",
            params=[_names(True, "NAME..."), _profile()],
            callback=edit.unset,
            help="Remove settings from the file, so that the next place that has them counts.",
        ),
        click.Command(
            "reset",
            params=[yes, _profile()],
            callback=edit.reset,
            help="Remove the file, and all that is set in it.",
        ),
    ]


def _moving() -> list[click.Command]:
    secrets = click.Option(["--with-secrets"], is_flag=True, help="Secrets as well; only to a file.")
    overwrite = click.Option(["--overwrite"], is_flag=True, help="Replace the file if it is there.")
    file = click.Argument(["file"], required=False, metavar="[FILE]")
    source = click.Argument(["file"], metavar="FILE")
    return [
        click.Command(
            "export",
            params=[secrets, overwrite, file, _profile()],
            callback=edit.export_to,
            help="Write what is set in the file as JSON, to standard output or to FILE, without secrets.",
        ),
        click.Command(
            "import",
            params=[source, _profile()],
            callback=edit.import_from,
            help="Set all that FILE has (- is standard input), after trying it out. Others stay as they are.",
        ),
    ]


def show_settings(origin: bool, as_json: bool, profile: str | None) -> None:
    """Print ``NAME = VALUE`` lines, sorted by name; secrets are masked, and addresses have no password."""
    context = current_context()
    settings = _settings(context.settings, profile)
    for warning in settings.warnings:
        if warning not in context.settings.warnings:
            context.console.talk(f"Warning: {warning}")
    found = [
        _Shown(
            name=name,
            value=without_passwords(settings.value(name).text),
            origin=settings.value(name).origin,
        )
        for name in sorted({*GENERAL_KEYS, *settings.values})
    ]
    masked = [replace(one, value=None) if one.value and is_secret(one.name) else one for one in found]
    if as_json:
        context.console.data(msgspec.json.encode(masked).decode())
        return
    for one in masked:
        value = "(set, not shown)" if one.value is None else one.value
        context.console.data(f"{one.name} = {value}{f'    # {one.origin}' if origin else ''}")


class _Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A setting as it is shown; its value is None if it is a secret that is set."""

    name: str
    value: str | None
    origin: str


def _settings(given: Settings, profile: str | None) -> Settings:
    """Return what holds with a profile; what the command line and the environment say is known already."""
    return load_settings({**given.values, **edit.choice_of(profile)}, directory=given.directory)
