"""Values that are made of named parts, read as Python stores them: nothing that their class defines runs."""

from __future__ import annotations

import enum
from types import MemberDescriptorType, SimpleNamespace
from typing import Any, cast

Class = type[Any]
_ABSENT = object()
_TUPLE: Class = tuple


def enum_member(value: object, kind: Class) -> str:
    """Return ``Class.NAME`` for a member of an enumeration, and an empty text for all else."""
    if not issubclass(type(kind), enum.EnumMeta):
        return ""
    name, number = _stored(value, "_name_"), _stored(value, "_value_")
    shown = f".{name}" if type(name) is str else f"({number if type(number) is int else ''})"
    return kind.__name__ + shown


def parts_of(value: Any, kind: Class) -> list[tuple[str, object]] | None:
    """Return name and value of each part; None if the value is of no kind that is known to have such parts.

    Known are dataclasses (without the fields that their ``repr`` leaves out), named tuples, namespaces; and
    exceptions and slices, whose parts have no names.
    """
    if kind is SimpleNamespace:
        return list(cast("dict[str, object]", vars(value)).items())
    if kind is slice:
        return [("", value.start), ("", value.stop), ("", value.step)]
    if is_a(kind, BaseException):
        return [("", argument) for argument in BaseException.__dict__["args"].__get__(value)]
    if is_a(kind, tuple):
        names: Any = _of_class(kind, "_fields")
        named = _is_exactly(names, tuple)
        return list(zip(map(str, names), _TUPLE.__iter__(value), strict=False)) if named else None
    fields = _of_class(kind, "__dataclass_fields__")
    if not _is_exactly(fields, dict):
        return None
    # `ClassVar` and `InitVar` stand among the fields too; they are stored in no object.
    held = ((name, _stored(value, name)) for name, field in fields.items() if _stored(field, "repr") is True)
    return [(name, part) for name, part in held if part is not _ABSENT]


def is_a(kind: Class, base: Class) -> bool:
    """Whether it is a subclass; said of classes, so that no class can say otherwise."""
    return issubclass(kind, base)


def _is_exactly(value: object, kind: Class) -> bool:
    """Whether it is of the class itself."""
    return type(value) is kind


def _stored(value: object, name: str) -> Any:
    """What an object holds under a name, in a slot or in its dictionary; no property is asked."""
    slot = _of_class(type(value), name)
    try:
        if type(slot) is MemberDescriptorType:
            return slot.__get__(value)
        held: Any = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return _ABSENT
    return held.get(name, _ABSENT) if _is_exactly(held, dict) else _ABSENT


def _of_class(kind: Class, name: str) -> Any:
    """What a class, or a base of it, defines under a name."""
    bases: tuple[Class, ...] = type.__dict__["__mro__"].__get__(kind)
    return next((vars(base)[name] for base in bases if name in vars(base)), None)
