"""What a command needs as long as it runs one task: stores that are open, and to hear the user."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import NamedTuple

from stepwell.datastore.datastore import Datastore
from stepwell.engine.engine import Engine
from stepwell.metadata_store.store import MetadataStore
from stepwell.runtime.signals import StopRequests


class Workplace(NamedTuple):
    """Where a task is run from."""

    datastore: Datastore
    metadata: MetadataStore
    stop: StopRequests


@contextmanager
def workplace(
    engine: Engine, stores: Callable[[StopRequests], tuple[Datastore, MetadataStore]]
) -> Generator[Workplace]:
    """Open the stores, and count the requests to stop; at the end the engine is closed as well.

    Parameters
    ----------
    engine
        Made already: a forking engine must be older than any connection or thread.
    """
    metadata: MetadataStore | None = None
    try:
        with StopRequests(engine.wake) as stop:
            datastore, metadata = stores(stop)
            yield Workplace(datastore, metadata, stop)
    finally:
        engine.close()
        if metadata is not None:
            metadata.close()
