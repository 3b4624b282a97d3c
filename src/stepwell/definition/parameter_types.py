"""Which type a parameter has: what is given, else its annotation, else that of its default, else text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin

from stepwell.definition.parameter_kinds import (
    EXAMPLES,
    Bool,
    Choice,
    EnumMember,
    Json,
    Kind,
    Listed,
    Number,
    OfClick,
    PathKind,
    Separated,
    Shaped,
    Text,
    Time,
)
from stepwell.definition.parameters import JSONType, JSONTypeClass, Parameter
from stepwell.exceptions import ParameterFieldTypeMismatch

_SUPPORTED = (
    "str, int, float, bool, JSONType, Literal, Enum, list, tuple, dict, date, datetime, time, timedelta, "
    "Path, dataclasses, TypedDict, msgspec Structs, types of click, and each of these or None"
)


def kind_of(parameter: Parameter) -> Kind:
    """Return the type of a parameter: what is given, else its annotation, else that of its default, else str.

    Raises
    ------
    ParameterFieldTypeMismatch
        It is none that parameters can have.
    """
    given = _given(parameter)
    try:
        kind = _kind(given)
    except TypeError:
        shown = getattr(given, "__name__", repr(given))
        raise ParameterFieldTypeMismatch(
            f"parameter `{parameter.name}` has the type {shown}. There are {_SUPPORTED}.",
            parameter.line,
            parameter.file,
        ) from None
    if parameter.separator and type(kind) is Text:
        return Separated(parameter.separator)
    if parameter.choices and isinstance(kind, Text | Number):
        kind = Choice({str(choice): kind.check(choice) for choice in parameter.choices})
    return Listed(kind, tuple) if parameter.multiple and not kind.repeats else kind


def _given(parameter: Parameter) -> object:
    if parameter.given_type is not None:
        return parameter.given_type
    annotated, _ = parameter.annotation()
    if annotated is not None:
        return annotated
    if parameter.is_flag:
        return bool
    default = parameter.fixed_default
    if default is None:
        return str
    if parameter.multiple and isinstance(default, list | tuple):
        return type(next(iter(cast("Sequence[object]", default)), ""))
    return JSONType if isinstance(default, dict | list | tuple) else type(cast("object", default))


def _kind(given: Any) -> Kind:
    if isinstance(given, Kind):
        return given
    if isinstance(given, JSONTypeClass):
        return Json()
    origin, arguments = get_origin(given), get_args(given)
    if origin in (Union, UnionType):
        inner = [one for one in arguments if one is not NoneType]
        return _kind(inner[0]) if len(inner) == 1 else Shaped(given)
    if origin is Literal:
        return Choice({str(choice): choice for choice in arguments})
    if origin is list or (origin is tuple and arguments[1:] == (...,)):
        return Listed(_kind(arguments[0]), origin)
    if not isinstance(given, type) and callable(getattr(given, "convert", None)):
        return OfClick(given)
    if not isinstance(given, type):
        return Shaped(given)
    return _of_class(cast("type[object]", given))


def _of_class(given: type[object]) -> Kind:
    plain: Mapping[type[object], Callable[[], Kind]] = {
        str: Text, int: lambda: Number(int), float: lambda: Number(float), bool: Bool,
        list: lambda: Listed(Text(), list), tuple: lambda: Listed(Text(), tuple), dict: Json, Path: PathKind,
    }  # fmt: skip
    if given in plain:
        return plain[given]()
    if issubclass(given, Enum):
        return EnumMember(given)
    return Time(given) if given in EXAMPLES else Shaped(given)
