"""``configure server``: have a server keep the metadata, after trying it out."""

from __future__ import annotations

import sys
from contextlib import closing

import click

from stepwell.cli import configure_edit as edit
from stepwell.exceptions import StepwellException, UsageError
from stepwell.settings import configuration_file as files
from stepwell.settings.kinds import check_index_address
from stepwell.settings.settings import Value
from stepwell.settings.sources import load_settings

_ADDRESS, _KEY = "SERVICE_URL", "SERVICE_AUTH_KEY"


def server_command(profile: click.Option) -> click.Command:
    """Build the command."""
    return click.Command(
        "server",
        params=[click.Argument(["address"], required=False, metavar="[ADDRESS]"), profile],
        callback=configure_server,
        help="Have the `stepwell server` at ADDRESS, as in https://HOST:PORT, keep the metadata from now on. "
        "It is tried out first. The key, a token of that server, is asked for, or read from standard input; "
        "without one the key stays that is set. Results stay where they are.",
    )


def configure_server(address: str | None, profile: str | None) -> None:
    """Set kind, address and key of the metadata together."""
    path = files.file_of(profile or "")
    content = files.read(path)
    on_terminal = sys.stdin.isatty()
    if not address:
        if not on_terminal:
            raise UsageError("Which server? `configure server https://HOST:PORT`, the key on standard input.")
        address = str(click.prompt("Address of the server, https://HOST:PORT", err=True)).strip()
    words = "Key, a token of the server (empty: it stays as it is)"
    asked = (
        click.prompt(words, default="", show_default=False, hide_input=True, err=True)
        if on_terminal
        else None
    )
    key = str(sys.stdin.read() if asked is None else asked).strip()
    found = _tried(address, key, profile)
    given = {"DEFAULT_METADATA": "service", _ADDRESS: address, **({_KEY: key} if key else {})}
    edit.keep(path, files.changed(content, given), [f"{_ADDRESS} = {address}: {found}"])
    for name in given:
        edit.tell_who_wins(name, path, profile)


def _tried(address: str, key: str, profile: str | None) -> str:
    check_index_address(Value(address, "as given"))
    if not address.startswith("http"):
        raise UsageError("The address of a server begins with `https://` or `http://`.")
    values = {_ADDRESS: Value(address, "as given"), **({_KEY: Value(key, "as given")} if key else {})}
    settings = load_settings({**edit.choice_of(profile), **values})
    from stepwell.wiring.indexes import index_at  # loads what talks to servers

    try:
        with closing(index_at(address, settings, lock_s=0.0, make=False)) as index:
            return f"there are {len(index.flows())} flows"
    except StepwellException as error:
        raise UsageError(f"Nothing is changed. {error}") from error
