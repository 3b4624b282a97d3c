"""Storing what is defined in the flow's own file: by name where that file is loaded, by value elsewhere."""

# cloudpickle has no type information:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from types import FunctionType, ModuleType
from typing import TypeVar
from weakref import WeakKeyDictionary

from stepwell.datastore.storage import Buffer

# Pickle writes a module's name as a short string: opcode, length, text. `__main__` always counts.
_MAIN = b"\x8c\x08__main__"
_SCANNED_UP_TO = 1024 * 1024

_flow_modules: dict[str, str] = {}
_marks: list[bytes] = [_MAIN]
_by_value: WeakKeyDictionary[type | FunctionType, bytes] = WeakKeyDictionary()

T = TypeVar("T")


def set_flow_module(name: str, file: str) -> None:
    """Say that the module ``name`` was loaded from the flow's file; of ``__main__`` that is known."""
    if name == "__main__":
        return
    _flow_modules[name] = os.path.realpath(file)
    text = name.encode()
    _marks.append(b"\x8c" + bytes([len(text)]) + text)


def defines_more(module: str, besides: type) -> bool:
    """Return whether a flow's file defines functions, or classes other than those of one kind: its flows."""
    loaded = sys.modules.get(module)
    return any(
        isinstance(value, type | FunctionType)
        and value.__module__ == module
        and not (isinstance(value, type) and issubclass(value, besides))
        for value in vars(loaded).values()
    )


def mentioned_in(stream: Sequence[Buffer]) -> bool:
    """Return whether a pickle refers to something of the flow's file (or holds its name as text)."""
    return any(
        mark in piece
        for piece in stream
        if len(piece) <= _SCANNED_UP_TO and isinstance(piece, (bytes, bytearray))
        for mark in _marks
    )


def dump(with_pickler: Callable[[Callable[..., pickle.Pickler], object], T], value: object) -> T:
    """Pickle ``value`` so that it loads in any process; slower, and imports cloudpickle."""
    return with_pickler(_flow_pickler(), value)


def resolve(module: str, file: str, qualname: str, by_value: bytes) -> object:
    """Return what the flow's file calls ``qualname`` if it is loaded here, else the copy made by value.

    A class found by name is the very class that the step's code uses, so that ``isinstance`` holds.
    """
    for candidate in dict.fromkeys(("__main__", module, *_flow_modules)):
        loaded = sys.modules.get(candidate)
        if loaded is not None and file and _file_of(loaded) == file:
            found = _attribute(loaded, qualname)
            if found is not None:
                return found
    if not by_value:
        raise AttributeError(
            f"{qualname} is not in {file or module} any more, and could not be stored by value"
        )
    return pickle.loads(by_value)


def _attribute(module: ModuleType, qualname: str) -> object | None:
    found: object | None = module
    for part in qualname.split("."):
        found = getattr(found, part, None)
    return found


def _file_of(module: ModuleType) -> str:
    known = _flow_modules.get(module.__name__)
    if known is not None:
        return known
    file = getattr(module, "__file__", None)
    return os.path.realpath(file) if file else ""


_pickler_class: list[Callable[..., pickle.Pickler]] = []


def _flow_pickler() -> Callable[..., pickle.Pickler]:
    if not _pickler_class:
        _pickler_class.append(_make_pickler_class())
    return _pickler_class[0]


def _make_pickler_class() -> Callable[..., pickle.Pickler]:
    import cloudpickle

    class FlowPickler(cloudpickle.Pickler):
        def reducer_override(self, obj: object) -> object:
            if type(obj) is TextIOWrapper:
                # cloudpickle would store what the file holds now, in silence.
                raise TypeError("cannot pickle an open file")
            if isinstance(obj, (type, FunctionType)):
                name = obj.__module__
                if name == "__main__" or name in _flow_modules:
                    module = sys.modules.get(name)
                    if module is not None and _attribute(module, obj.__qualname__) is obj:
                        return resolve, (name, _file_of(module), obj.__qualname__, _copy_of(obj, module))
            # Lambdas, and what functions define, go by value; what they use of the file comes by here again.
            return super().reducer_override(obj)

    return FlowPickler


def _copy_of(obj: type | FunctionType, module: ModuleType) -> bytes:
    known = _by_value.get(obj)
    if known is None:
        try:
            known = _by_value_bytes(obj, module)
        except Exception:  # noqa: BLE001 - it may refer to a lock, say; then it loads only where its file is
            known = b""
        _by_value[obj] = known
    return known


def _by_value_bytes(obj: object, module: ModuleType) -> bytes:
    import cloudpickle

    if module.__name__ == "__main__":
        return cloudpickle.dumps(obj, protocol=5)
    cloudpickle.register_pickle_by_value(module)
    try:
        return cloudpickle.dumps(obj, protocol=5)
    finally:
        cloudpickle.unregister_pickle_by_value(module)
