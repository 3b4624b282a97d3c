"""Which of several runs may have how many workers: dealt from one pool, evenly."""

from __future__ import annotations

from collections import Counter


class WorkerPool:
    """Counts the workers that each run holds; together never more than there are.

    A run is given workers when it wants some, and gives them back when it has nothing to do for them. If one
    holds fewer than another, and wants more, those that hold most are asked to give back as tasks end.
    """

    def __init__(self, workers: int) -> None:
        self.free = workers
        self._held: Counter[str] = Counter()
        self._wanted: Counter[str] = Counter()
        self._asked: Counter[str] = Counter()

    def tell(self, run: str, returned: int, wanted: int) -> dict[str, int]:
        """Take what a run says; return what each run is given, or, if negative, is to give back."""
        returned = min(returned, self._held[run])
        self._held[run] -= returned
        self.free += returned
        self._asked[run] = max(0, self._asked[run] - returned)
        self._wanted[run] = wanted
        return self._deal()

    def leave(self, run: str) -> dict[str, int]:
        """Take back all that a run held that is gone; return as `tell` does."""
        self.free += self._held.pop(run, 0)
        self._wanted.pop(run, None)
        self._asked.pop(run, None)
        return self._deal()

    def held(self, run: str) -> int:
        """Return how many workers a run has now."""
        return self._held[run]

    def _deal(self) -> dict[str, int]:
        changes: Counter[str] = Counter()
        while self.free and (poorest := self._poorest(self._held)):
            self.free -= 1
            self._held[poorest] += 1
            self._wanted[poorest] -= 1
            changes[poorest] += 1
        self._ask_back(changes)
        return {run: change for run, change in changes.items() if change}

    def _ask_back(self, changes: Counter[str]) -> None:
        """Ask for as many as make those who want more as rich as the others, but for what is under way."""
        later = self._held - self._asked
        wanted = self._wanted.copy()
        under_way = self._asked.total()
        while poorest := max(((-later[run], run) for run in wanted if wanted[run] > 0), default=None):
            run = poorest[1]
            if under_way:
                under_way -= 1
            else:
                richest = max(later, key=lambda one: later[one], default=run)
                if later[richest] <= later[run] + 1:
                    return
                later[richest] -= 1
                self._asked[richest] += 1
                changes[richest] -= 1
            later[run] += 1
            wanted[run] -= 1

    def _poorest(self, held: Counter[str]) -> str | None:
        wanting = [run for run, wanted in self._wanted.items() if wanted > 0]
        return min(wanting, key=lambda run: held[run], default=None)
