"""Runs that results of `spin` stand on: these are read through another store."""

from __future__ import annotations

from stepwell.datastore import layout
from stepwell.datastore.reused_tasks import ReusedTasks
from stepwell.exceptions import UsageError
from stepwell.settings.places import SPIN_NAME
from stepwell.settings.settings import Settings
from stepwell.storages.local import LocalStorage
from stepwell.wiring.stores import below_of


def spun_from(settings: Settings) -> frozenset[tuple[str, str]]:
    """Return flow and id of the runs that kept results of `spin` in the working directory stand on.

    Raises
    ------
    UsageError
        The datastore is itself one of `spin`, in which nothing is removed piece by piece.
    """
    root = settings.datastore_root
    if below_of(root) is not None:
        raise UsageError(f"{root} holds what was spun. Remove the whole folder to be rid of it.")
    spun = settings.directory / SPIN_NAME
    below = below_of(spun)
    if below is None or below.resolve() != root.resolve():
        return frozenset()
    storage = LocalStorage(spun)
    reused = ReusedTasks(storage)
    found = filter(None, map(layout.object_of, storage.list(layout.RUNS)))
    runs = {(it.flow, it.run) for it in found if it.kind == "reused"}
    return frozenset((flow, rest) for flow, run in runs if (rest := reused.rest_of(flow, run)))
