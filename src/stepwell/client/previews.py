"""Stored previews of artifacts: what a value looks like, without loading it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from stepwell.datastore.datastore import Datastore
from stepwell.model.artifact import ArtifactEntry
from stepwell.model.pack import Pack

# A value that was handed down further than this is shown by its type and size.
_PACKS_READ = 200


def entries_of(datastore: Datastore, pack: Pack) -> dict[str, ArtifactEntry]:
    """Return every entry that the task can see, by name; what it wrote itself comes with previews."""
    return {**datastore.visible(pack), **{entry.name: entry for entry in pack.own}}


def preview(datastore: Datastore, pack: Pack, entry: ArtifactEntry) -> str:
    """Return the preview that was made when the value was written, wherever in the run that was."""
    for ancestor in _ancestors(datastore, pack):
        for own in ancestor.own:
            if (own.name, own.digest) == (entry.name, entry.digest) and own.preview:
                return own.preview
    return f"<{entry.type}, {entry.size} bytes>"


def previews(datastore: Datastore, pack: Pack, entries: Iterable[ArtifactEntry]) -> dict[str, str]:
    """Return what `preview` does, for several entries at once, by name: each pack is read once."""
    missing = {(entry.name, entry.digest): entry for entry in entries}
    found = {entry.name: f"<{entry.type}, {entry.size} bytes>" for entry in missing.values()}
    for ancestor in _ancestors(datastore, pack):
        for own in ancestor.own:
            if own.preview and missing.pop((own.name, own.digest), None) is not None:
                found[own.name] = own.preview
        if not missing:
            break
    return found


def _ancestors(datastore: Datastore, pack: Pack) -> Iterator[Pack]:
    waiting, seen = deque([pack.key]), {pack.key}
    while waiting and len(seen) <= _PACKS_READ:
        key = waiting.popleft()
        found = pack if key == pack.key else datastore.pack(key)
        if found is None:
            continue
        yield found
        for parent in found.parents[:_PACKS_READ]:
            above = key.sibling(parent.step, parent.task)
            if above not in seen:
                seen.add(above)
                waiting.append(above)
