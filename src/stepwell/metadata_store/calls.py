"""The port's methods as calls that travel: arguments, results and errors as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, get_origin, get_type_hints

import msgspec

from stepwell.exceptions import (
    StepwellException,
    StepwellNotFound,
    StepwellTaggingError,
    StoreError,
    StoreFormatError,
    StoreUnavailable,
)
from stepwell.metadata_store.store import MetadataStore
from stepwell.version import VERSION

API_VERSION = 1
"""Another one for every change of what calls and records hold: who does not know a field would lose it."""

PATH = "/metadata"
VERSION_HEADER = "stepwell-version"
"""Both sides name their version of Stepwell in it."""

MOST_BYTES = 64 << 20
"""Longest call that a server takes."""

_encoder = msgspec.json.Encoder()


class Call:
    """A method of the port, made of its signature.

    Parameters
    ----------
    reads
        Whether it changes nothing.
    """

    def __init__(self, name: str, reads: bool) -> None:
        self.name = name
        self.reads = reads
        kinds = get_type_hints(getattr(MetadataStore, name))
        self._result = msgspec.json.Decoder(kinds.pop("return"))
        fields = [(field, _as_sent(kind)) for field, kind in kinds.items()]
        self._arguments = msgspec.defstruct(name, fields, frozen=True)

    @property
    def path(self) -> str:
        """Where a server takes it."""
        return f"{PATH}/v{API_VERSION}/{self.name}"

    def request(self, *given: object) -> bytes:
        """Return the call with these arguments."""
        return _text_of(self._arguments(*given))

    def arguments(self, request: bytes) -> tuple[Any, ...]:
        """Return the arguments that a call holds.

        Raises
        ------
        StoreFormatError
            They are not those that this version knows.
        """
        return msgspec.structs.astuple(_read(request, self._arguments))

    def answer(self, arguments: tuple[Any, ...], store: MetadataStore) -> bytes:
        """Carry the call out and return its result; raise what the method raises."""
        return _text_of(getattr(store, self.name)(*arguments))

    def result(self, answer: bytes) -> Any:
        """Return the result that an answer holds, or raise `msgspec.MsgspecError`."""
        return self._result.decode(answer)


class Refusal(msgspec.Struct, frozen=True):
    """Why a call was not carried out: the class of the error, in words, and whether waiting can help."""

    error: str
    message: str
    may_pass: bool = False

    @property
    def status(self) -> int:
        """The status of HTTP that says so."""
        return _STATUS[_ERRORS[self.error]]

    @property
    def body(self) -> bytes:
        """The refusal as it is sent."""
        return _text_of(self)


def refusal_of(error: StepwellException) -> Refusal:
    """Return an error as it travels."""
    kind = next((kind.__name__ for kind in type(error).__mro__ if kind in _STATUS), StoreError.__name__)
    return Refusal(kind, error.message, getattr(error, "may_pass", False))


def error_in(body: bytes) -> StepwellException | None:
    """Return the error that a refusal holds; None if this is none."""
    try:
        refusal = _read(body, Refusal)
    except StoreFormatError:
        return None
    error = _ERRORS.get(refusal.error, StoreError)(refusal.message)
    if isinstance(error, StoreUnavailable):
        error.may_pass = refusal.may_pass
    return error


_STATUS: Mapping[type[StepwellException], int] = {
    StepwellNotFound: 404,
    StepwellTaggingError: 422,
    StoreUnavailable: 503,
    StoreFormatError: 500,
    StoreError: 500,
}
_ERRORS = {kind.__name__: kind for kind in _STATUS}


def _as_sent(kind: Any) -> Any:
    return tuple[str, ...] if get_origin(kind) is Iterable else kind


def _text_of(value: object) -> bytes:
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        # What is no Unicode travels as it is, and each store does with it what it does: JSON can spell it.
        return json.dumps(msgspec.to_builtins(value)).encode()


def _read(text: bytes, kind: Any) -> Any:
    try:
        try:
            return msgspec.json.decode(text, type=kind)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            return msgspec.convert(json.loads(text), kind)
    except (msgspec.MsgspecError, ValueError) as error:
        raise StoreFormatError(f"it does not hold what Stepwell {VERSION} expects ({error})") from error


CALLS: Mapping[str, Call] = {
    name: Call(name, reads)
    for reads, names in (
        (True, ("run", "runs", "flows", "task", "tasks", "steps")),
        (
            False,
            ("next_run_id", "save_run", "replace_run", "delete_run", "beat", "save_tasks", "change_tags"),
        ),
    )
    for name in names
}
