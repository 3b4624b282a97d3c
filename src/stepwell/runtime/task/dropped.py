"""Which join did not take over an artifact that a later step misses."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.definition.graph import Graph
from stepwell.model.task import TaskRef
from stepwell.runtime.task.inputs import TaskSource

_INPUTS_ASKED = 100
_ANCESTORS_ASKED = 200


def dropped_by(
    name: str, source: TaskSource, graph: Graph, step: str, parents: Sequence[TaskRef]
) -> str | None:
    """Return the nearest join whose inputs had the name: the step itself, or one of its near ancestors."""
    if not any(node.is_join for node in graph):
        return None
    refs = parents
    for _ in range(_ANCESTORS_ASKED):  # the turns of a loop are ancestors too
        if not refs:
            return None
        pack = source.pack(refs[0])
        if graph[step].is_join:
            packs = map(source.pack, refs[:_INPUTS_ASKED])
            if any(name in source.datastore.visible(one) for one in packs):
                return step
        if pack.key.step == graph.start and len(pack.parents) == 1 and pack.parents[0].step != graph.start:
            return None
        # A join over an empty foreach has no parents, but a split.
        refs = pack.parents or ((pack.split,) if pack.split else ())
        step = pack.key.step
    return None
