"""Constants: values in the body of a flow class that every step may read and none may change."""

from __future__ import annotations

from functools import cached_property, partialmethod, singledispatchmethod
from types import FunctionType, MethodType

from stepwell.definition.config import Config
from stepwell.definition.flowspec import FlowSpec
from stepwell.definition.parameters import Parameter

_METHODS = (FunctionType, MethodType, staticmethod, classmethod, partialmethod, singledispatchmethod)
_COMPUTED = (*_METHODS, property, cached_property, Parameter)
_NO_CONSTANT = (*_COMPUTED, type, Config)


def constants_of(flow_class: type[FlowSpec]) -> dict[str, object]:
    """Return the class's constants by name, sorted; those of base classes included.

    Everything counts but methods, properties, classes, Parameters, Configs and names that begin with ``_``.
    """
    found: dict[str, object] = {}
    for owner in reversed(flow_class.__mro__):
        if owner is FlowSpec or owner is object:
            continue
        for name, value in vars(owner).items():
            if name.startswith("_") or isinstance(value, _NO_CONSTANT):
                found.pop(name, None)
            else:
                found[name] = value
    return dict(sorted(found.items()))


def is_fixed(flow_class: type, name: str) -> bool:
    """Whether the class has the name, with the same value in every run: a constant, a class or a Config."""
    return hasattr(flow_class, name) and not isinstance(getattr(flow_class, name), _COMPUTED)
