"""The graph as text: an outline that fits a terminal, and the language of Mermaid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stepwell.definition.graph import Graph, Node
from stepwell.definition.transition import Foreach, Gang, Split, Switch, Way

_INDENT = 3
_MOST_INDENT = 2 / 3  # of the width
_CUT = "..."


def outline_lines(graph: Graph, structure: Sequence[object], width: int) -> Iterator[str]:
    """Yield a line for each step in order, what branches off indented below the step that opens it.

    Parameters
    ----------
    structure
        The steps as nested lists; a list in a list has the branches of the step before it.
    width
        The most characters of a line.
    """
    shown: set[str] = set()
    # Each entry: how deep, whether it begins a branch, and what follows there; no recursion, however deep.
    waiting: list[tuple[int, bool, list[object]]] = [(0, False, list(structure))]
    while waiting:
        depth, begins, rest = waiting.pop()
        if not rest:
            continue
        first = rest.pop(0)
        waiting.append((depth, begins and isinstance(first, list), rest))
        if isinstance(first, list):
            waiting += [(depth + 1, True, list(branch)) for branch in reversed(first)]  # pyright: ignore
            continue
        node = graph[str(first)]
        yield _cut(_margin(depth, begins, width) + _described(node, shown), width)
        shown.add(node.name)


def _margin(depth: int, begins: bool, width: int) -> str:
    step = _INDENT
    while step > 1 and step * depth > width * _MOST_INDENT:
        step -= 1
    bar, branch = "|".ljust(step), "+-".ljust(step)[:step]
    if not depth:
        return ""
    # Deeper than the terminal is wide: the outer levels are left out.
    return (bar * (depth - 1) + (branch if begins else bar))[-max(1, int(width * _MOST_INDENT)) :]


def _described(node: Node, shown: set[str]) -> str:
    words = [node.name]
    if node.split is not None:
        words.append(f"(joins {node.split})")
    way = node.transition
    if isinstance(way, Switch):
        words.append("switch" + (f" by {way.condition}" if way.condition else ""))
        words.append("; ".join(f"{case.label} -> {', '.join(case.way.targets)}" for case in way.cases))
    else:
        words.append(_kind(way))
    back = [target for target in node.targets if target in shown or target == node.name]
    if back:
        words.append(f"^ back to {', '.join(back)}")
    return "  ".join(word for word in words if word)


def _kind(way: Way) -> str:
    if isinstance(way, Foreach):
        return f"foreach {way.var or way.expr}"
    if isinstance(way, Gang):
        return f"gang of {way.size}"
    return "split" if isinstance(way, Split) else ""


def _cut(line: str, width: int) -> str:
    return line if len(line) <= width else (line[: max(0, width - len(_CUT))] + _CUT)[:width]


def mermaid_lines(graph: Graph) -> Iterator[str]:
    """Yield the lines of a flowchart of Mermaid, as many pages of documentation show it."""
    yield "flowchart LR"
    # Some names, such as `end`, are words of the language.
    names = {node.name: f"s_{node.name}" for node in graph}
    for node in graph:
        opening, closing = ("{", "}") if node.is_switch else ("[[", "]]") if node.is_split else ("[", "]")
        yield f'  {names[node.name]}{opening}"{node.name}"{closing}'
    for node in graph:
        for target, label in edges_of(node):
            text = label.replace('"', "#quot;").replace("|", "#124;")
            arrow = f'-->|"{text}"|' if text else "-->"
            yield f"  {names[node.name]} {arrow} {names[target]}"


def edges_of(node: Node) -> Iterator[tuple[str, str]]:
    """Yield each step that one leads to, and what is written at the arrow."""
    if isinstance(node.transition, Switch):
        for case in node.transition.cases:
            kind = f" ({case.way.kind})" if isinstance(case.way, Foreach | Gang) else ""
            yield from ((target, case.label + kind) for target in case.way.targets)
    else:
        label = _kind(node.transition) if isinstance(node.transition, Foreach | Gang) else ""
        yield from ((target, label) for target in node.targets)
