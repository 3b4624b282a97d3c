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
    gangs
        Starts the tasks of a gang at once, whatever else runs.
    memory_limits
        Ends a task that uses more memory than it asked for, if the step wants that.
    retry_delay_s
        Wait before a retry of a step that states none.
    """

    name: str
    variables: bool = False
    processes: bool = True
    gangs: bool = False
    memory_limits: bool = False
    retry_delay_s: float = 120.0

    def of(self, policy: StepPolicy) -> Capabilities:
        """Return what the engine can do that the tasks of a step run on, if there are several."""
        del policy
        return self

    def refusals(self, policy: StepPolicy) -> Iterator[str]:
        """Say, for each thing the policy asks and the engine cannot do, what it is."""
        if policy.variables and not self.variables:
            yield "cannot give a step environment variables of its own"
        if policy.gang and not self.gangs:
            yield "cannot run tasks at the same time, as `num_parallel` asks for"
        if policy.resources.enforce and not self.memory_limits:
            yield "cannot see how much memory a task uses, and so cannot enforce what it asked for"
