"""The graph in the shapes that existing tools read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from msgspec import Struct

from stepwell.definition.decorator import Decorator
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.definition.graph import Graph, Node
from stepwell.definition.place import absolute
from stepwell.definition.transition import Foreach, Gang, Split, Switch


def graph_info(definition: FlowDefinition) -> dict[str, Any]:
    """Return the JSON-able description that every run keeps as the artifact ``_graph_info``."""
    graph = definition.graph
    return {
        "file": Path(definition.file).name,
        "start_step": graph.start,
        "end_step": graph.end,
        "parameters": [
            {"name": name, "type": kind}
            for name, kind in sorted(
                [
                    *((parameter.attribute, parameter.declared_as) for parameter in definition.parameters),
                    *((name, "Config") for name in definition.configs),
                ]
            )
        ],
        "configs": plain(definition.configs),
        "constants": [
            {"name": name, "type": type(value).__name__}
            for name, value in sorted(definition.constants.items())
        ],
        "steps": {node.name: _step_info(definition, node) for node in graph},
        "graph_structure": _structure(graph),
        "doc": definition.doc,
        "decorators": [_decorator_info(decorator) for decorator in definition.flow_decorators],
        "extensions": {},
    }


def _step_info(definition: FlowDefinition, node: Node) -> dict[str, Any]:
    info: dict[str, Any] = {
        "name": node.name,
        "type": _info_type(definition.graph, node),
        "line": node.line,
        "source_file": absolute(node.file),
        "doc": node.doc,
        "decorators": [_decorator_info(decorator) for decorator in definition.decorators[node.name]],
        "next": list(node.targets),
        "node_info": plain(definition.node_info.get(node.name, {})),
    }
    if isinstance(node.transition, Foreach):
        info["foreach_artifact"] = node.transition.var
        if node.transition.expr is not None:
            info["foreach_expr"] = node.transition.expr
    if isinstance(node.transition, Gang):
        size = node.transition.size
        info["num_parallel"] = int(size) if size.isdecimal() else None
        if not size.isdecimal():
            info["num_parallel_expr"] = size
    if isinstance(node.transition, Switch):
        info["condition"] = node.transition.condition
        info["switch_cases"] = {
            case.label: case.way.targets[0] if len(case.way.targets) == 1 else list(case.way.targets)
            for case in node.transition.cases
        }
    if node.is_split:
        info["matching_join"] = definition.graph.join_of[node.name]
    if node.is_join and (node.is_split or node.is_switch or node.is_end):
        info["join"] = True
    return info


def _info_type(graph: Graph, node: Node) -> str:
    if isinstance(node.transition, Split):
        return "split-static"
    if isinstance(node.transition, Foreach):
        return "split-foreach"
    if node.is_switch:
        return "split-switch"
    if isinstance(node.transition, Gang):
        return "split-parallel"
    return _linear_type(graph, node)


def _linear_type(graph: Graph, node: Node) -> str:
    if node.name == graph.end:
        return "end"
    if node.is_join:
        return "join"
    return "start" if node.name == graph.start else "linear"


def _decorator_info(decorator: Decorator) -> dict[str, Any]:
    return {
        "name": decorator.name,
        "attributes": plain(decorator.attributes),
        "statically_defined": decorator.statically_defined,
        "inserted_by": list(decorator.inserted_by) or None,
    }


def plain(value: object) -> Any:
    """Return the value as JSON can have it; what JSON cannot have, as text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in cast("Mapping[object, object]", value).items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in cast("list[object]", value)]
    return str(value)


class _Block:
    """Steps that follow each other, in a list of which a part may be a list of such blocks."""

    def __init__(self, outer: _Block | None = None) -> None:
        self.steps: list[Any] = []
        self.outer = outer
        self.depth: int = 0 if outer is None else outer.depth + 1


def _structure(graph: Graph) -> list[Any]:
    """Return the graph as nested lists: after a step with several ways, the list of its branches.

    A join stands behind the step that opened its split, and a step where ways come together in the innermost
    list that holds all of them.
    """
    whole = _Block()
    # From which blocks a step is entered; what leads back in a loop comes too late to count.
    entered: dict[str, list[_Block]] = {graph.start: [whole]}
    own: dict[str, _Block] = {}
    for node in graph:
        block = own[node.name] = own[node.split] if node.split is not None else _common(entered[node.name])
        block.steps.append(node.name)
        branches = dict.fromkeys(node.targets, block)
        if node.is_split or node.is_switch:
            own_block = {target: _Block(block) for target in node.targets}
            block.steps.append([branch.steps for branch in own_block.values()])
            ahead = [target for target in node.targets if target not in own]
            if node.is_split or len(ahead) > 1:
                branches = own_block
        for target, branch in branches.items():
            entered.setdefault(target, []).append(branch)
    return whole.steps


def _common(blocks: list[_Block]) -> _Block:
    """Return the innermost block that holds all of these."""
    common = blocks[0]
    for block in blocks[1:]:
        other: _Block = block
        while other is not common:
            if other.depth >= common.depth and other.outer is not None:
                other = other.outer
            elif common.outer is not None:
                common = common.outer
    return common


class NodeView(Struct, frozen=True):
    """A step as ``self._graph[name]`` shows it."""

    name: str
    type: str
    out_funcs: list[str]
    in_funcs: list[str]
    matching_join: str | None
    doc: str
    parallel_step: bool = False
    parallel_foreach: bool = False


class GraphView:
    """The graph as ``self._graph`` shows it: by name, and iterable over its nodes."""

    def __init__(self, definition: FlowDefinition) -> None:
        graph = definition.graph
        self.start_step, self.end_step, self.doc = graph.start, graph.end, definition.doc
        views = {node.name: _node_view(graph, node) for node in graph}
        self.nodes: Mapping[str, NodeView] = MappingProxyType(views)

    def __getitem__(self, name: str) -> NodeView:
        return self.nodes[name]

    def __contains__(self, name: object) -> bool:
        return name in self.nodes

    def __iter__(self) -> Iterator[NodeView]:
        return iter(self.nodes.values())


def _node_view(graph: Graph, node: Node) -> NodeView:
    if node.is_join and not node.is_end:
        kind = "join"
    elif node.is_switch:
        kind = "split-switch"
    elif isinstance(node.transition, Split):
        kind = "split"
    elif isinstance(node.transition, Foreach | Gang):
        kind = "foreach"  # as existing tools have it
    else:
        kind = _linear_type(graph, node)
    return NodeView(
        name=node.name,
        type=kind,
        out_funcs=list(node.targets),
        in_funcs=list(graph.parents[node.name]),
        matching_join=graph.join_of.get(node.name),
        doc=node.doc,
        parallel_step=node.name in graph.gangs,
        parallel_foreach=node.opens_gang,
    )


def graph_view(definition: FlowDefinition) -> GraphView:
    """Return the read-only view that a step sees as ``self._graph``."""
    return GraphView(definition)
