"""What an engine can do, as data, held against policies before anything starts."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from stepwell.model.policy import StepPolicy


class Capabilities(Struct, frozen=True, kw_only=True):
    """Attributes are promises of the engine.

    Attributes
    ----------
    variables
        Sets a step's own environment variables before the flow's file is imported.
    processes
        Runs each task in a process of its own.
    """

    name: str
    variables: bool = False
    processes: bool = True

    def refusals(self, policy: StepPolicy) -> Iterator[str]:
        """Say, for each thing the policy asks and the engine cannot do, what it is."""
        if policy.variables and not self.variables:
            yield "cannot give a step environment variables of its own"
