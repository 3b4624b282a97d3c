"""The server's application, from its parts."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from stepwell.exceptions import StoreError
from stepwell.server import metadata_api
from stepwell.server.gate import Door, Gate
from stepwell.server.index_access import IndexAccess
from stepwell.server.peers import Peers
from stepwell.server.refusals import refused
from stepwell.server.tokens import TokenFile


def make_app(index: IndexAccess, door: Door, tokens: TokenFile, peers: Peers) -> ASGIApp:
    """Return the application."""

    async def health(_request: Request) -> Response:
        is_well = await metadata_api.is_healthy(index)
        return PlainTextResponse("ok\n" if is_well else "the index cannot be read\n", 200 if is_well else 503)

    routes = [Route("/healthz", health), *metadata_api.routes(index)]
    return Gate(Starlette(routes=routes, exception_handlers={Exception: _failed}), door, tokens, peers)


async def _failed(_request: Request, _error: Exception) -> Response:
    text = "The server has made a mistake of its own; its standard error has more."
    return refused(500, text, StoreError)
