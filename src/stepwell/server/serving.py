"""A server that listens until it is asked to end, and then lets what it has begun come to its end."""

from __future__ import annotations

import errno
import ipaddress
import signal
import socket
import ssl
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import uvicorn
from msgspec import Struct
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from stepwell.exceptions import UsageError
from stepwell.metadata_store.calls import VERSION_HEADER
from stepwell.server.peers import Peers
from stepwell.version import VERSION

_GRACE_S = 30
_KEEP_ALIVE_S = 75
"""Longer than a run is silent, which beats every 10 s."""


class Certificate(Struct, frozen=True):
    """Files by which the server proves who it is."""

    certificate: Path
    key: Path | None = None


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens, so that nobody else can take the address any more.

    Raises
    ------
    UsageError
        There is no such address here, or it is not to be had.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        listener = socket.create_server(address[:2], family=family)
    except (OSError, UnicodeError) as error:
        raise UsageError(f"The server cannot listen on {host}, port {port}: {_why(error)}") from error
    # Connections inherit it. An answer of two parts would wait 40 ms for the client to acknowledge the first.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def is_loopback(listener: socket.socket) -> bool:
    """Whether only this machine can reach the socket."""
    return ipaddress.ip_address(listener.getsockname()[0]).is_loopback


def address_of(listener: socket.socket, has_tls: bool, root_path: str) -> str:
    """Return the address that clients use."""
    host, port = listener.getsockname()[:2]
    found = ipaddress.ip_address(host)
    name = socket.gethostname() if found.is_unspecified else f"[{host}]" if found.version == 6 else host
    return f"http{'s' if has_tls else ''}://{name}:{port}{root_path}"


def serve(app: ASGIApp, listener: socket.socket, certificate: Certificate | None, peers: Peers) -> None:
    """Serve until SIGTERM or Ctrl-C; requests that have begun are answered, a second Ctrl-C cuts them off.

    Parameters
    ----------
    peers
        Is told which connections have ended.

    Raises
    ------
    KeyboardInterrupt
        It was Ctrl-C.
    UsageError
        The certificate cannot be used.
    """

    class Protocol(H11Protocol):
        def connection_lost(self, exc: Exception | None) -> None:
            if self.client is not None:
                peers.forget(self.client)
            super().connection_lost(exc)

    config = uvicorn.Config(
        app,
        http=Protocol,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # who calls is whoever connects, whatever a header says
        server_header=False,
        headers=[(VERSION_HEADER, VERSION)],
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
        ssl_certfile=None if certificate is None else certificate.certificate,
        ssl_keyfile=None if certificate is None else certificate.key,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        assert certificate is not None
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"The certificate {certificate.certificate} cannot be used: {reason}.") from error
    server = _Server(config)
    server.run([listener])
    if server.was_interrupted:
        raise KeyboardInterrupt


class _Server(uvicorn.Server):
    """Ends quietly: what the signal was is for the command to say."""

    was_interrupted = False

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        former = {
            number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.was_interrupted |= sig == signal.SIGINT
        super().handle_exit(sig, frame)


def _why(error: Exception) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return "another program listens there. Choose another port with --port; 0 takes a free one."
    if number == errno.EACCES:
        return "no permission. Ports below 1024 are for the system's own programs; choose a higher one."
    if number == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror | UnicodeError):
        return "this machine has no such address. Choose another with --host."
    return f"{getattr(error, 'strerror', None) or error}."
