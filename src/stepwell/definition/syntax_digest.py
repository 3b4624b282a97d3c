"""A hash of code by its syntax tree: comments, formatting and docstrings do not count."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import cast

import blake3

DIGITS = 32

# What the compiler notes beside the syntax, or what says the same in other letters.
_NOT_COUNTED = frozenset({"ctx", "kind", "type_comment", "type_ignores"})
_fields: dict[type[ast.AST], tuple[tuple[str, _Mark], ...]] = {}


def digest_of(nodes: Iterable[ast.AST]) -> str:
    """Return hexadecimal digits that stand for the code of these nodes, in their order."""
    words: list[str] = []
    waiting: list[object] = list[object](nodes)[::-1]
    while waiting:  # and no recursion: a long sum is as deep as it is long
        one = waiting.pop()
        if isinstance(one, ast.AST):
            words.append(type(one).__name__)
            waiting.append(_END)
            waiting += reversed(list(_inside(one)))
        else:
            words.append(one.text if isinstance(one, _Mark) else f"{type(one).__name__} {one!r}")
    return blake3.blake3("\0".join(words).encode(errors="surrogatepass")).hexdigest()[:DIGITS]


class _Mark:
    """A word of ours between those of the source."""

    def __init__(self, text: str) -> None:
        self.text = text


_END = _Mark(")")


def _inside(node: ast.AST) -> Iterator[object]:
    """Yield the fields of a node; empty ones are left out, for versions of Python add some."""
    kind = type(node)
    fields = _fields.get(kind)
    if fields is None:
        named = (name for name in kind._fields if name not in _NOT_COUNTED)
        fields = _fields[kind] = tuple((name, _Mark(name)) for name in named)
    for name, mark in fields:
        value: object = getattr(node, name, None)
        if isinstance(value, list):
            items = cast("list[object]", value)
            if items:
                yield mark
                yield from _statements(items) if name == "body" else items
                yield _END
        elif value is not None or kind is ast.Constant:
            yield mark
            yield value


def _statements(body: Iterable[object]) -> Iterator[object]:
    """Leave out texts that stand alone, and what stands there only because a body may not be empty."""
    return (one for one in body if not is_text(one) and not isinstance(one, ast.Pass))


def is_text(statement: object) -> bool:
    """Whether it is a docstring, or another text that nothing is done with."""
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Constant):
        return False
    return isinstance(statement.value.value, str)
