"""``configure postgres``: keep metadata in a database, after trying it out."""

from __future__ import annotations

import sys
from urllib.parse import quote

import click

from stepwell.cli import configure_edit as edit
from stepwell.cli.value_checks import tried
from stepwell.exceptions import UsageError
from stepwell.metadata_store.address import with_password, without_password
from stepwell.settings import configuration_file as files

_ADDRESS = "POSTGRES_URL"
_FORM = "postgresql://USER@HOST:PORT/DATABASE"


def postgres_command(profile: click.Option) -> click.Command:
    """Build the command."""
    return click.Command(
        "postgres",
        params=[click.Argument(["address"], required=False, metavar="[ADDRESS]"), profile],
        callback=configure_postgres,
        help=f"Keep metadata in a PostgreSQL database, {_FORM}, from now on. It is tried out first, and what "
        "is missing in it is made. Without ADDRESS, address and password are asked for, or the address is "
        "read from standard input. Results stay where they are.",
    )


def configure_postgres(address: str | None, profile: str | None) -> None:
    """Set kind and address of the metadata together."""
    path = files.file_of(profile or "")
    content = files.read(path)
    address = address or _asked_for()
    found = tried(_ADDRESS, address)
    given = {"DEFAULT_METADATA": "postgres", _ADDRESS: address}
    edit.keep(path, files.changed(content, given), [f"{_ADDRESS} = {without_password(address)}: {found}"])
    for name in given:
        edit.tell_who_wins(name, path, profile)


def _asked_for() -> str:
    if not sys.stdin.isatty():
        text = sys.stdin.read().strip()
        if not text:
            raise UsageError(
                f"Which database? `configure postgres {_FORM}`, or its address on standard input."
            )
        return text
    address = str(click.prompt(f"Address of the database, {_FORM}", err=True)).strip()
    if address != without_password(address) or "@" not in address:
        return address
    words = "Password (empty if there is none, or if ~/.pgpass has it)"
    password = str(click.prompt(words, default="", show_default=False, hide_input=True, err=True))
    return with_password(address, quote(password, safe="")) if password else address
