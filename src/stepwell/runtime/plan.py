"""What a run would do, found without doing any of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from stepwell.datastore.preview import preview
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.definition.graph_info import graph_info
from stepwell.engine.capabilities import Capabilities
from stepwell.model.policy import Resources
from stepwell.runtime.options import Isolation
from stepwell.runtime.refusals import refuse


class PlannedStep(Struct, frozen=True, kw_only=True):
    """What would become of a step.

    Attributes
    ----------
    type
        As in ``_graph_info``.
    resources
        What it asks for; what it does not state is left out.
    variables
        Names of the environment variables that it gets.
    reused, why
        Whether results of an earlier run would be taken, and the reason.
    """

    name: str
    type: str
    targets: tuple[str, ...]
    decorators: tuple[str, ...]
    resources: Resources
    variables: tuple[str, ...]
    reused: bool
    why: str


class Plan(Struct, frozen=True, kw_only=True):
    """What a run would do.

    Attributes
    ----------
    datastore
        Where its results would lie.
    isolation, workers
        How tasks would be set apart, and how many would run at once.
    parameters
        Previews of their values, by attribute.
    notices
        What the user should know before the run.
    steps
        In graph order.
    """

    flow: str
    file: str
    datastore: str
    isolation: Isolation
    workers: int
    parameters: Mapping[str, str]
    notices: tuple[str, ...]
    steps: tuple[PlannedStep, ...]


class Surroundings(Struct, frozen=True, kw_only=True):
    """What the plan needs to know of where the run would be: see `Plan`."""

    datastore: str
    isolation: Isolation
    workers: int
    notices: tuple[str, ...]
    capabilities: Capabilities


def plan_of(definition: FlowDefinition, parameters: Mapping[str, object], around: Surroundings) -> Plan:
    """Return the plan of a run from the start.

    Raises
    ------
    GraphError
        A step asks for what the engine cannot do.
    """
    refuse(definition, around.capabilities)
    described: Mapping[str, Mapping[str, Any]] = graph_info(definition)["steps"]
    return Plan(
        flow=definition.name,
        file=definition.file,
        datastore=around.datastore,
        isolation=around.isolation,
        workers=around.workers,
        parameters={name: preview(value) for name, value in parameters.items()},
        notices=around.notices,
        steps=tuple(
            PlannedStep(
                name=node.name,
                type=described[node.name]["type"],
                targets=node.targets,
                decorators=tuple(decorator.name for decorator in definition.decorators[node.name]),
                resources=definition.policies[node.name].resources,
                variables=tuple(name for name, _ in definition.policies[node.name].variables),
                reused=False,
                why="`run` takes nothing from earlier runs",
            )
            for node in definition.graph
        ),
    )
