"""The commit of a task that has succeeded."""

from __future__ import annotations

from stepwell.datastore.datastore import Datastore
from stepwell.exceptions import AlreadyCommitted
from stepwell.model.pack import Pack
from stepwell.model.task import TaskOutcome
from stepwell.runtime.task.own_words import say


def sealed(datastore: Datastore, pack: Pack) -> TaskOutcome:
    """Commit; return the outcome that stands: this one, or that of another attempt which was first.

    The result of a task of a gang is kept until the whole gang has succeeded.
    """
    if pack.gang is not None:
        from stepwell.datastore.gang_packs import prepare  # few tasks are of a gang

        prepare(datastore, pack)
        return pack.outcome
    try:
        datastore.seal(pack)
    except AlreadyCommitted:
        winner = datastore.pack(pack.key)
        if winner is None:
            raise
        say(f"Another attempt of {pack.key.pathspec} has already succeeded; its result stands.\n")
        return winner.outcome
    return pack.outcome
