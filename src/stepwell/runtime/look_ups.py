"""Looks for results of the past that tasks can take, in the run process: no process is started for it.

The executor asks and gets answers a few at a time, between what its engine reports.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Literal

from msgspec.structs import replace

from stepwell.datastore.cached_results import Claim, candidates, digest_under
from stepwell.datastore.datastore import Datastore
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.exceptions import AlreadyCommitted, StoreError
from stepwell.model import wire
from stepwell.model.cache import CacheKey, CachePolicy, Origin
from stepwell.model.ids import TaskKey
from stepwell.model.observed import CacheEntry, Observed, Shape
from stepwell.model.pack import Pack
from stepwell.model.run import RunInfo
from stepwell.model.task import TaskOutcome
from stepwell.runtime.cache_keys import CacheKeys
from stepwell.runtime.clock import Clock
from stepwell.runtime.flight import Flight
from stepwell.runtime.task.inputs import TaskSource
from stepwell.runtime.task.readable import Readable

_AT_A_TIME_S = 0.02
"""How long the executor, which has other tasks to serve, is kept at most between two answers."""

_ASK_OTHERS_EVERY_S = 0.5
_REFRESHED = "none was looked for: the run was told to compute anew (--refresh-cache)"


Answer = Pack | Literal["wait", "miss"]
"""The sealed pack of a task that has its result; or another task computes it, and the answer comes later."""


class LookUps:
    """The look-ups of one run.

    Parameters
    ----------
    is_alive
        Says whether a run, by flow and id, may still come to its end.
    warn
        Gets what the user should know of a step.
    refresh
        Take nothing from the past; results are kept for later.
    """

    def __init__(
        self,
        definition: FlowDefinition,
        info: RunInfo,
        datastore: Datastore,
        clock: Clock,
        is_alive: Callable[[str, str], bool],
        warn: Callable[[str], None],
        refresh: bool = False,
    ) -> None:
        self._definition = definition
        self._info = info
        self._datastore = datastore
        self._clock = clock
        self._is_alive = is_alive
        self._refresh = refresh
        self._keys = CacheKeys(definition, info, datastore, warn)
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
        request = flight.request
        if request.lost:
            return "miss"  # what a join does about failures is not for others
        try:
            key = request.cache or self._keys.of(request)
        except (OSError, StoreError):
            return "miss"  # it is executed, and not kept
        flight.request = replace(request, cache=key)
        policy = self._definition.policies[request.key.step].cache or CachePolicy()
        if key.fault:
            return "miss"
        readable = Readable(self._definition, TaskSource(self._datastore, self._info), request)
        try:
            if self._refresh:
                flight.request = replace(request, cache=replace(key, passed_over=_REFRESHED))
            elif (found := self._found(flight, key, policy, readable)) is not None:
                return found
            return self._claim(flight, key, readable) if policy.wait else "miss"
        except StoreError:
            return "miss"  # the task reads the same, and will say what is wrong

    def _found(self, flight: Flight, key: CacheKey, policy: CachePolicy, readable: Readable) -> Pack | None:
        for entry in candidates(self._datastore.cached, key.prefix, readable.place, readable.digests):
            why = self._why_not(entry, policy)
            origin = None if why else self._whole(entry)
            pack = None if origin is None else self._as_own(flight, origin, key, readable)
            if pack is not None:
                return self._sealed(pack)
            passed_over = f"{entry.task.pathspec}, but {why or 'not all of its result is there any more'}"
            flight.request = replace(flight.request, cache=replace(key, passed_over=passed_over))
        return None

    def _why_not(self, entry: CacheEntry, policy: CachePolicy) -> str:
        """Say why an equal result may not be taken; empty if it may."""
        if policy.expires_s is not None and self._clock.now() - entry.at > policy.expires_s:
            return "it is older than `expires` allows"
        if policy.scope == "user" and entry.user != self._info.user:
            return f"it is of user {entry.user}, and `scope` is 'user'"
        if policy.scope == "project" and entry.task.flow != self._info.flow:
            return "it is of another flow, and `scope` is 'project'"
        return ""

    def _whole(self, entry: CacheEntry) -> Pack | None:
        """Return the pack of an entry's task if all of its result is there."""
        try:
            pack = self._datastore.pack(entry.task)
        except StoreError:
            return None
        whole = pack is not None and pack.outcome.ok and self._datastore.has_values(pack)
        return pack if whole else None

    def _as_own(self, flight: Flight, origin: Pack, key: CacheKey, readable: Readable) -> Pack | None:
        """Return the pack that the task would have made, had it run."""
        request, taken = flight.request, origin.outcome.transition
        node = self._definition.graph[request.key.step]
        observed = wire.decode(origin.observed, Observed) if origin.observed else None
        if taken is None or observed is None or node.way_of(taken) is None:
            return None
        most = self._info.max_num_splits
        stages = readable.stages(observed.shape.merges)
        if stages is None or (most is not None and taken.num_splits > most):
            return None
        own = {entry.name for entry in origin.own}
        gone = own.union(observed.deleted)
        inherited, blob = self._datastore.with_inherited(
            entry for name, entry in stages[-1].items() if name not in gone
        )
        frames = readable.frames(origin.outcome.label if request.index is not None else "")
        now = self._clock.now()
        return replace(
            origin,
            key=request.key,
            attempt=request.attempt,
            outcome=TaskOutcome(
                ok=True,
                started_at=now,
                ended_at=now,
                transition=taken,
                label=frames[-1].label if frames else "",
                index_path=tuple(frame.index for frame in frames),
            ),
            parents=request.parents,
            split=request.split,
            frames=frames,
            iterations=readable.iterations,
            inherited=inherited,
            inherited_blob=blob,
            fields={"code-version": self._info.code_version} if self._info.code_version else {},
            observed=wire.encode(replace(observed, key=key)),
            origin=Origin(origin.key, origin.attempt),
        )

    def _sealed(self, pack: Pack) -> Pack:
        try:
            self._datastore.seal(pack)
        except AlreadyCommitted:
            return self._datastore.pack(pack.key) or pack
        return pack

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
