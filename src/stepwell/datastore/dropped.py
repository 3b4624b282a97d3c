"""Values that were dropped although entries still name them: whoever reads one is told so.

A note is written before the value goes. It counts only where the value is missing: one that is stored again,
or that somebody else still needs, is read as ever.
"""

from __future__ import annotations

import time

import msgspec
from msgspec import Struct

from stepwell.datastore import layout
from stepwell.datastore.storage import Storage


class Dropped(Struct, frozen=True):
    """When a value was dropped, in Unix seconds, and by which rule."""

    at: float
    rule: str

    def __str__(self) -> str:
        day = time.strftime("%Y-%m-%d", time.localtime(self.at))
        return (
            f"retention dropped it on {day} (rule {self.rule}), and kept its type and preview. To have the "
            "value, execute the step again, or take it from a run that still has it."
        )


_note = msgspec.json.Decoder(Dropped)


def dropped_of(storage: Storage, digest: bytes) -> Dropped | None:
    """Return what is noted of a value that is missing; None if it was not dropped."""
    data = storage.read(layout.dropped_key(digest))
    try:
        return None if data is None else _note.decode(data)
    except msgspec.MsgspecError:
        return None  # as good as no note: the value is missing, and that is said


def note_dropped(storage: Storage, digest: bytes, dropped: Dropped) -> None:
    """Write the note of a value that is about to be dropped."""
    storage.replace(layout.dropped_key(digest), msgspec.json.encode(dropped))
