"""``server``: the metadata of a datastore over HTTP, for a team."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
from msgspec.structs import replace

from stepwell.cli.context import CliContext, current_context
from stepwell.cli.subcommands import Subcommands
from stepwell.exceptions import UsageError
from stepwell.settings.configuration_file import file_of
from stepwell.settings.settings import Settings, Value

if TYPE_CHECKING:
    from stepwell.server.tokens import TokenFile

_ROLES = ("read", "run", "admin")


def command(_flow_class: object) -> click.Command:
    """Build the command and its subcommands."""
    return Subcommands(
        "server",
        [Subcommands("token", _token_commands(), "Say who may use the server: tokens with names and roles.")],
        "Serve the metadata of a datastore over HTTP, to runs and clients whose metadata is of the kind "
        "`service`. Prints its address, which only this machine can reach unless told otherwise. Ends at "
        "Ctrl-C or SIGTERM, when it has answered what it was asked.",
        params=_options(),
        alone=serve,
    )


def _options() -> list[click.Parameter]:
    path = click.Path(path_type=Path)
    return [
        click.Option(["--host"], default="127.0.0.1", help="Address to listen on; 0.0.0.0 is all of them."),
        click.Option(["--port"], type=click.IntRange(0, 65535), default=8321, help="Port; 0 is a free one."),
        click.Option(["--datastore"], metavar="DIRECTORY", help="The datastore, if it is not the settings'."),
        click.Option(["--metadata"], metavar="KIND", help="Where the server itself keeps the metadata."),
        click.Option(["--create"], is_flag=True, help="Make the datastore if it is not there."),
        click.Option(["--tls-cert"], type=path, metavar="FILE", help="Certificate, and those above it; PEM."),
        click.Option(
            ["--tls-key"], type=path, metavar="FILE", help="Its key, if it is not in the same file."
        ),
        click.Option(
            ["--root-path"], default="", metavar="PATH", help="What addresses begin with at a proxy."
        ),
        click.Option(["--allow-host"], multiple=True, metavar="NAME", help="A name that clients call it by."),
        _tokens_option(),
    ]


def _tokens_option() -> click.Option:
    return click.Option(
        ["--tokens"],
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="File of tokens.  [default: server_tokens.json beside the user's configuration]",
    )


def _token_commands() -> list[click.Command]:
    name = click.Argument(["name"], metavar="NAME")
    role = click.Option(
        ["--role"],
        type=click.Choice(_ROLES),
        default="run",
        help="What it allows: to look (read), also to run flows (run), or all (admin).",
    )
    as_json = click.Option(["--json", "as_json"], is_flag=True, help="Print them as JSON.")
    return [
        click.Command(
            "add",
            params=[name, role, _tokens_option()],
            callback=add_token,
            help="Make a token and print it, this once: only its hash is kept. A server knows it at once.",
        ),
        click.Command(
            "list", params=[as_json, _tokens_option()], callback=list_tokens, help="Print name, role and age."
        ),
        click.Command(
            "remove",
            params=[name, _tokens_option()],
            callback=remove_token,
            help="Let nobody in with this token any more, from now on.",
        ),
    ]


def serve(**given: Any) -> None:
    """Serve until somebody wants an end."""
    context = current_context()
    settings = _settings(context, given["datastore"], given["metadata"])
    root_path = f"/{given['root_path'].strip('/')}".rstrip("/")
    if given["tls_key"] and not given["tls_cert"]:
        raise UsageError("--tls-key belongs to a certificate; name it with --tls-cert.")
    with _extra():
        from stepwell.server.serving import Certificate
        from stepwell.server.team_server import ServerOptions, run_server
    from stepwell.wiring.serving import index_to_serve

    location, open_index = index_to_serve(settings, given["create"])

    def announce(address: str) -> None:
        context.console.talk(f"Serving the metadata of {location}.")
        context.console.data(address)
        context.console.flush()

    options = ServerOptions(
        host=given["host"],
        port=given["port"],
        tokens=_path_of(given["tokens"]),
        certificate=Certificate(given["tls_cert"], given["tls_key"]) if given["tls_cert"] else None,
        root_path=root_path,
        names=tuple(name.lower() for name in given["allow_host"]),
    )
    run_server(options, open_index, announce, context.console.talk)
    context.console.talk("The server has ended.")


def add_token(name: str, role: str, tokens: Path | None) -> None:
    """Make a token and print it."""
    from stepwell.server.tokens import Role

    context = current_context()
    file = _token_file(tokens)
    secret = file.add(name, Role(role))
    context.console.talk(f"Token `{name}` ({role}) is kept in {file.path}, as a hash. It is shown this once:")
    context.console.data(secret)


def list_tokens(as_json: bool, tokens: Path | None) -> None:
    """Print the tokens, the oldest first."""
    console = current_context().console
    found = _token_file(tokens).tokens
    if as_json:
        lines = [{"name": one.name, "role": one.role, "created_at": one.created_at} for one in found]
        console.data(msgspec.json.encode(lines).decode())
        return
    for one in found:
        made = datetime.fromtimestamp(one.created_at).strftime("%Y-%m-%d %H:%M")
        console.data(f"{one.name}  {one.role}  made {made}")
    if not found:
        console.talk("There is no token. `stepwell server token add NAME` makes one.")


def remove_token(name: str, tokens: Path | None) -> None:
    """Forget a token."""
    file = _token_file(tokens)
    file.remove(name)
    current_context().console.talk(f"Token `{name}` is removed from {file.path}.")


def _settings(context: CliContext, datastore: str | None, metadata: str | None) -> Settings:
    chosen = {"DATASTORE_ROOT": datastore, "DEFAULT_METADATA": metadata}
    values = {name: Value(text, "command line") for name, text in chosen.items() if text is not None}
    return replace(context.settings, values={**context.settings.values, **values})


def _token_file(path: Path | None) -> TokenFile:
    from stepwell.server.tokens import TokenFile

    return TokenFile(_path_of(path))


def _path_of(tokens: Path | None) -> Path:
    return tokens or file_of("").with_name("server_tokens.json")


@contextmanager
def _extra() -> Generator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in ("starlette", "uvicorn"):
            raise
        raise UsageError(
            "`stepwell server` needs the extra `server`. Install it with `pip install 'stepwell[server]'`."
        ) from error
