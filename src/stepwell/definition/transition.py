"""The transition at the end of a step, as values."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from stepwell.model.task import TransitionKind


class Linear(Struct, frozen=True):
    """``self.next(self.a)``"""

    kind: ClassVar[TransitionKind] = "linear"
    target: str
    line: int = 0

    @property
    def targets(self) -> tuple[str, ...]:
        return (self.target,)


class Split(Struct, frozen=True):
    """``self.next(self.a, self.b)``"""

    kind: ClassVar[TransitionKind] = "split"
    targets: tuple[str, ...]
    line: int = 0


class Foreach(Struct, frozen=True):
    """``self.next(self.a, foreach=...)``. Exactly one of ``var`` and ``expr`` is set.

    ``min_success`` is the source text of how many branches must succeed; None is all.
    """

    kind: ClassVar[TransitionKind] = "foreach"
    target: str
    var: str | None = None
    expr: str | None = None
    min_success: str | None = None
    line: int = 0

    @property
    def targets(self) -> tuple[str, ...]:
        return (self.target,)


class End(Struct, frozen=True):
    """The exit step: no transition."""

    kind: ClassVar[TransitionKind] = "end"
    line: int = 0

    @property
    def targets(self) -> tuple[str, ...]:
        return ()


Transition = Linear | Split | Foreach | End
