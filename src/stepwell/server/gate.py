"""Stands before everything that a server has: who comes in, by which name, and from which page."""

from __future__ import annotations

import ipaddress
import os
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from stepwell.exceptions import StepwellException
from stepwell.server.peers import Peers
from stepwell.server.refusals import passed_on, refused
from stepwell.server.tokens import Role, TokenFile

OPEN_TO_ALL = frozenset({"/healthz"})
"""What says nothing of what is stored, and is asked by those who have no token."""

_OF_PROXIES = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


class Door(Struct, frozen=True, kw_only=True):
    """How a server may be entered.

    Attributes
    ----------
    names
        Names by which it may be called, besides addresses of the network.
    is_local
        Whether it can be reached from this machine only.
    root_path
        What the addresses of a server behind a proxy begin with.
    """

    names: frozenset[str]
    is_local: bool
    root_path: str = ""


class Gate:
    """Refuses calls without a token, and those that a page of somebody else has a browser make.

    On this machine the server's own user needs no token, as long as there are none.
    """

    def __init__(self, app: ASGIApp, door: Door, tokens: TokenFile, peers: Peers) -> None:
        self._app = app
        self._door = door
        self._tokens = tokens
        self._peers = peers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or refuse it."""
        if scope["type"] != "http":
            return
        self._enter(scope)
        try:
            refusal = self._refusal(scope, Headers(scope=scope))
        except StepwellException as error:
            refusal = passed_on(error)
        await (refusal or self._app)(scope, receive, send)

    def _enter(self, scope: Scope) -> None:
        """Have the address begin with the root path, whether or not the proxy takes it away."""
        root, path = self._door.root_path, scope["path"]
        if root:
            scope["root_path"] = root
            scope["path"] = path if path.startswith(f"{root}/") else root + path

    def _refusal(self, scope: Scope, headers: Headers) -> ASGIApp | None:
        host = headers.get("host", "")
        if not self._is_known(host):
            return refused(403, f"No server is called {host[:80]!r} here. `--allow-host NAME` allows a name.")
        origin = headers.get("origin")
        if origin is not None and _split(origin).netloc != host:
            return refused(403, f"Pages of {origin[:80]!r} may not call this server.")
        if scope["path"].removeprefix(self._door.root_path) in OPEN_TO_ALL:
            return None
        role = self._role_of(scope, headers)
        if not isinstance(role, Role):
            return refused(401, role, headers={"WWW-Authenticate": "Bearer"})
        scope.setdefault("state", {})["role"] = role
        return None

    def _is_known(self, host: str) -> bool:
        """Whether the server is called by a name of its own: no other name leads here but by a trick."""
        name = _split(f"//{host}").hostname or ""
        if name.rstrip(".") in self._door.names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True  # a browser calls by an address only what its page came from

    def _role_of(self, scope: Scope, headers: Headers) -> Role | str:
        """Return the role of who calls, or why nobody is let in."""
        kind, _, secret = headers.get("authorization", "").partition(" ")
        if secret:
            holder = self._tokens.holder_of(secret.strip()) if kind.lower() == "bearer" else None
            return holder.role if holder else f"This server does not know that token. {_NEW_TOKEN}"
        if self._is_own_user(scope, headers):
            return Role.ADMIN
        return f"This server wants a token; clients of Stepwell send STEPWELL_SERVICE_AUTH_KEY. {_NEW_TOKEN}"

    def _is_own_user(self, scope: Scope, headers: Headers) -> bool:
        if not self._door.is_local or self._tokens.tokens or any(name in headers for name in _OF_PROXIES):
            return False
        if not hasattr(os, "geteuid"):
            return False  # a system that does not say who calls: everybody needs a token
        return self._peers.user_of(scope["client"], scope["server"]) in (os.geteuid(), 0)


_NEW_TOKEN = "`stepwell server token add NAME`, where the server runs, makes one."


def _split(address: str) -> SplitResult:
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")
