"""The syntax tree of a source file, as Python has read the file: each is parsed once."""

from __future__ import annotations

import ast
import linecache
from typing import Any

_trees: dict[str, tuple[list[str], ast.Module | None]] = {}


def lines_of(file: str, module_globals: dict[str, Any] | None = None) -> list[str]:
    """Return the lines of a file, or of a cell; none if they cannot be had."""
    return linecache.getlines(file, module_globals)


def tree_of(file: str, lines: list[str]) -> ast.Module | None:
    """Return the tree of these lines, which `lines_of` gave; None if they are no Python."""
    known = _trees.get(file)
    # linecache gives the same list as long as it has not seen the file change.
    if known is not None and known[0] is lines:
        return known[1]
    try:
        tree = ast.parse("".join(lines), file)
    except (SyntaxError, ValueError):
        tree = None  # the file was edited since it was imported, for one
    _trees[file] = (lines, tree)
    return tree
