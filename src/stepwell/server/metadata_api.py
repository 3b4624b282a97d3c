"""The metadata service: one address for each method of the port."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from stepwell.exceptions import StepwellException, StoreError, StoreFormatError
from stepwell.metadata_store.calls import API_VERSION, CALLS, MOST_BYTES, PATH, VERSION_HEADER, Call
from stepwell.metadata_store.store import RunQuery
from stepwell.server.index_access import IndexAccess
from stepwell.server.refusals import passed_on, refused
from stepwell.version import VERSION


def routes(index: IndexAccess) -> list[BaseRoute]:
    """Return the service as routes."""
    return [
        *(Route(call.path, _endpoint(call, index), methods=["POST"]) for call in CALLS.values()),
        Route(f"{PATH}/{{rest:path}}", _unknown, methods=["GET", "POST"]),
    ]


async def is_healthy(index: IndexAccess) -> bool:
    """Whether the index can be read."""
    try:
        await index.read(lambda store: store.runs(RunQuery(limit=1)))
    except StepwellException:
        return False
    return True


def _endpoint(call: Call, index: IndexAccess) -> Callable[[Request], object]:
    async def answer(request: Request) -> Response:
        if not (call.reads or request.state.role.may_write):
            return refused(403, f"This token may only read; `{call.name}` changes something. {_ROLES}")
        try:
            arguments = call.arguments(await _body(request))
        except StoreFormatError as error:
            text = (
                f"`{call.name}` of Stepwell {_version_of(request)} cannot be read: {error}. {_SAME_VERSION}"
            )
            return refused(400, text, StoreFormatError)
        except _TooLong:
            text = f"A call has at most {MOST_BYTES >> 20} MiB. Write fewer records at once."
            return refused(413, text, StoreError)
        try:
            if call.reads:
                found = await index.read(lambda store: call.answer(arguments, store))
            else:
                found = await index.write(
                    lambda store: call.answer(arguments, store), request.is_disconnected
                )
        except StepwellException as error:
            return passed_on(error)
        return Response(found or b"", media_type="application/json")

    return answer


class _TooLong(Exception):
    """A call that is longer than a server takes."""


async def _body(request: Request) -> bytes:
    pieces: list[bytes] = []
    length = 0
    async for piece in request.stream():
        length += len(piece)
        if length > MOST_BYTES:
            raise _TooLong
        pieces.append(piece)
    return b"".join(pieces)


async def _unknown(request: Request) -> Response:
    asked = request.path_params["rest"].partition("/")[0]
    if asked == f"v{API_VERSION}":
        text = f"The metadata API of Stepwell {VERSION} has no {request.method} {request.url.path}."
        text = f"{text} It has POST to {', '.join(CALLS)}. {_SAME_VERSION}"
    else:
        text = (
            f"This server has Stepwell {VERSION}, whose metadata API is v{API_VERSION}; the client, Stepwell "
            f"{_version_of(request)}, asks for `{asked[:20]}`. {_SAME_VERSION}"
        )
    return refused(404, text, StoreFormatError)


def _version_of(request: Request) -> str:
    return request.headers.get(VERSION_HEADER, "of an unknown version")[:40]


_ROLES = "The role `run` may: `stepwell server token add NAME --role run`, where the server runs, makes one."
_SAME_VERSION = "Install the same version of Stepwell on both sides."
