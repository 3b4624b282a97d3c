"""``show --decorators``: what stands on a flow and its steps, with arguments, and who put it there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stepwell.datastore.preview import preview
from stepwell.definition.decorator import Decorator
from stepwell.definition.flow_definition import FlowDefinition


def decorator_lines(definition: FlowDefinition) -> Iterator[str]:
    """Yield the flow and each step in graph order, its decorators above it as in the source."""
    yield from _listed(definition.flow_decorators)
    yield f"Flow {definition.name}"
    for node in definition.graph:
        yield ""
        yield from _listed(definition.decorators[node.name])
        yield f"Step {node.name}"


def _listed(decorators: Sequence[Decorator]) -> Iterator[str]:
    for one in decorators:
        args, named = one.given()
        # Of ours, what is left out has the default that the reference tells.
        given = {name: value for name, value in named.items() if one.defaults.get(name, one) != value}
        words = [*map(preview, args), *(f"{name}={preview(value)}" for name, value in given.items())]
        shown = f"({', '.join(words)})" if words else ""
        origin = _origin(one)
        yield f"@{one.name}{shown}{f'  # {origin}' if origin else ''}"


def _origin(one: Decorator) -> str:
    if one.inserted_by:
        return f"inserted by {', which was inserted by '.join(one.inserted_by)}"
    return "" if one.statically_defined else "added from outside the source"
