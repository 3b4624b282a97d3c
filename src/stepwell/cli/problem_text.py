"""A problem as the terminal shows it: place, what is wrong, the line itself with a mark, and the remedy."""

from __future__ import annotations

import linecache
import re
from collections.abc import Iterator

from stepwell.definition.place import split_place
from stepwell.exceptions import Problem

_QUOTED = re.compile(r"`([^`]+)`")
_TAB = "    "
_SHOWN = 160


def problem_lines(problem: Problem) -> Iterator[str]:
    """Yield the lines."""
    place = f"{problem.where}: " if problem.where else ""
    kind = "warning: " if problem.severity == "warning" else ""
    rule = f"  [{problem.rule}]" if problem.rule else ""
    yield f"{place}{kind}{problem.what}.{rule}"
    yield from _excerpt(problem)
    if problem.fix:
        yield f"    {problem.fix}"


def _excerpt(problem: Problem) -> Iterator[str]:
    """Yield the line that the problem is in, and a mark under what the message speaks of."""
    file, number = split_place(problem.where)
    line = linecache.getline(file, number).rstrip().replace("\t", _TAB)
    if not line.strip() or len(line) > _SHOWN:
        return
    start, end = _marked(line, problem.what)
    margin = " " * len(str(number))
    yield f"    {number} | {line}"
    yield f"    {margin} | {' ' * start}{'^' * (end - start)}"


def _marked(line: str, what: str) -> tuple[int, int]:
    """Return where the last of the names that the message quotes stands in the line; else the whole line."""
    for name in reversed(_QUOTED.findall(what)):
        found = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", line)
        if found is not None:
            return found.span()
    return len(line) - len(line.lstrip()), len(line)
