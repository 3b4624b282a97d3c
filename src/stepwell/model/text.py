"""Text that every store can keep."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from stepwell.model import wire
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
        return msgspec.convert(wire.escaped(record), type(record))
    return record


def is_storable(text: str) -> bool:
    """Tell whether the text is Unicode."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
