"""Questions about paths through steps, answered in linear time and without recursion."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Set

Targets = Mapping[str, tuple[str, ...]]

# The shortest of all cycles costs quadratic time; past this many looks the shortest one so far will do.
_LOOKS = 200_000


def reachable(start: str, targets: Targets) -> set[str]:
    """Return the steps that paths from ``start`` reach, itself included."""
    found = {start}
    waiting = [start]
    while waiting:
        for target in targets[waiting.pop()]:
            if target not in found:
                found.add(target)
                waiting.append(target)
    return found


def order(start: str, targets: Targets, reached: Set[str]) -> list[str]:
    """Return the reached steps in topological order; those on a cycle, or behind one, are left out."""
    missing = dict.fromkeys(reached, 0)
    for name in reached:
        for target in targets[name]:
            missing[target] += 1
    ready = deque([start] if missing[start] == 0 else [])
    ordered: list[str] = []
    while ready:
        name = ready.popleft()
        ordered.append(name)
        for target in targets[name]:
            missing[target] -= 1
            if missing[target] == 0:
                ready.append(target)
    return ordered


def shortest_cycle(targets: Targets, among: Set[str]) -> list[str]:
    """Return a shortest cycle of these steps, its first step repeated at the end.

    In large graphs it is a shortest one through some step of a cycle.
    """
    candidates = _on_cycles(targets, among)
    best: list[str] = []
    looks = 0
    for name in candidates:
        cycle, looked = _cycle_through(name, targets, candidates)
        looks += looked
        if cycle and (not best or len(cycle) < len(best)):
            best = cycle
        if best and (len(best) == 2 or looks > _LOOKS):
            break
    return best


def _on_cycles(targets: Targets, among: Set[str]) -> dict[str, None]:
    """Leave out the steps that only lie behind a cycle."""
    sources: dict[str, list[str]] = {name: [] for name in among}
    open_targets = dict.fromkeys(among, 0)
    for name in among:
        for target in targets[name]:
            if target in sources:
                sources[target].append(name)
                open_targets[name] += 1
    dead = [name for name, count in open_targets.items() if count == 0]
    for name in dead:
        for source in sources[name]:
            open_targets[source] -= 1
            if open_targets[source] == 0:
                dead.append(source)
    return dict.fromkeys(sorted(set(among) - set(dead)))


def _cycle_through(start: str, targets: Targets, among: Mapping[str, None]) -> tuple[list[str], int]:
    came_from: dict[str, str] = {}
    waiting = deque([start])
    while waiting:
        name = waiting.popleft()
        for target in targets[name]:
            if target == start:
                path = [start, name]
                while path[-1] != start:
                    path.append(came_from[path[-1]])
                return path[::-1], len(came_from) + 1
            if target in among and target not in came_from:
                came_from[target] = name
                waiting.append(target)
    return [], len(came_from) + 1
