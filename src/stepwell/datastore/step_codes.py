"""The code of the steps of each execution of a run, by which a later one knows what has changed.

An execution is told by its code version, which each of its packs has. The code itself is stored once for each
content, like a code package.
"""

from __future__ import annotations

import zlib

from stepwell.datastore import layout
from stepwell.datastore.blobs import Blobs
from stepwell.datastore.storage import Storage
from stepwell.exceptions import StoreError
from stepwell.model import wire
from stepwell.model.step_code import FlowCode


class StepCodes:
    """The codes of all runs of one storage, each read once."""

    def __init__(self, storage: Storage, blobs: Blobs) -> None:
        self._storage = storage
        self._blobs = blobs
        self._known: dict[tuple[str, str, str], FlowCode | None] = {}

    def write(self, flow: str, run: str, version: str, code: FlowCode) -> None:
        """Keep the code of an execution; another of this version of the run makes way."""
        data = zlib.compress(wire.encode(code), 1)
        digest = self._blobs.put([data], len(data))
        self._storage.replace(layout.step_codes_key(flow, run, version), digest.hex().encode())

    def digest(self, flow: str, run: str, version: str) -> bytes | None:
        """Return the digest of the blob that holds it; None if the execution has left none."""
        found = self._storage.read(layout.step_codes_key(flow, run, version)) if version else None
        try:
            return None if found is None else bytes.fromhex(bytes(found).decode("ascii"))
        except ValueError:
            return None

    def read(self, flow: str, run: str, version: str) -> FlowCode | None:
        """Return the code of an execution; None if it has left none, or it is damaged."""
        place = (flow, run, version)
        if place not in self._known:
            self._known[place] = self._read(*place)
        return self._known[place]

    def _read(self, flow: str, run: str, version: str) -> FlowCode | None:
        digest = self.digest(flow, run, version)
        if digest is None:
            return None
        try:
            data = self._blobs.get(digest, -1, lambda: f"The code of the steps of run {flow}/{run}")
            return wire.decode(zlib.decompress(data), FlowCode)
        except (StoreError, zlib.error, wire.WireError):
            return None  # as good as not kept: whoever asks says that it is not known
