"""The methods of a flow's class, each read once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from types import FunctionType
from typing import Any, cast

from msgspec import Struct
from msgspec.structs import replace

from stepwell.definition.config import Config
from stepwell.definition.data_flow.body import Body
from stepwell.definition.data_flow.body_reader import arguments_of, names_set, read_body
from stepwell.definition.flowspec import FlowSpec
from stepwell.definition.parameters import Parameter
from stepwell.definition.reader import code_of, definition_of
from stepwell.definition.step import spec_of

_MOST_DEEP = 25
_NONE = object()
_UNKNOWN = Body(is_dynamic=True)


class Methods:
    """Reads what the methods of a flow do.

    Attributes
    ----------
    functions
        Those that have been read.
    """

    def __init__(self, flow_class: type) -> None:
        self.owners = flow_class.__mro__
        self._bodies: dict[object, Body] = {}
        self._being_read: set[object] = set()
        self.functions: list[Callable[..., Any]] = []

    def has(self, name: str) -> bool:
        """Whether the class has the name, whatever it is."""
        return any(name in vars(owner) for owner in self.owners)

    def names(self) -> Iterator[str]:
        """Yield the names that users have given."""
        own = (owner for owner in self.owners if owner not in (FlowSpec, object))
        return (name for owner in own for name in vars(owner) if not name.startswith("_"))

    def found(self, name: str, above: int = -1) -> tuple[object, int]:
        """Return what the class, or its bases ``above`` one of them, has under a name, and whose it is."""
        for place in range(above + 1, len(self.owners)):
            if name in vars(self.owners[place]):
                return vars(self.owners[place])[name], place
        return _NONE, -1

    def step(self, name: str, has_inputs: bool) -> Body:
        """Return what a step does; ``has_inputs`` if it is a join that never is without any."""
        function, place = self.found(name)
        return self.read(function, place, has_inputs) if isinstance(function, FunctionType) else _UNKNOWN

    def read(self, function: Callable[..., Any], place: int, has_inputs: bool = False) -> Body:
        """Return what a function of the class at this place does."""
        code = code_of(function)
        if code in self._bodies:
            return self._bodies[code]
        definition = definition_of(function)
        if definition is None or len(self._being_read) > _MOST_DEEP:
            return _UNKNOWN
        if code in self._being_read:
            return Body(may_set=names_set(definition, arguments_of(definition)[0]), is_dynamic=True)
        self._being_read.add(code)
        self.functions.append(function)
        is_step = spec_of(function) is not None
        body = read_body(definition, code.co_filename, _Members(self, place), is_step, has_inputs)
        self._being_read.discard(code)
        if hasattr(function, "__wrapped__"):  # the decorator around it may do anything
            body = replace(body, is_dynamic=True)
        self._bodies[code] = body
        return body


class _Members(Struct):
    """What the method of a class sees; ``place`` is that of the class among the flow's bases."""

    methods: Methods
    place: int

    def body_of(self, name: str, above: bool = False) -> Body | None:
        value, place = self.methods.found(name, self.place if above else -1)
        if value is _NONE or self.methods.owners[place] in (FlowSpec, object):
            return None
        if spec_of(value) is not None and not above:
            return _UNKNOWN
        if isinstance(value, classmethod):
            return self._of_class_method(cast("classmethod[Any, ..., Any]", value), place)
        if isinstance(value, staticmethod | type):
            return Body()
        if isinstance(value, property):
            value = value.fget
        elif isinstance(value, cached_property):
            value = value.func
        if isinstance(value, FunctionType):
            return self.methods.read(value, place)
        is_plain = isinstance(value, Parameter | Config) or not hasattr(type(value), "__get__")
        return None if is_plain else _UNKNOWN

    def _of_class_method(self, method: classmethod[Any, ..., Any], place: int) -> Body:
        if isinstance(method.__func__, FunctionType):
            body = self.methods.read(method.__func__, place)
            if not body.is_dynamic and not body.may_set:
                return Body()
        return _UNKNOWN  # it may give the class what steps then find there

    def is_property(self, name: str) -> bool:
        return isinstance(self.methods.found(name)[0], property | cached_property)

    def setter_of(self, name: str) -> Body | None:
        value, place = self.methods.found(name)
        setter = value.fset if isinstance(value, property) else None
        if setter is None:
            return None
        return self.methods.read(setter, place) if isinstance(setter, FunctionType) else _UNKNOWN

    def is_class(self, name: str) -> bool:
        own = (owner for owner in self.methods.owners if owner not in (FlowSpec, object))
        return any(owner.__name__ == name for owner in own)
