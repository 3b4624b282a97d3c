"""Looks for a result of the past for one task that a scheduler has started; few flows have cached steps."""

from __future__ import annotations

from collections.abc import Callable

from stepwell.exceptions import StoreError
from stepwell.model.cache import CacheKey
from stepwell.model.pack import Pack
from stepwell.model.task import TaskRequest
from stepwell.runtime.cache_claims import ASK_EVERY_S, CacheClaims
from stepwell.runtime.cache_search import CacheSearch
from stepwell.runtime.task.readable import Readable


class SingleLookUp:
    """What the run process does for all tasks of a run of ours, for one.

    Parameters
    ----------
    claims
        If the task waits for an equal one: what is being computed.
    wait
        Waits so many seconds; False if the task is not to wait any more.
    tell
        Gets words for the user.
    """

    def __init__(
        self,
        search: CacheSearch,
        claims: CacheClaims | None,
        wait: Callable[[float], bool],
        tell: Callable[[str], None],
    ) -> None:
        self._search = search
        self._claims = claims
        self._wait = wait
        self._tell = tell
        self._digest: bytes | None = None
        self._has_told = False

    def look_up(self, request: TaskRequest) -> tuple[TaskRequest, Pack | None]:
        """Return the pack of the task if it could take a result; else it is to be run, and `close` called."""
        asked = request
        try:
            request = self._search.keyed(asked)
            key = request.cache
            if key is None or key.fault:
                return request, None
            readable = self._search.readable(request)
            while True:
                request, pack = self._search.taken(request, key, readable)
                if pack is not None or not self._waited(request, key, readable):
                    return request, pack
        except (OSError, StoreError):
            return asked, None  # it is run, and not kept; and will say itself what it cannot read

    def _waited(self, request: TaskRequest, key: CacheKey, readable: Readable) -> bool:
        """Wait as long as another task computes the result; False if this one is to do so now."""
        if self._claims is None:
            return False
        digest = self._claims.promised(key, readable)
        if self._claims.take(digest, request.key):
            self._digest = digest
            return False
        if not self._has_told:
            self._has_told = True
            self._tell("another task computes the same result: this one waits for it")
        while self._claims.is_held(digest):
            if not self._wait(ASK_EVERY_S):
                return False
        return True

    def give_sign(self) -> None:
        """Say that the task still computes what it has claimed."""
        if self._claims is not None and self._digest is not None:
            self._claims.renew(self._digest)

    def close(self) -> None:
        """Let others, who wait for the result, look again."""
        if self._claims is not None and self._digest is not None:
            self._claims.release(self._digest)
