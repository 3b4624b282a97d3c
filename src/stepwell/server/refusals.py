"""How a server says no: as an error that clients of Stepwell raise on their side."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from stepwell.exceptions import StepwellException, StoreUnavailable
from stepwell.metadata_store.calls import Refusal, refusal_of


def passed_on(error: StepwellException) -> Response:
    """Return the response that has the client raise the same error."""
    return _response(refusal_of(error), None)


def refused(
    status: int,
    text: str,
    kind: type[StepwellException] = StoreUnavailable,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return the response that says why a request is not carried out."""
    return _response(Refusal(kind.__name__, text), status, headers)


def _response(refusal: Refusal, status: int | None, headers: Mapping[str, str] | None = None) -> Response:
    return Response(refusal.body, status or refusal.status, headers, "application/json")
