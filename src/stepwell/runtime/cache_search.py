"""Finds a result of the past that a task of a cached step can take."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from stepwell.datastore.cached_results import candidates
from stepwell.datastore.datastore import Datastore
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.exceptions import AlreadyCommitted, StoreError
from stepwell.model import wire
from stepwell.model.cache import CacheKey, CachePolicy, Origin
from stepwell.model.observed import CacheEntry, Observed
from stepwell.model.pack import Pack
from stepwell.model.run import RunInfo
from stepwell.model.task import TaskOutcome, TaskRequest
from stepwell.runtime.cache_keys import CacheKeys
from stepwell.runtime.clock import Clock
from stepwell.runtime.task.inputs import TaskSource
from stepwell.runtime.task.readable import Readable

_REFRESHED = "none was looked for: the run was told to compute anew (--refresh-cache)"


class CacheSearch:
    """The searches of one run.

    Parameters
    ----------
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
        warn: Callable[[str], None],
        refresh: bool = False,
    ) -> None:
        self._definition = definition
        self._info = info
        self._datastore = datastore
        self._clock = clock
        self._refresh = refresh
        self._keys = CacheKeys(definition, info, datastore, warn)

    def keyed(self, request: TaskRequest) -> TaskRequest:
        """Return the request with the key that its result is looked for, and kept, under.

        Raises
        ------
        OSError, StoreError
            The key cannot be made.
        """
        return request if request.cache is not None else replace(request, cache=self._keys.of(request))

    def readable(self, request: TaskRequest) -> Readable:
        """Return what the task can read."""
        return Readable(self._definition, TaskSource(self._datastore, self._info), request)

    def taken(
        self, request: TaskRequest, key: CacheKey, readable: Readable
    ) -> tuple[TaskRequest, Pack | None]:
        """Seal the result of an equal task as that of this one, and return it, if there is one.

        The request that is returned says what was there and could not be taken.
        """
        if self._refresh:
            return replace(request, cache=replace(key, passed_over=_REFRESHED)), None
        policy = self._definition.policies[request.key.step].cache or CachePolicy()
        for entry in candidates(self._datastore.cached, key.prefix, readable.place, readable.digests):
            why = self._why_not(entry, policy)
            origin = None if why else self._whole(entry)
            pack = None if origin is None else self._as_own(request, origin, key, readable)
            if pack is not None:
                return request, self._sealed(pack)
            passed_over = f"{entry.task.pathspec}, but {why or 'not all of its result is there any more'}"
            request = replace(request, cache=replace(key, passed_over=passed_over))
        return request, None

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
        """Return the pack of an entry's task if all of its result is there, and will stay."""
        datastore = self._datastore
        try:
            pack = datastore.pack(entry.task)
            # Another time of its end is that of another run, which has got the id of one that was deleted.
            if pack is None or not pack.outcome.ok or pack.outcome.ended_at != entry.at:
                return None
            # In this order: of what is deleted from now on, logs are kept until this run has ended.
            stays = datastore.contents.rely_on(pack) and datastore.run_records.is_there(pack.key.run)
        except StoreError:
            return None
        return pack if stays else None

    def _as_own(self, request: TaskRequest, origin: Pack, key: CacheKey, readable: Readable) -> Pack | None:
        """Return the pack that the task would have made, had it run."""
        taken = origin.outcome.transition
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
