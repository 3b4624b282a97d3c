"""The stores that a command of this context reads from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepwell.cli.addresses import Address, find
from stepwell.cli.context import CliContext
from stepwell.runtime.signals import interrupts_deferred

if TYPE_CHECKING:
    from stepwell.metadata_store.store import MetadataStore
    from stepwell.wiring.stores import Stores


def stores_of(context: CliContext) -> Stores:
    """Open the stores that the settings name."""
    with interrupts_deferred():
        from stepwell.wiring.stores import open_stores  # the adapters, for commands that read results only

    return open_stores(settings=context.settings)


def metadata_of(context: CliContext) -> MetadataStore:
    """Open the index that the settings name; the results need not be there."""
    with interrupts_deferred():
        from stepwell.wiring.stores import open_metadata

    return open_metadata(context.settings)


def find_in(context: CliContext, stores: Stores, text: str) -> Address:
    """Return what the address leads to; at a flow's own front door it may leave out the flow."""
    flow = context.flow_class.__name__ if context.flow_class is not None else None
    return find(stores, text, flow)
