"""Looks for results of the past that tasks can take, in the run process: no process is started for it.

The executor asks and gets answers a few at a time, between what its engine reports.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import Literal

from stepwell.definition.flow_definition import FlowDefinition
from stepwell.exceptions import StoreError
from stepwell.model.cache import CacheKey, CachePolicy
from stepwell.model.ids import TaskKey
from stepwell.model.pack import Pack
from stepwell.runtime.cache_claims import ASK_EVERY_S, CacheClaims
from stepwell.runtime.cache_search import CacheSearch
from stepwell.runtime.flight import Flight
from stepwell.runtime.task.readable import Readable

_AT_A_TIME_S = 0.02
"""How long the executor, which has other tasks to serve, is kept at most between two answers."""

Answer = Pack | Literal["wait", "miss"]
"""The sealed pack of a task that has its result; or another task computes it, and the answer comes later."""


class LookUps:
    """The look-ups of one run.

    Parameters
    ----------
    claims
        What is being computed, by tasks of any run.
    """

    def __init__(
        self,
        definition: FlowDefinition,
        search: CacheSearch,
        claims: CacheClaims,
    ) -> None:
        self._definition = definition
        self._search = search
        self._shared = claims
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
        return ASK_EVERY_S if self._waiting else None

    def ended(self, task: TaskKey) -> None:
        """Take notice that a task has ended for good: those that wait for its result are looked up again."""
        digest = self._claimed_by.pop(task, None)
        if digest is not None:
            del self._claims[digest]
            self._shared.release(digest)
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
        digest = self._shared.promised(key, readable)
        task = flight.request.key
        if digest not in self._claims and self._shared.take(digest, task):
            self._claims[digest] = task
            self._claimed_by[task] = digest
            return "miss"
        self._waiting.setdefault(digest, []).append(flight)
        return "wait"

    def _ask_others(self) -> None:
        """Look up again what waits for another run, once that has its result, or is gone."""
        now = time.monotonic()
        if not self._waiting or now - self._asked_others_at < ASK_EVERY_S:
            return
        self._asked_others_at = now
        for digest in [digest for digest in self._waiting if digest not in self._claims]:
            if not self._shared.is_held(digest):
                self._open.extend(self._waiting.pop(digest))
