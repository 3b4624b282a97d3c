"""Looks for results of the past that tasks can take, in the run process: no process is started for it.

The executor asks and gets answers a few at a time, between what its engine reports.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Literal

from stepwell.datastore.cached_results import Claim, digest_under
from stepwell.datastore.datastore import Datastore
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.exceptions import StoreError
from stepwell.model.cache import CacheKey, CachePolicy
from stepwell.model.ids import TaskKey
from stepwell.model.observed import Shape
from stepwell.model.pack import Pack
from stepwell.model.run import RunInfo
from stepwell.runtime.cache_search import CacheSearch
from stepwell.runtime.flight import Flight
from stepwell.runtime.task.readable import Readable

_AT_A_TIME_S = 0.02
"""How long the executor, which has other tasks to serve, is kept at most between two answers."""

_ASK_OTHERS_EVERY_S = 0.5

Answer = Pack | Literal["wait", "miss"]
"""The sealed pack of a task that has its result; or another task computes it, and the answer comes later."""


class LookUps:
    """The look-ups of one run.

    Parameters
    ----------
    is_alive
        Says whether a run, by flow and id, may still come to its end.
    """

    def __init__(
        self,
        definition: FlowDefinition,
        info: RunInfo,
        datastore: Datastore,
        search: CacheSearch,
        is_alive: Callable[[str, str], bool],
    ) -> None:
        self._definition = definition
        self._info = info
        self._datastore = datastore
        self._search = search
        self._is_alive = is_alive
        self._open: deque[Flight] = deque()
        self._claims: dict[bytes, TaskKey] = {}
        self._claimed_by: dict[TaskKey, bytes] = {}
        self._waiting: dict[bytes, list[Flight]] = {}
        self._asked_others_at = 0.0

    def ask(self, flight: Flight) -> None:
        """Let a task be looked up."""
        self._open.append(flight)

    def answers(self) -> Iterator[tuple[Flight, Answer]]:
        """Answer what is open, for a short time; a task that waits is answered once more later."""
        self._ask_others()
        until = time.monotonic() + _AT_A_TIME_S
        while self._open and time.monotonic() < until:
            flight = self._open.popleft()
            yield flight, self._answer(flight)

    @property
    def patience_s(self) -> float | None:
        """How long nothing needs to be done here; None is any time."""
        if self._open:
            return 0.0
        return _ASK_OTHERS_EVERY_S if self._waiting else None

    def ended(self, task: TaskKey) -> None:
        """Take notice that a task has ended for good: those that wait for its result are looked up again."""
        digest = self._claimed_by.pop(task, None)
        if digest is not None:
            del self._claims[digest]
            self._datastore.cached.release(digest)
            self._open.extend(self._waiting.pop(digest, ()))

    def close(self) -> None:
        """Let nobody wait for tasks of this run that did not come to run."""
        self._open.clear()
        self._waiting.clear()
        with suppress(StoreError):  # whoever waits finds out that this run is over
            for task in list(self._claimed_by):
                self.ended(task)

    # One task

    def _answer(self, flight: Flight) -> Answer:
        if flight.request.lost:
            return "miss"  # what a join does about failures is not for others
        try:
            request = flight.request = self._search.keyed(flight.request)
        except (OSError, StoreError):
            return "miss"  # it is executed, and not kept
        key = request.cache
        if key is None or key.fault:
            return "miss"
        readable = self._search.readable(request)
        policy = self._definition.policies[request.key.step].cache or CachePolicy()
        try:
            flight.request, found = self._search.taken(request, key, readable)
            if found is not None:
                return found
            return self._claim(flight, key, readable) if policy.wait else "miss"
        except StoreError:
            return "miss"  # the task reads the same, and will say what is wrong

    # Equal tasks at the same time

    def _claim(self, flight: Flight, key: CacheKey, readable: Readable) -> Answer:
        digest = self._promised(key, readable)
        task = flight.request.key
        ours = self._claims.get(digest)
        if ours is None:
            claim = self._datastore.cached.claim(digest, Claim(task, self._info.user))
            if claim.task.run == self._info.run or not self._is_alive(claim.task.flow, claim.task.run):
                # Whoever had claimed it is gone: of several that find this out, more than one may compute it.
                self._claims[digest] = task
                self._claimed_by[task] = digest
                return "miss"
        self._waiting.setdefault(digest, []).append(flight)
        return "wait"

    def _promised(self, key: CacheKey, readable: Readable) -> bytes:
        """Return what stands for the result: by what is known to be read, else by all that could be."""
        for shape in reversed(self._datastore.cached.shapes(key.prefix)):
            digests = readable.digests(shape)
            if digests is not None:
                return digest_under(key.prefix, shape, readable.place, digests)
        return digest_under(key.prefix, Shape(), (), (readable.everything(),))

    def _ask_others(self) -> None:
        """Look up again what waits for another run, once that has its result, or is gone."""
        now = time.monotonic()
        if not self._waiting or now - self._asked_others_at < _ASK_OTHERS_EVERY_S:
            return
        self._asked_others_at = now
        for digest in [digest for digest in self._waiting if digest not in self._claims]:
            claim = self._datastore.cached.claimed(digest)
            if claim is None or not self._is_alive(claim.task.flow, claim.task.run):
                self._open.extend(self._waiting.pop(digest))
