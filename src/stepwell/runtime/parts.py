"""What an executor works with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from stepwell.datastore.datastore import Datastore
from stepwell.engine.engine import Engine
from stepwell.runtime.clock import Clock
from stepwell.runtime.events import Listener
from stepwell.runtime.options import Attended
from stepwell.runtime.recorder import Recorder

if TYPE_CHECKING:
    from stepwell.runtime.look_ups import LookUps
    from stepwell.runtime.shared_workers import SharedWorkers


class Parts(Struct, frozen=True):
    """What an executor works with.

    Attributes
    ----------
    listener
        Gets every event, in the calling thread.
    shared
        Workers that it shares with other runs; None if they are its own.
    names
        The ids of earlier tasks that scheduling knows by another number.
    look_ups
        Finds results of the past, if the flow has cached steps.
    attended
        Which tasks get the terminal.
    """

    engine: Engine
    datastore: Datastore
    recorder: Recorder
    clock: Clock
    listener: Listener
    shared: SharedWorkers | None = None
    names: Mapping[int, str] = {}
    look_ups: LookUps | None = None
    attended: Attended | None = None
