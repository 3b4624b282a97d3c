"""The deciding half alone: a wide foreach, or a long loop, with a simulated engine, no process, no file.

Prints microseconds per transition (one call of ``advance``) and the memory at the peak, by width or length.
"""

from __future__ import annotations

import json
import time
import tracemalloc
from collections import deque

from stepwell.model.task import TransitionTaken
from stepwell.scheduling.facts import RoomFound, RunBegan, TaskSucceeded
from stepwell.scheduling.orders import EndRun, Launch
from stepwell.scheduling.progress import Progress
from stepwell.scheduling.transitions import advance
from stepwell.testing.graphs import Each, Repeat, Then, graph_of

WIDTHS = (1_000, 100_000, 1_000_000)
LOOPS = (1_000, 100_000)
ROUNDS = 3
ROOM = 64
MIB = 1024 * 1024


def simulate(width: int, depth: int = 1, most_facts: int | None = None) -> int:
    """Run a foreach over ``width`` items with ``depth`` steps in each branch; return the number of facts.

    With ``most_facts`` it stops early.
    """
    graph = graph_of((Each((Then(),) * (depth - 1)), Then()))
    taken = {
        node.name: TransitionTaken(
            "end" if node.is_end else "foreach" if node.is_foreach else "linear",
            node.targets,
            width if node.is_foreach else 0,
        )
        for node in graph
    }
    progress = Progress(graph)
    running: deque[Launch] = deque()
    orders = [*advance(progress, RoomFound(ROOM)), *advance(progress, RunBegan())]
    facts = 2
    while facts != most_facts and not (orders and isinstance(orders[-1], EndRun)):
        running.extend(order for order in orders if isinstance(order, Launch))
        task = running.popleft()
        orders = advance(progress, TaskSucceeded(task.task, taken[task.step]))
        facts += 1
    return facts


def simulate_loop(turns: int) -> int:
    """Run a step that leads back to itself so many times; return the number of facts."""
    progress = Progress(graph_of((Repeat(()), Then())))
    again, out = (
        TransitionTaken("linear", ("s1",), case="again"),
        TransitionTaken("linear", ("s2",), case="out"),
    )
    advance(progress, RoomFound(ROOM))
    advance(progress, RunBegan())
    for task in range(1, turns + 2):
        advance(progress, TaskSucceeded(task, again if task <= turns else out))
    advance(progress, TaskSucceeded(turns + 2, TransitionTaken("end")))
    return turns + 4


def microseconds_of_loop(turns: int) -> float:
    """Microseconds per transition of a loop; the best of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        facts = simulate_loop(turns)
        best = min(best, (time.perf_counter() - began) / facts)
    return best * 1e6


def microseconds(width: int, depth: int = 1) -> float:
    """Microseconds per transition, the simulated engine's own work included; the best of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        facts = simulate(width, depth)
        best = min(best, (time.perf_counter() - began) / facts)
    return best * 1e6


def peak_mib(width: int, depth: int = 1, *, join: bool) -> float:
    """Most memory held at once, in MiB; ``join`` counts the order that names all inputs of the join too."""
    facts_before_join = 2 + width * depth
    tracemalloc.start()
    try:
        simulate(width, depth, None if join else facts_before_join)
        return tracemalloc.get_traced_memory()[1] / MIB
    finally:
        tracemalloc.stop()


def measure() -> dict[str, float]:
    """Return the figures by name; ``flatness`` is the widest foreach's cost over the narrowest one's."""
    costs = {width: microseconds(width) for width in WIDTHS}
    figures = {f"us_per_transition_{width}": round(cost, 2) for width, cost in costs.items()}
    figures["flatness"] = round(costs[WIDTHS[-1]] / costs[WIDTHS[0]], 2)
    figures["us_per_transition_100000_three_steps_deep"] = round(microseconds(100_000, 3), 2)
    loops = {turns: microseconds_of_loop(turns) for turns in LOOPS}
    figures |= {f"us_per_transition_loop_{turns}": round(cost, 2) for turns, cost in loops.items()}
    figures["flatness_loop"] = round(loops[LOOPS[-1]] / loops[LOOPS[0]], 2)
    figures["peak_mib_100000"] = round(peak_mib(100_000, join=False), 1)
    figures["peak_mib_100000_three_steps_deep"] = round(peak_mib(100_000, 3, join=False), 1)
    figures["peak_mib_100000_join_order_included"] = round(peak_mib(100_000, join=True), 1)
    figures["peak_mib_1000000"] = round(peak_mib(1_000_000, join=False), 1)
    return figures


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
