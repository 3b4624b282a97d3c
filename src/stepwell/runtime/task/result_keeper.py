"""Keeps the result of a cached step for later tasks, with what it depends on."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from stepwell.definition.flow_definition import FlowDefinition
from stepwell.exceptions import InvalidDecoratorAttribute, StoreError
from stepwell.model import wire
from stepwell.model.cache import CacheKey, CachePolicy
from stepwell.model.observed import CacheEntry, Observed
from stepwell.model.pack import Pack
from stepwell.model.task import TaskOutcome, TaskRequest
from stepwell.runtime.task.inputs import TaskSource
from stepwell.runtime.task.observer import Observer
from stepwell.runtime.task.own_words import say
from stepwell.runtime.task.readable import Readable


class ResultKeeper:
    """Watches one task from its beginning.

    Raises
    ------
    InvalidDecoratorAttribute
        The task's key could not be made.
    """

    def __init__(
        self, key: CacheKey, definition: FlowDefinition, source: TaskSource, request: TaskRequest
    ) -> None:
        if key.fault:
            raise InvalidDecoratorAttribute(key.fault)
        policy = definition.policies[request.key.step].cache or CachePolicy()
        self._key = key
        self._source = source
        self._readable = Readable(definition, source, request)
        self._observer = source.observer = Observer(
            policy.ignore, len(request.parents) if request.split else 0
        )

    def keep(self, pack: Pack, seal: Callable[[Pack], TaskOutcome]) -> TaskOutcome:
        """Seal the pack, and let its result be found; return the outcome that stands.

        A result that cannot be found later is no failure: it is computed again.
        """
        self._source.observer = None
        try:
            observed = self._observed()
        except StoreError as error:
            say(f"The result is not kept in the cache: what the step has read is not known: {error}\n")
            observed = None
        if observed is None:
            return seal(pack)
        pack = replace(pack, observed=wire.encode(observed))
        outcome = seal(pack)
        if outcome is pack.outcome:
            self._announce(pack, observed)
        return outcome

    def _observed(self) -> Observed | None:
        """Return all that the result depends on; None if it cannot be told."""
        shape = self._observer.shape(self._readable.names)
        digests = None if shape is None else self._readable.digests(shape)
        if shape is None or digests is None:
            return None
        return Observed(
            key=self._key,
            shape=shape,
            place=self._readable.place,
            digests=digests,
            deleted=self._observer.names_deleted,
        )

    def _announce(self, pack: Pack, observed: Observed) -> None:
        entry = CacheEntry(pack.key, self._source.info.user, pack.outcome.ended_at)
        try:
            self._source.datastore.cached.keep(observed, entry)
        except StoreError as error:
            say(f"The result is not kept in the cache: {error}\n")
