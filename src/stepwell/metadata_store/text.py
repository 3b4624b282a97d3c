"""Text that every store can keep."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import msgspec

from stepwell.model.run import RunRecord, TaskRecord

R = TypeVar("R", RunRecord, TaskRecord)
_encoder = msgspec.json.Encoder()


def storable(record: R) -> R:
    r"""Return the record; what is no Unicode in its texts is written as an escape, such as ``\udcff``.

    Names of files and arguments of commands are bytes, and Python hands on what it cannot decode. No
    run fails for it.
    """
    try:
        _encoder.encode(record)
    except UnicodeEncodeError:
        return msgspec.convert(_escaped(msgspec.to_builtins(record)), type(record))
    return record


def is_storable(text: str) -> bool:
    """Tell whether the text is Unicode."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _escaped(value: object) -> object:
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        return {_escaped(key): _escaped(kept) for key, kept in items}
    if isinstance(value, list | tuple):
        return [_escaped(item) for item in cast("list[Any]", value)]
    return value
