"""In which iteration of its loops a task is: counted along the tasks that it follows."""

from __future__ import annotations

from stepwell.definition.graph import Graph
from stepwell.model.pack import Pack


def iterations_of(graph: Graph, step: str, above: Pack) -> tuple[int, ...]:
    """Return, for each loop that a step is in, outermost first, how often it has begun again.

    ``above`` is the task that it follows; for a join, the one that opened its split.
    """
    loops = graph[step].loops
    if not loops:
        return ()
    before = graph[above.key.step].loops if above.key.step in graph else ()
    found: list[int] = []
    for level, first in enumerate(loops):
        if loops[: level + 1] != before[: level + 1] or level >= len(above.iterations):
            found.append(0)  # the loop is entered here
        else:
            found.append(above.iterations[level] + (step == first))
    return tuple(found)
