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


class Gang(Struct, frozen=True):
    """``self.next(self.a, num_parallel=...)``: tasks that run at the same time and belong together.

    ``size`` is the source text of how many there are.
    """

    kind: ClassVar[TransitionKind] = "gang"
    target: str
    size: str
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


Way = Linear | Split | Foreach | Gang | End
"""What a task may do when its step has ended; a switch chooses one of several."""


class Case(Struct, frozen=True):
    """One of the ways that a switch chooses from.

    Attributes
    ----------
    label
        The key of the dictionary, or the conditions that lead here, as text; no other case has the same.
    fixed
        The attribute of the flow's class that the key is read from; empty if it is read from none.
    """

    label: str
    way: Way
    fixed: str = ""


class Switch(Struct, frozen=True):
    """``self.next({...}, condition=...)``, or several ``self.next``, each at the end of a path.

    ``condition`` names the artifact that decides; None where the step's own code does.
    """

    kind: ClassVar[TransitionKind] = "switch"
    cases: tuple[Case, ...]
    condition: str | None = None
    line: int = 0

    @property
    def targets(self) -> tuple[str, ...]:
        """Every step that a case leads to, once."""
        return tuple(dict.fromkeys(target for case in self.cases for target in case.way.targets))


Transition = Way | Switch


def ways_of(transition: Transition) -> tuple[Way, ...]:
    """Return what the step may do: one thing, unless it is a switch."""
    return tuple(case.way for case in transition.cases) if isinstance(transition, Switch) else (transition,)
