"""Where the reading of a body stands: what the present path has set, and how sure it is to be taken."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager

from msgspec.structs import replace

from stepwell.definition.data_flow.body import Body, Merge, Use, Uses


class PathThroughBody:
    """Takes down in a `Body` what is met on the way."""

    def __init__(self, file: str) -> None:
        self.body = Body()
        self.file = file
        self._sets: set[str] = set()
        self._at_returns: list[set[str]] = []
        self._conditions = 0
        self._choices = 0
        self._tries = 0
        self._may_have_left = False

    @property
    def is_sure(self) -> bool:
        """Whether what comes now is executed whenever the body is, and what it raises leaves the body."""
        return not (self._conditions or self._may_have_left)

    def use(self, uses: Uses, name: str, line: int) -> None:
        """Take down that a name is used, unless it is known already."""
        self._take(uses, name, line, self.is_sure)

    def look_up(self, name: str, line: int) -> None:
        """Take down a name from outside. Loops and inner functions are taken to be carried out."""
        self._take(self.body.outside, name, line, not (self._choices or self._may_have_left))

    def _take(self, uses: Uses, name: str, line: int, sure: bool) -> None:
        if (name, sure) not in uses:
            is_own = name in self.body.may_set
            merges = len(self.body.merges)
            uses[name, sure] = Use(name, self.file, line, sure, is_own, self._tries > 0, merges)

    def read(self, name: str, line: int) -> None:
        if name not in self._sets:
            self.use(self.body.reads, name, line)

    def write(self, name: str, line: int) -> None:
        self.use(self.body.writes, name, line)
        self._sets.add(name)
        self.body.may_set.add(name)
        self.body.removes.discard(name)

    def delete(self, name: str, line: int) -> None:
        self.read(name, line)
        self.use(self.body.writes, name, line)
        self._sets.discard(name)
        if self.is_sure:
            self.body.removes.add(name)

    def merge(self, merge: Merge) -> None:
        self.body.merges.append(merge)

    def called(self, other: Body) -> None:
        """Take down what a method that is called here does."""
        own = self.body
        for uses, others in (
            (own.reads, other.reads),
            (own.of_inputs, other.of_inputs),
            (own.writes, other.writes),
            (own.outside, other.outside),
        ):
            for use in others.values():
                if uses is own.reads and use.name in self._sets:
                    continue
                is_choice = self._choices or self._may_have_left if uses is own.outside else not self.is_sure
                sure = use.is_sure and not is_choice
                here = replace(
                    use,
                    is_sure=sure,
                    is_own=use.is_own or use.name in own.may_set,
                    is_guarded=use.is_guarded or self._tries > 0,
                    merges=use.merges + len(own.merges),
                )
                uses.setdefault((use.name, sure), here)
        own.may_set |= other.may_set
        own.asks |= other.asks
        own.is_dynamic = own.is_dynamic or other.is_dynamic
        own.merges += other.merges
        self._sets = (self._sets | other.sets) - other.removes
        own.removes -= other.sets
        if self.is_sure:
            own.removes |= other.removes

    @contextmanager
    def conditionally(self, unless: bool = False, is_choice: bool = False) -> Generator[None]:
        """What comes inside may not be executed; ``is_choice`` if that is for the code to decide."""
        self._conditions += not unless
        self._choices += is_choice and not unless
        try:
            yield
        finally:
            self._conditions -= not unless
            self._choices -= is_choice and not unless

    @contextmanager
    def tried(self) -> Generator[None]:
        """What comes inside may raise without harm."""
        self._tries += 1
        with self.conditionally(is_choice=True):
            yield
        self._tries -= 1

    @contextmanager
    def later(self) -> Generator[None]:
        """What comes inside stands in a function of its own, which is called some time."""
        returns, left = self._at_returns, self._may_have_left
        self._at_returns = []
        with self.conditionally():
            yield
        self._at_returns, self._may_have_left = returns, left

    def snapshot(self) -> set[str]:
        """Return what the path has set up to here."""
        return set(self._sets)

    def go_on_from(self, sets: set[str]) -> None:
        """Go on where a path had set these names."""
        self._sets = set(sets)

    def come_together(self, paths: Iterable[set[str]]) -> None:
        """Go on where paths come together, each of which has set some names."""
        first, *others = [*paths] or [self._sets]
        self._sets = first.intersection(*others)

    def leave(self) -> None:
        """A path returns here."""
        self._at_returns.append(set(self._sets))
        self._may_have_left = self._may_have_left or self._conditions > 0

    def finish(self, falls_out: bool) -> Body:
        """Return what was taken down; ``falls_out`` if a path comes to the end without a return."""
        self.come_together([*self._at_returns, *([self._sets] if falls_out else [])])
        self.body.sets = self._sets
        return self.body
