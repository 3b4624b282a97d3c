"""A hash of code by its syntax tree: comments, formatting and docstrings do not count."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import cast

import blake3

DIGITS = 32

# What the compiler notes beside the syntax, or what says the same in other letters.
_NOT_COUNTED = frozenset({"ctx", "kind", "type_comment", "type_ignores"})
_fields: dict[type[ast.AST], tuple[str, ...]] = {}


def digest_of(nodes: Iterable[ast.AST]) -> str:
    """Return hexadecimal digits that stand for the code of these nodes, in their order."""
    words: list[str] = []
    for node in nodes:
        _write(node, words)
    return blake3.blake3("\0".join(words).encode(errors="surrogatepass")).hexdigest()[:DIGITS]


def _write(node: ast.AST, words: list[str]) -> None:
    """Append the node's kind and fields; empty ones are left out, for versions of Python add some."""
    kind = type(node)
    fields = _fields.get(kind)
    if fields is None:
        fields = _fields[kind] = tuple(name for name in kind._fields if name not in _NOT_COUNTED)
    words.append(kind.__name__)
    for name in fields:
        value: object = getattr(node, name, None)
        if isinstance(value, list):
            items = cast("list[object]", value)
            if items:
                words.append(name)
                for item in _statements(items) if name == "body" else items:
                    _write_value(item, words)
                words.append("]")
        elif value is not None or kind is ast.Constant:
            words.append(name)
            _write_value(value, words)
    words.append(")")


def _write_value(value: object, words: list[str]) -> None:
    if isinstance(value, ast.AST):
        _write(value, words)
    else:
        words.append(f"{type(value).__name__} {value!r}")


def _statements(body: Iterable[object]) -> Iterator[object]:
    """Leave out texts that stand alone, and what stands there only because a body may not be empty."""
    return (one for one in body if not is_text(one) and not isinstance(one, ast.Pass))


def is_text(statement: object) -> bool:
    """Whether it is a docstring, or another text that nothing is done with."""
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Constant):
        return False
    return isinstance(statement.value.value, str)
