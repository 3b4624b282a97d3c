"""Short safe texts for values. No code of the user's runs: no ``__repr__``, no property, no iteration."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime, time
from itertools import islice
from types import FunctionType
from typing import cast

from stepwell.datastore.structured import Class, enum_member, is_a, parts_of

TEXT_CUT = 200
LABEL_CUT = 30
_ITEMS = 8
_DEPTH = 3
_PREVIEW_CUT = 400
_INT_BITS = 512

# Their repr is short, fast and written by people we trust; recognised by name so that nothing is imported.
_TRUSTED = frozenset(
    {
        "datetime.datetime", "datetime.date", "datetime.time", "datetime.timedelta", "datetime.timezone",
        "decimal.Decimal", "fractions.Fraction", "uuid.UUID", "pathlib.PosixPath", "pathlib.WindowsPath",
        "pathlib.PurePosixPath", "pathlib.PureWindowsPath", "pathlib._local.PosixPath", "builtins.complex",
        "builtins.range", "numpy.bool", "numpy.bool_", "numpy.float16", "numpy.float32",
        "numpy.float64", "numpy.int8", "numpy.int16", "numpy.int32", "numpy.int64", "numpy.uint8",
        "numpy.uint16", "numpy.uint32", "numpy.uint64", "pandas._libs.tslibs.timestamps.Timestamp",
    }
)  # fmt: skip
_DICT: Class = dict
_MODULES_OF_ZONES = ("builtins", "datetime", "zoneinfo")
_PAIRS: dict[Class, str] = {list: "[]", tuple: "()", set: "{}", frozenset: "{}", deque: "[]"}


def type_name(value: object) -> str:
    """Dotted name of the value's class; built-in ones without their module."""
    return class_name(type(value))


def class_name(kind: type) -> str:
    """Dotted name of a class; built-in ones without their module."""
    module = kind.__module__
    return kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"


def preview(value: object) -> str:
    """Return a short text that shows the value: itself if it is small, else its shape."""
    text = _shown(value, _DEPTH)
    return text if len(text) <= _PREVIEW_CUT else text[: _PREVIEW_CUT - 3] + "..."


def label_of(value: object) -> str:
    """Return the foreach item as short text: itself if it is a short string or number, else cut."""
    text = str(value) if type(value) is str and len(value) <= LABEL_CUT else _shown(value, 2)
    return text if len(text) <= LABEL_CUT else text[: LABEL_CUT - 3] + "..."


def _shown(value: object, depth: int) -> str:
    kind = type(value)
    if value is None or kind is bool or kind is float:
        return repr(value)
    if kind is int:
        return _integer(cast("int", value))
    if kind is str or kind is bytes or kind is bytearray:
        return _text(cast("str | bytes | bytearray", value))
    if kind in _PAIRS and kind is not deque:
        return _sequence(cast("list[object]", value), kind, depth)
    if kind is dict:
        return _mapping(cast("dict[object, object]", value), depth)
    name = f"{kind.__module__}.{kind.__qualname__}"
    if name in _TRUSTED:
        return repr(_without_foreign_zone(value))
    return _array(value, kind, name) or _compound(value, kind, depth) or f"<{name}>"


def _without_foreign_zone(value: object) -> object:
    """A time zone may be of a class of the user's, whose ``repr`` the time would call."""
    if isinstance(value, datetime | time) and type(value.tzinfo).__module__ not in _MODULES_OF_ZONES:
        return value.replace(tzinfo=None)
    return value


def _compound(value: object, kind: Class, depth: int) -> str:
    """Of a class that is made of parts, its name and these; nothing that the class defines is called."""
    if member := enum_member(value, kind):
        return member
    if kind is type or kind is FunctionType:
        return f"<{'class' if kind is type else 'function'} {class_name(cast('type', value))}>"
    parts = parts_of(value, kind)
    if parts is not None:
        named = (
            f"{name}={_shown(part, depth - 1)}" if name else _shown(part, depth - 1) for name, part in parts
        )
        deep = "..." if parts else ""
        return f"{kind.__name__}({_joined(islice(named, _ITEMS), len(parts)) if depth else deep})"
    if is_a(kind, dict):
        return f"{kind.__name__}({_mapping(cast('dict[object, object]', value), depth)})"
    base = next((base for base in _PAIRS if is_a(kind, base)), None)
    return "" if base is None else f"{kind.__name__}({_sequence(cast('list[object]', value), base, depth)})"


def _integer(value: int) -> str:
    # Turning a huge integer into decimal text is slow, and refused by Python from 4,300 digits on.
    return repr(value) if value.bit_length() <= _INT_BITS else f"<int of {value.bit_length()} bits>"


def _text(value: str | bytes | bytearray) -> str:
    if len(value) <= TEXT_CUT:
        return repr(value)
    return f"{value[:TEXT_CUT]!r}... ({len(value)} {'characters' if type(value) is str else 'bytes'})"


def _sequence(value: list[object], base: Class, depth: int) -> str:
    """Show the items; length and iteration are those of ``base``, whatever a subclass makes of them."""
    opening, closing = _PAIRS[base]
    length: int = base.__len__(value)
    if not length:
        return f"{opening}{closing}" if opening != "{" else f"{base.__name__}()"
    if not depth:
        return f"{opening}... {length} items{closing}"
    items: Iterable[object] = islice(base.__iter__(value), _ITEMS)
    shown = _joined((_shown(item, depth - 1) for item in items), length)
    return f"{opening}{shown}{',' if base is tuple and length == 1 else ''}{closing}"


def _mapping(value: dict[object, object], depth: int) -> str:
    length: int = _DICT.__len__(value)
    if not depth:
        return f"{{... {length} items}}" if length else "{}"
    pairs = (f"{_shown(k, 0)}: {_shown(v, depth - 1)}" for k, v in islice(_DICT.items(value), _ITEMS))
    return f"{{{_joined(pairs, length)}}}"


def _joined(shown: Iterable[str], count: int) -> str:
    parts: list[str] = []
    room = _PREVIEW_CUT
    for text in shown:
        parts.append(text)
        room -= len(text)
        if room < 0:
            break
    missing = count - len(parts)
    return ", ".join(parts) + (f", ... {missing} more" if missing else "")


def _array(value: object, kind: type, name: str) -> str:
    """Shape and columns of NumPy, pandas and Polars values, by the name of their class."""
    package = name.partition(".")[0]
    if package not in ("numpy", "pandas", "polars", "torch", "pyarrow"):
        return ""
    try:
        shape = "x".join(str(n) for n in cast("tuple[int, ...]", getattr(value, "shape", ())))
        columns = getattr(value, "columns", None) if kind.__name__ == "DataFrame" else None
        if columns is not None:
            names = [str(column)[:40] for column in islice(cast("Iterable[object]", columns), 20)]
            more = ", ..." if len(cast("list[object]", columns)) > len(names) else ""
            return f"{package}.DataFrame {shape}: {', '.join(names)}{more}"
        dtype = getattr(value, "dtype", None)
        return f"{package}.{kind.__name__} {shape}{f' {dtype}' if dtype is not None else ''}".strip()
    except Exception:  # noqa: BLE001 - a preview is a courtesy; a library's oddity must not fail the task
        return f"<{name}>"
