"""Indexes that do not lie beside the results, by the address that they have."""

from __future__ import annotations

import msgspec

from stepwell.exceptions import UsageError
from stepwell.metadata_store.store import MetadataStore
from stepwell.runtime.signals import interrupts_deferred
from stepwell.settings.settings import Settings

_SILENCE_S = 10.0
"""How long a server may be silent, at least: it waits for locks itself. A run hears Ctrl-C no sooner."""


def index_at(address: str, settings: Settings, lock_s: float, make: bool) -> MetadataStore:
    """Open the index at an address; the parameters are those of `open_index`."""
    if address.startswith("http"):
        return _served(address, settings, max(_SILENCE_S, lock_s))
    try:
        # Of whoever uses one: loading it takes longer than a small flow.
        from stepwell.metadata_stores.postgres import PostgresMetadata
    except ImportError as error:
        raise UsageError(
            f"Metadata of the kind `postgres` needs the extra `stepwell[postgres]` ({error}). Install it "
            "with `pip install 'stepwell[postgres]'`."
        ) from error
    return PostgresMetadata(address, make, lock_s)


def _served(address: str, settings: Settings, silence_s: float) -> MetadataStore:
    with interrupts_deferred():
        from stepwell.metadata_stores.service import ServiceMetadata  # builds decoders; few need it
    usual = settings.text("SERVICE_URL")
    if usual and usual.rstrip("/") != address.rstrip("/"):
        return ServiceMetadata(
            address, timeout_s=silence_s
        )  # whoever runs that server must not get the key of another one
    return ServiceMetadata(address, settings.text("SERVICE_AUTH_KEY"), _headers(settings), silence_s)


def _headers(settings: Settings) -> dict[str, str]:
    value = settings.value("SERVICE_HEADERS")
    try:
        return msgspec.json.decode(value.text, type=dict[str, str]) if value.text else {}
    except msgspec.MsgspecError as error:
        raise UsageError(
            f"SERVICE_HEADERS must be a JSON object of texts (it is from {value.origin})."
        ) from error
