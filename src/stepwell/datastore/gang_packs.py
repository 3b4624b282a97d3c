"""The results of a gang count together: each task prepares its own, and those of a whole gang are sealed.

A gang has succeeded when, and only when, each of its tasks has prepared a result in one and the same attempt.
Sealing makes them visible, and may be done by anybody, at any time, in parts and again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from stepwell.datastore.datastore import Datastore
from stepwell.exceptions import AlreadyCommitted
from stepwell.model.ids import TaskKey
from stepwell.model.pack import Pack
from stepwell.model.task import ErrorInfo

RETURNED_ALONE = ErrorInfo(
    "Gang", "The step has returned, but the gang did not succeed, and so its result does not count."
)


def prepare(datastore: Datastore, pack: Pack) -> None:
    """Keep the result of a task of a gang until the others have theirs. Till then it counts as a failure."""
    waiting = replace(pack.outcome, ok=False, transition=None, error=RETURNED_ALONE)
    datastore.seal_failure(replace(pack, outcome=waiting, prepared=pack.outcome))


def seal(datastore: Datastore, prepared: Iterable[Pack]) -> Iterator[Pack]:
    """Commit what the tasks of a gang that is whole have prepared; yield each pack as it is from here on.

    Raises
    ------
    AlreadyCommitted
        A task has the result of another attempt.
    """
    for pack in prepared:
        sealed = replace(pack, outcome=pack.prepared or pack.outcome, prepared=None)
        try:
            datastore.seal(sealed)
        except AlreadyCommitted:
            winner = datastore.pack(pack.key)
            if winner is None or winner.attempt != pack.attempt:
                raise
        yield sealed


def prepared_by(datastore: Datastore, keys: Iterable[TaskKey], attempt: int) -> Iterator[Pack]:
    """Yield what tasks of a gang have prepared in an attempt and is not sealed yet."""
    for key in keys:
        pack = datastore.pack(key, attempt)
        if pack is not None and pack.prepared is not None:
            yield pack
