"""Which names the code of a step mentions, with that of the methods it calls."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import CodeType, FunctionType


def mentions(flow_class: type, step: str, name: str) -> bool:
    """Whether the code of a step, or of a method that it uses, has an attribute or a text of this name."""
    seen: set[str] = set()
    waiting = [step]
    while waiting:
        method = inspect.unwrap(getattr(flow_class, waiting.pop()))
        names = set(_names(method.__code__)) if isinstance(method, FunctionType) else set[str]()
        if name in names:
            return True
        new = {known for known in names - seen if isinstance(getattr(flow_class, known, None), FunctionType)}
        seen |= new
        waiting += new
    return False


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, CodeType):
            yield from _names(constant)
