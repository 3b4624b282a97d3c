"""Waiting for a store that cannot serve now: a full disk, a locked index, a lost network."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from stepwell.exceptions import StoreUnavailable

T = TypeVar("T")

_PAUSE_S = 0.2
"""Between two tries; also how soon a request to stop is heard."""


class Patience:
    """Tries again what a store could not do, until it can or the time is up. Serves one thread.

    A process waits in vain once only: what is written at the end of a run that failed for want of space does
    not wait for it again.

    Parameters
    ----------
    limit_s
        How long one trouble is waited for.
    tell
        Gets what is waited for, and that it has passed.
    stop_asked
        Whether the user wants an end.
    clock, sleep
        As the `time` module has them.
    """

    def __init__(
        self,
        limit_s: float,
        tell: Callable[[str], object],
        stop_asked: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._limit_s = limit_s
        self._tell = tell
        self._stop_asked = stop_asked
        self._clock = clock
        self._sleep = sleep
        self._is_over = False

    def __call__(self, act: Callable[[], T]) -> T:
        """Return what ``act`` returns.

        Raises
        ------
        StoreUnavailable
            Waiting does not help, or has not helped.
        KeyboardInterrupt
            The user wants an end while this waits.
        """
        try:
            return act()
        except StoreUnavailable as error:
            if not error.may_pass or self._is_over or self._limit_s <= 0:
                raise
            return self._wait_for(act, error)

    def _wait_for(self, act: Callable[[], T], trouble: StoreUnavailable) -> T:
        deadline = self._clock() + self._limit_s
        limit = f"{self._limit_s:g} s"
        self._tell(f"Waiting for the store, up to {limit} (STEPWELL_STORE_PATIENCE): {trouble}")
        while (left_s := deadline - self._clock()) > 0:
            if self._stop_asked():
                self._is_over = True
                raise KeyboardInterrupt
            self._sleep(min(_PAUSE_S, left_s))
            try:
                result = act()
            except StoreUnavailable as error:
                if not error.may_pass:
                    raise
                trouble = error
            else:
                self._tell("The store serves again.")
                return result
        self._is_over = True
        raise StoreUnavailable(
            f"{trouble} This has not passed in {limit}; once it has, `continue` goes on with what had begun."
        ) from trouble
