"""`FlowDefinition`: everything that definition time finds out about a flow, frozen. Its only output."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from time import perf_counter
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from stepwell.definition.attach import Decorators, attached, of_source
from stepwell.definition.config import configs_of, scope_of
from stepwell.definition.config_expression import ConfigScope
from stepwell.definition.configs_given import NOTHING_GIVEN, ConfigsGiven
from stepwell.definition.constants import constants_of
from stepwell.definition.decorator import FlowDecorator, StepDecorator
from stepwell.definition.engine_decorator import engine_problems
from stepwell.definition.flowspec import FlowSpec
from stepwell.definition.gangs import gang_problems
from stepwell.definition.graph import Graph
from stepwell.definition.own_decorator import OwnDecorator, is_mutator
from stepwell.definition.parameter_checks import parameter_problems
from stepwell.definition.parameter_values import ParameterSpec, specs_of
from stepwell.definition.place import absolute, place, split_place
from stepwell.definition.placing import flow_decorators_of
from stepwell.definition.step import spec_of, steps_of
from stepwell.definition.validate import read_graph
from stepwell.exceptions import GraphError, Problem
from stepwell.model.policy import StepPolicy

if TYPE_CHECKING:
    from stepwell.definition.draft import Draft


class FlowDefinition(Struct, frozen=True, kw_only=True, eq=False):
    """A flow whose graph, parameters and decorators are known to be right.

    Attributes
    ----------
    file
        Path of the file that defines the class.
    module
        Name of its module, as Python knows it.
    policies
        What the decorators of each step ask for, all together.
    configs
        Values of the flow's configs by attribute, as they are stored.
    decorators
        The decorators of each step: those of the source, the outermost first, then those of ``--with``.
    layers
        Of those, what the user's own decorators have made, which wrap the step at run time.
    node_info
        What ``@step(node_info=...)`` attaches; steps without it are left out.
    with_specs
        Decorators that were attached from outside the source, as they were given: to all steps, or to
        ``only`` one.
    without
        Names of decorators of the source that are not applied.
    graph_s, check_s
        How long reading the graph took, and checking all the rest.
    """

    name: str
    flow_class: type[FlowSpec]
    file: str
    module: str
    doc: str
    graph: Graph
    parameters: tuple[ParameterSpec, ...]
    constants: Mapping[str, object]
    configs: Mapping[str, object]
    policies: Mapping[str, StepPolicy]
    decorators: Mapping[str, tuple[StepDecorator, ...]]
    layers: Mapping[str, tuple[Any, ...]]
    flow_decorators: tuple[FlowDecorator, ...]
    node_info: Mapping[str, Mapping[str, object]]
    with_specs: tuple[str, ...] = ()
    only: str = ""
    without: tuple[str, ...] = ()
    graph_s: float = 0.0
    check_s: float = 0.0

    @property
    def scope(self) -> ConfigScope:
        """What expressions over the flow's configs see."""
        return scope_of(self.flow_class, self.configs)

    def inserted(self, step: str) -> tuple[type, ...]:
        """Return the classes of the user's own decorators that a step has and its source does not show."""
        return tuple(
            one.kind
            for one in self.decorators[step]
            if isinstance(one, OwnDecorator) and (one.inserted_by or not one.statically_defined)
        )

    def leaving_out(self, names: Iterable[str]) -> FlowDefinition:
        """Return the same flow without the decorators of its source that have these names."""
        without = (*self.without, *names)
        decorators = {
            step: tuple(one for one in listed if not (one.statically_defined and one.name in without))
            for step, listed in self.decorators.items()
        }
        policies = {
            step: _policy(listed, self.policies[step].priority, self.policies[step].gang)
            for step, listed in decorators.items()
        }
        layers = _layers(decorators)
        return replace(self, decorators=decorators, layers=layers, policies=policies, without=without)


class Outline(Struct, frozen=True):
    """What is known of a flow before its configs are."""

    name: str
    graph: Graph


def outline(flow_class: type[FlowSpec]) -> Outline:
    """Read and check the graph alone.

    Raises
    ------
    GraphError
        It is not valid; all problems are in it.
    """
    graph, problems = read_graph(flow_class)
    if graph is None or problems:
        raise GraphError(sorted(problems, key=lambda problem: split_place(problem.where)))
    return Outline(flow_class.__name__, graph)


def define(
    flow_class: type[FlowSpec],
    with_specs: Sequence[str] = (),
    configs: ConfigsGiven = NOTHING_GIVEN,
    only: str = "",
) -> FlowDefinition:
    """Read, check and freeze a flow.

    Parameters
    ----------
    with_specs
        Decorators to attach to every step that does not carry them in the source, as ``name:key=value``;
        of two with one name, the first holds.
    configs
        What is given for the flow's configs.
    only
        The step that ``with_specs`` are for, if they are not for all.

    Raises
    ------
    GraphError
        The flow is not valid; all problems are in it.
    FlowError, UsageError
        A config, a parameter's declaration or an attached decorator is wrong.
    """
    began = perf_counter()
    stored = _resolved(flow_class, configs)
    scope = scope_of(flow_class, stored)
    draft = drafted(flow_class, stored)
    graph, problems = read_graph(flow_class)
    graph_read = perf_counter()
    problems += parameter_problems(flow_class, scope)
    if graph is None or problems:
        raise GraphError(sorted(problems, key=lambda problem: split_place(problem.where)))
    functions = steps_of(flow_class)
    decorators = of_source(functions, scope) if draft is None else draft.decorators()
    decorators = _mutated(flow_class, scope, draft, attached(decorators, with_specs, scope, only))
    problems += [*_refusals(graph, decorators), *gang_problems(graph, decorators)]
    problems += engine_problems(graph, decorators)
    if problems:
        raise GraphError(problems)
    specs = {name: spec_of(function) for name, function in functions.items()}
    return FlowDefinition(
        name=flow_class.__name__,
        flow_class=flow_class,
        file=_file_of(flow_class, graph),
        module=flow_class.__module__,
        doc=(flow_class.__doc__ or "").strip(),
        graph=graph,
        parameters=specs_of(flow_class, scope),
        constants=constants_of(flow_class),
        configs=stored,
        policies={
            name: _policy(listed, spec.priority if (spec := specs[name]) else 0, name in graph.gangs)
            for name, listed in decorators.items()
        },
        decorators=decorators,
        layers=_layers(decorators),
        flow_decorators=_flow_decorators(flow_class, scope, draft),
        node_info={
            name: spec.node_info for name, spec in specs.items() if spec is not None and spec.node_info
        },
        with_specs=tuple(with_specs),
        only=only,
        graph_s=graph_read - began,
        check_s=perf_counter() - graph_read,
    )


def drafted(flow_class: type[FlowSpec], stored: Mapping[str, object]) -> Draft | None:
    """Return a flow with mutators after their ``pre_mutate``, for these values of its configs; else None.

    Raises
    ------
    FlowError
        A mutator fails, or does what it must not.
    """
    of_steps = (spec.decorators for one in steps_of(flow_class).values() if (spec := spec_of(one)))
    if not any(map(is_mutator, chain(flow_decorators_of(flow_class), *of_steps))):
        return None
    from stepwell.definition.mutation import prepared  # few flows have any

    return prepared(flow_class, stored)


def _flow_decorators(
    flow_class: type[FlowSpec], scope: ConfigScope, draft: Draft | None
) -> tuple[FlowDecorator, ...]:
    return flow_decorators_of(flow_class, scope) if draft is None else tuple(draft.flow_decorators)


def _mutated(
    flow_class: type[FlowSpec], scope: ConfigScope, draft: Draft | None, decorators: Decorators
) -> Decorators:
    if draft is None and not any(map(is_mutator, chain(*decorators.values()))):
        return decorators
    from stepwell.definition.mutation import mutated  # few flows are

    return mutated(flow_class, scope, draft, decorators)


def _resolved(flow_class: type[FlowSpec], configs: ConfigsGiven) -> dict[str, object]:
    if not (configs.paths or configs.values or configs_of(flow_class)):
        return {}
    from stepwell.definition.config_sources import resolve_configs  # start-up cost that only these flows pay

    return resolve_configs(flow_class, configs)


def _refusals(graph: Graph, decorators: Mapping[str, Sequence[StepDecorator]]) -> list[Problem]:
    return [
        Problem(
            what=f"@{decorator.name} cannot stand on step {step!r}, which {refusal}",
            fix=f"Take @{decorator.name} off this step, or do that in a step of its own.",
            where=place(graph[step].file, graph[step].line),
            rule="decorator-refuses",
            step=step,
        )
        for step, listed in decorators.items()
        for decorator in listed
        for refusal in decorator.refusals(graph[step])
    ]


def _policy(decorators: Sequence[StepDecorator], priority: int, gang: bool) -> StepPolicy:
    policy = StepPolicy(priority=priority, gang=gang)
    for decorator in decorators:
        policy = decorator.contribute(policy)
    return policy


def _layers(decorators: Mapping[str, Sequence[StepDecorator]]) -> dict[str, tuple[Any, ...]]:
    return {step: tuple(filter(None, (one.layer for one in listed))) for step, listed in decorators.items()}


def _file_of(flow_class: type[FlowSpec], graph: Graph) -> str:
    module = sys.modules.get(flow_class.__module__)
    path = getattr(module, "__file__", None) or graph[graph.start].file
    return absolute(path)
