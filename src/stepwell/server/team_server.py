"""A server put together and run: where it listens, who may use it, what it serves."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from stepwell.metadata_store.store import MetadataStore
from stepwell.server.app import make_app
from stepwell.server.gate import Door
from stepwell.server.index_access import IndexAccess
from stepwell.server.peers import Peers, can_tell_users
from stepwell.server.serving import Certificate, address_of, is_loopback, listening, serve
from stepwell.server.tokens import Role, TokenFile

_FIRST = "first"


class ServerOptions(Struct, frozen=True, kw_only=True):
    """How to serve.

    Attributes
    ----------
    port
        0 takes a free one.
    root_path
        What its addresses begin with behind a proxy, as in ``/stepwell``; empty for nothing.
    names
        Further names by which clients may call it.
    tokens
        The file of tokens.
    """

    host: str
    port: int
    tokens: Path
    certificate: Certificate | None = None
    root_path: str = ""
    names: tuple[str, ...] = ()


def run_server(
    options: ServerOptions,
    open_store: Callable[[], MetadataStore],
    announce: Callable[[str], object],
    tell: Callable[[str], object],
) -> None:
    """Serve until somebody wants an end.

    Parameters
    ----------
    open_store
        Opens the index; called in every thread that uses it.
    announce
        Gets the server's address once it listens.
    tell
        Gets what else the user should know, such as the first token.

    Raises
    ------
    UsageError
        The address, the certificate or the tokens cannot be used.
    KeyboardInterrupt
        Ctrl-C was pressed; all that had begun has been answered.
    """
    with listening(options.host, options.port) as listener:
        tokens = TokenFile(options.tokens)
        door = Door(
            names=frozenset(
                {"localhost", socket.gethostname().lower(), options.host.lower(), *options.names}
            ),
            is_local=is_loopback(listener),
            root_path=options.root_path,
        )
        for line in _words_of_access(door, tokens, options):
            tell(line)
        index, peers = IndexAccess(open_store), Peers()
        try:
            announce(address_of(listener, options.certificate is not None, options.root_path))
            app = make_app(index, door, tokens, peers)
            serve(app, listener, options.certificate, peers)
        finally:
            index.close()


def _words_of_access(door: Door, tokens: TokenFile, options: ServerOptions) -> list[str]:
    """Say who may come in; make the first token where nobody could."""
    needs_token = not (door.is_local and can_tell_users())
    if tokens.tokens:
        said = [f"Whoever has a token of {tokens.path} may use it."]
    elif needs_token:
        secret = tokens.add(_FIRST, Role.ADMIN)
        said = [
            f"The first token, `{_FIRST}`, which may do everything and is shown this once: {secret}",
            "Clients give it in STEPWELL_SERVICE_AUTH_KEY. `stepwell server token add NAME` makes others.",
        ]
    else:
        said = ["Only you may use it, from this machine. `stepwell server token add NAME` lets others in."]
    if not door.is_local and options.certificate is None:
        said.append("Tokens and records travel as they are: give it --tls-cert, or a proxy that speaks TLS.")
    return said
