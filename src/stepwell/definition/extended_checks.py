"""The checks that look into the bodies of steps; ``--no-pylint`` leaves them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from stepwell.definition.data_flow.body import Body
from stepwell.definition.data_flow.fixed_names import assignments_to_fixed_names
from stepwell.definition.data_flow.methods import Methods
from stepwell.definition.data_flow.outside_names import undefined_names
from stepwell.definition.data_flow.problems import DataFlow
from stepwell.definition.decorator import Decorator, StepDecorator
from stepwell.definition.flowspec import FlowSpec
from stepwell.definition.graph import Graph
from stepwell.definition.place import split_place
from stepwell.definition.placing import flow_decorators_of
from stepwell.definition.step import spec_of, steps_of
from stepwell.definition.transition import Foreach
from stepwell.definition.validate import read_graph
from stepwell.exceptions import Problem

# A class with one of these may give its objects any attribute.
_OPEN = frozenset({"__init__", "__new__", "__getattr__", "__getattribute__", "__setattr__", "__delattr__"})
_OUR_DECORATORS = "stepwell.decorators."

Decorators = Mapping[str, Sequence[StepDecorator]]


def problems_in_steps(
    flow_class: type, graph: Graph | None, decorators: Decorators | None = None
) -> list[Problem]:
    """Return errors and warnings about the bodies of a flow's steps, ordered by line.

    Parameters
    ----------
    graph
        None if it is not valid: then no artifact can be followed, and the rest is checked.
    decorators
        Those of each step; those of the source if left out.
    """
    if _is_open(flow_class):
        return []
    methods = Methods(flow_class)
    own = decorators if decorators is not None else _of_source(flow_class)
    bodies = {name: _body(name, methods, graph, own[name]) for name in (graph.nodes if graph else own)}
    caught = {name for name in bodies if _may_fail(name, graph, own[name])}
    found = [
        *(DataFlow(graph, bodies, methods, caught).problems() if graph is not None else ()),
        *undefined_names(bodies, methods, caught),
        *assignments_to_fixed_names(bodies, methods, caught),
    ]
    return sorted(found, key=lambda problem: split_place(problem.where))


def all_problems(of_graph: Sequence[Problem], flow_class: type) -> list[Problem]:
    """Return problems of a flow that is not valid, and those in its steps, ordered by line."""
    graph, _ = read_graph(flow_class)
    return sorted(
        [*of_graph, *problems_in_steps(flow_class, graph)], key=lambda problem: split_place(problem.where)
    )


def _of_source(flow_class: type) -> Decorators:
    specs = {name: spec_of(function) for name, function in steps_of(flow_class).items()}
    return {name: spec.decorators if spec is not None else () for name, spec in specs.items()}


def _is_open(flow_class: type) -> bool:
    own = (owner for owner in flow_class.__mro__ if owner not in (FlowSpec, object))
    return any(not _OPEN.isdisjoint(vars(owner)) for owner in own) or any(
        not _is_ours(decorator) for decorator in flow_decorators_of(flow_class)
    )


def _is_ours(decorator: Decorator) -> bool:
    """Whether it is known that the decorator changes nothing of what the step does."""
    return type(decorator).__module__.startswith(_OUR_DECORATORS)


def _may_fail(step: str, graph: Graph | None, decorators: Sequence[StepDecorator]) -> bool:
    """Whether the run may succeed although the step fails."""
    openers = () if graph is None else graph[step].splits
    return any(one.name == "catch" or not _is_ours(one) for one in decorators) or any(
        isinstance(way, Foreach) and way.min_success is not None
        for opener in openers
        if graph is not None
        for way in graph[opener].ways
    )


def _body(step: str, methods: Methods, graph: Graph | None, decorators: Sequence[StepDecorator]) -> Body:
    """Return what a step does, and what its decorators do."""
    opener = graph[split] if graph is not None and (split := graph[step].split) else None
    body = methods.step(step, has_inputs=opener is not None and not opener.is_foreach)
    for decorator in decorators:
        var = decorator.attributes.get("var") if decorator.name == "catch" else None
        if var:
            body = replace(body, may_set={*body.may_set, str(var)}, sets={*body.sets, str(var)})
        if not _is_ours(decorator):
            body = replace(body, is_dynamic=True)
    return body
