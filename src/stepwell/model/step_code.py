"""The code of a step, as one execution had it: what is compared, and shown when it has changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct, field

CLASS_CONSTANT = "class constant"
"""Kind of a constant of the flow: its value is stored with the parameters when a run begins."""


class CodePart(Struct, frozen=True, kw_only=True):
    """One thing that a step's code consists of.

    Attributes
    ----------
    name
        ``MODULE:QUALNAME``; ``MODULE:*`` is all of a module, of which something unknown is used.
    kind
        ``step``, ``function``, ``class``, ``constant``, `CLASS_CONSTANT` or ``module``.
    source
        As it is written.
    """

    name: str
    kind: str
    digest: str
    file: str
    line: int
    source: str

    def __str__(self) -> str:
        """Name it to the user, as in ``function f in helpers.py``."""
        short = self.name.partition(":")[2].rpartition(".")[2]
        return f"module {self.file}" if self.kind == "module" else f"{self.kind} {short} in {self.file}"


class StepCode(Struct, frozen=True, kw_only=True):
    """The code of a step.

    Attributes
    ----------
    digest
        Stands for all of it.
    parts
        Sorted by name.
    mentions
        Names of the attributes, and texts, that occur in it; they are not kept.
    """

    digest: str
    parts: tuple[CodePart, ...]
    mentions: frozenset[str] = frozenset()


class PartChange(Struct, frozen=True):
    """A part that was different before, not there, or is gone."""

    before: CodePart | None
    now: CodePart | None

    def __str__(self) -> str:
        return str(self.now or self.before)

    @property
    def kind(self) -> str:
        """Kind of the part."""
        part = self.now or self.before
        return "" if part is None else part.kind


def changes(before: StepCode, now: StepCode) -> list[PartChange]:
    """Return what has changed, the step itself first.

    What is reached newly, or no longer, is named only if nothing else says why.
    """
    if before.digest == now.digest:
        return []
    old = {part.name: part for part in before.parts}
    new = {part.name: part for part in now.parts}
    edited = [PartChange(old[name], new[name]) for name in old.keys() & new.keys()]
    found = [change for change in edited if _digest(change.before) != _digest(change.now)]
    if not found:
        found = [PartChange(old.get(name), new.get(name)) for name in old.keys() ^ new.keys()]
    return sorted(found, key=_order)


def _digest(part: CodePart | None) -> str:
    return "" if part is None else part.digest


def _order(change: PartChange) -> tuple[bool, str]:
    part = change.now or change.before
    return (part is None or part.kind != "step", "" if part is None else part.name)


class FlowCode(Struct, frozen=True):
    """The code of all steps of a flow, each part once.

    Attributes
    ----------
    steps
        Digest of each step, and the places of its parts.
    """

    parts: tuple[CodePart, ...] = ()
    steps: dict[str, tuple[str, tuple[int, ...]]] = field(
        default_factory=dict[str, tuple[str, tuple[int, ...]]]
    )

    @classmethod
    def of(cls, codes: Mapping[str, StepCode]) -> FlowCode:
        """Put the codes of steps together."""
        places: dict[CodePart, int] = {}
        steps = {
            step: (code.digest, tuple(places.setdefault(part, len(places)) for part in code.parts))
            for step, code in codes.items()
        }
        return cls(tuple(places), steps)

    def step(self, name: str) -> StepCode | None:
        """Return the code of a step; None if there was no such step."""
        if name not in self.steps:
            return None
        digest, places = self.steps[name]
        return StepCode(digest=digest, parts=tuple(self._at(places)))

    def _at(self, places: Sequence[int]) -> Iterator[CodePart]:
        return (self.parts[place] for place in places)
