"""What a component is: something that can be put on a card."""

from __future__ import annotations

from abc import ABC, abstractmethod

from stepwell.model.card_parts import AnyPart


class Component(ABC):
    """Something that a step puts on a card."""

    @property
    def revision(self) -> int:
        """A number that grows with every change; 0 for what never changes."""
        return 0

    @abstractmethod
    def part(self) -> AnyPart:
        """Return what is kept of it as it is now."""
