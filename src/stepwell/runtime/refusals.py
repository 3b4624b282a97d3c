"""What an engine refuses, found before anything starts."""

from __future__ import annotations

from collections.abc import Iterable

from stepwell.definition.flow_definition import FlowDefinition
from stepwell.engine.capabilities import Capabilities
from stepwell.exceptions import GraphError, Problem


def refuse_gangs(definition: FlowDefinition, who: str, steps: Iterable[str] | None = None) -> None:
    """Refuse steps that run as gangs, for one who starts tasks one by one.

    Raises
    ------
    GraphError
        There are such steps among those that will run.
    """
    problems = [
        Problem(
            what=f"step {step!r} runs as a gang, and {who} cannot start its tasks together",
            fix="Start the flow with `run`, or make a foreach of the gang if its tasks need not talk.",
            rule="engine-refuses",
            step=step,
        )
        for step in (definition.policies if steps is None else steps)
        if definition.policies[step].gang
    ]
    if problems:
        raise GraphError(problems)


def refuse(
    definition: FlowDefinition, capabilities: Capabilities, steps: Iterable[str] | None = None
) -> None:
    """Hold the policies of the steps against what the engine can do.

    Parameters
    ----------
    steps
        Those that will run; None is all.

    Raises
    ------
    GraphError
        A step asks for what the engine cannot do; all refusals are in it.
    """
    problems = [
        Problem(
            what=f"step {step!r} asks for what the {own.name} engine refuses: it {refusal}",
            fix="Use another isolation or engine, or take the decorator away.",
            rule="engine-refuses",
            step=step,
        )
        for step in (definition.policies if steps is None else steps)
        for own in (capabilities.of(definition.policies[step]),)
        for refusal in own.refusals(definition.policies[step])
    ]
    if problems:
        raise GraphError(problems)
