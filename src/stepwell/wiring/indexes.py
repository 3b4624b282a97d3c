"""Indexes that do not lie beside the results, by the address that they have."""

from __future__ import annotations

from stepwell.exceptions import UsageError
from stepwell.metadata_store.store import MetadataStore


def index_at(address: str, lock_s: float, make: bool) -> MetadataStore:
    """Open the index at an address; the parameters are those of `open_index`."""
    try:
        # Of whoever uses one: loading it takes longer than a small flow.
        from stepwell.metadata_stores.postgres import PostgresMetadata
    except ImportError as error:
        raise UsageError(
            f"Metadata of the kind `postgres` needs the extra `stepwell[postgres]` ({error}). Install it "
            "with `pip install 'stepwell[postgres]'`."
        ) from error
    return PostgresMetadata(address, make, lock_s)
