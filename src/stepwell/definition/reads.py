"""Which names the code of a step mentions, with that of the methods it calls."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import CodeType, FunctionType

from stepwell.definition.flowspec import FlowSpec
from stepwell.definition.step import spec_of


def mentions(flow_class: type[FlowSpec], step: str, name: str) -> bool:
    """Whether the code of a step, or of a method that it uses, has an attribute or a text of this name."""
    seen = {step}
    waiting = [step]
    while waiting:
        method = inspect.unwrap(getattr(flow_class, waiting.pop()))
        names = set(_names(method.__code__))
        if name in names:
            return True
        new = {known for known in names - seen if _is_method(flow_class, known)}
        seen |= new
        waiting += new
    return False


def _is_method(flow_class: type[FlowSpec], name: str) -> bool:
    """Whether this is a method of the user's and no step: a step names those that it leads to."""
    found = getattr(flow_class, name, None)
    return isinstance(found, FunctionType) and spec_of(found) is None and not hasattr(FlowSpec, name)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, CodeType):
            yield from _names(constant)
