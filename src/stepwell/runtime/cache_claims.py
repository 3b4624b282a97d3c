"""Who computes a result that equal tasks wait for, in this run or in others."""

from __future__ import annotations

import time
from collections.abc import Callable

from stepwell.datastore.cached_results import CachedResults, Claim, digest_under
from stepwell.metadata_store.liveness import SILENCE_S
from stepwell.model.cache import CacheKey
from stepwell.model.ids import TaskKey
from stepwell.model.observed import Shape
from stepwell.model.run import RunRecord
from stepwell.runtime.task.readable import Readable

ASK_EVERY_S = 0.5
"""How often who waits asks."""


class CacheClaims:
    """Claims on the results of cached steps.

    Parameters
    ----------
    user
        Whose claims these are.
    alive
        Returns the record of a run, by flow and id, that may still come to its end; else None.
    own_run
        The run whose tasks are all known here, so that a claim of it that is not is left over.
    """

    def __init__(
        self,
        cached: CachedResults,
        user: str,
        alive: Callable[[str, str], RunRecord | None],
        own_run: str = "",
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._cached = cached
        self._user = user
        self._alive = alive
        self._own_run = own_run
        self._signs: dict[bytes, tuple[float | None, float]] = {}

    def promised(self, key: CacheKey, readable: Readable) -> bytes:
        """Return what stands for the result: by what is known to be read, else by all that could be."""
        for shape in reversed(self._cached.shapes(key.prefix)):
            digests = readable.digests(shape)
            if digests is not None:
                return digest_under(key.prefix, shape, readable.place, digests)
        return digest_under(key.prefix, Shape(), (), (readable.everything(),))

    def take(self, digest: bytes, task: TaskKey) -> bool:
        """Claim that the task computes a result; False if another one does, which can be waited for.

        Whoever had claimed it may be gone: of several that find this out, more than one may compute it.
        """
        ours = Claim(task, self._user)
        claim = self._cached.claim(digest, ours)
        if claim.task == task:
            return True
        if claim.task.run != self._own_run and self._lives(digest, claim):
            return False
        self._cached.release(digest)
        return self._cached.claim(digest, ours).task == task

    def is_held(self, digest: bytes) -> bool:
        """Tell whether somebody computes it who may still come to his end."""
        claim = self._cached.claimed(digest)
        return claim is not None and self._lives(digest, claim)

    def renew(self, digest: bytes) -> None:
        """Give a sign of life for a claim on a scheduler's task."""
        self._cached.renew_claim(digest)

    def release(self, digest: bytes) -> None:
        """Let those who wait look again."""
        self._signs.pop(digest, None)
        self._cached.release(digest)

    def _lives(self, digest: bytes, claim: Claim) -> bool:
        run = self._alive(claim.task.flow, claim.task.run)
        if run is None:
            return False
        if not run.by_scheduler:
            return True
        # The run lives while any of its tasks does. One that claims makes its claim young again and again; by
        # the clock of the storage, so that only its change says something.
        sign, now = self._cached.claim_renewed_at(digest), self._now()
        seen = self._signs.get(digest)
        if seen is None or seen[0] != sign:
            seen = self._signs[digest] = (sign, now)
        return now - seen[1] <= SILENCE_S
