"""Finds the part of a value that cannot be stored, and says what to do about it."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import cast

from msgspec import Struct

from stepwell.datastore.preview import type_name

_DEEPEST = 12
_MOST_PARTS = 10_000

_STORE_SINGLE = "store single values (self.x = inputs[0].x), not the flow or the input itself"
_ADVICE = {
    "flow": _STORE_SINGLE,
    "input": _STORE_SINGLE,
    "file": "store the path or the content, and open the file where it is needed",
    "lock": "make the lock in the step that needs it; tasks run in processes of their own and share none",
    "generator": "store list(...) of it",
    "connection": "store what is needed to connect, and connect in each step",
    "event loop task": "await it, and store its result",
    "thread or process": "wait for it, and store its result",
    "module": "import the module in the step that uses it",
    "other": "store plain data, or give the class __getstate__/__reduce__ so that pickle can write it",
}
# fmt: off
_KINDS = {
    "_thread.lock": "lock", "_thread.RLock": "lock", "_thread._local": "lock",
    "builtins.generator": "generator", "builtins.async_generator": "generator",
    "builtins.coroutine": "event loop task", "builtins.frame": "other",
    "_asyncio.Task": "event loop task", "_asyncio.Future": "event loop task", "builtins.module": "module",
    "sqlite3.Connection": "connection", "sqlite3.Cursor": "connection", "socket.socket": "connection",
    "_socket.socket": "connection", "ssl.SSLSocket": "connection", "threading.Thread": "thread or process",
    "subprocess.Popen": "thread or process",
}
# fmt: on
_CONNECTION_PACKAGES = frozenset(
    {"psycopg", "psycopg2", "pymysql", "MySQLdb", "redis", "pymongo", "sqlalchemy", "duckdb", "oracledb"}
)


class Offender(Struct, frozen=True):
    """Why one artifact cannot be stored.

    Attributes
    ----------
    name
        The artifact.
    type
        Dotted name of its class.
    path
        Where in it the part stands that cannot be stored, as Python would reach it: ``x.jobs[3].lock``.
    part_type, kind
        Class of that part, and what kind of thing it is.
    reason
        What pickling it said.
    advice
        What to do.
    """

    name: str
    type: str
    path: str
    part_type: str
    kind: str
    reason: str
    advice: str

    def __str__(self) -> str:
        part = f"{self.path} ({self.part_type})" if self.path != f"self.{self.name}" else "it"
        return (
            f"self.{self.name} ({self.type}): {part} cannot be stored: {self.reason}. Advice: {self.advice}."
        )


class Unstorable(Exception):
    """A value cannot be stored; ``offender`` says why."""

    def __init__(self, offender: Offender) -> None:
        super().__init__(str(offender))
        self.offender = offender


def find(name: str, value: object, error: BaseException) -> Offender:
    """Return the innermost part of ``value`` that cannot be pickled.

    ``error`` is what pickling the whole value raised.
    """
    path, part, reason = f"self.{name}", value, _said(error)
    seen: set[int] = set()
    for _ in range(_DEEPEST):
        seen.add(id(part))
        for suffix, inner in _parts(part):
            failure = None if id(inner) in seen else _failure(inner)
            if failure is not None:
                path, part, reason = path + suffix, inner, failure
                break
        else:
            break
    kind = _kind(part)
    return Offender(name, type_name(value), path, type_name(part), kind, reason, _ADVICE[kind])


def failed(name: str, value: object, serializer: str, why: str) -> Offender:
    """Return what there is to say when the serializer that wants the type has failed."""
    kind = type_name(value)
    advice = "mend or update that distribution; its `dump` returns None to refuse a value"
    return Offender(
        name, kind, f"self.{name}", kind, "other", f"its serializer {serializer} said {why}", advice
    )


def _failure(value: object) -> str | None:
    from stepwell.datastore.pickles import PickleSerializer

    try:
        PickleSerializer().dump(value)
    except Exception as error:  # noqa: BLE001 - any exception means that it cannot be stored
        return _said(error)
    return None


def _said(error: BaseException) -> str:
    text = str(error).strip().rstrip(".").split("\n")[0]
    return (
        text
        if isinstance(error, (TypeError, pickle.PicklingError)) and text
        else f"{type(error).__name__}: {text}"
    )


def _parts(value: object) -> Iterator[tuple[str, object]]:
    """The parts that pickle would go into, with how Python writes the way there."""
    if _kind(value) != "other":
        return
    yield from _members(value)
    if not isinstance(value, type):
        yield from _attributes(value)
    if callable(value) and hasattr(value, "__closure__"):
        yield from _closure(value)


def _members(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for index, (key, inner) in enumerate(cast("dict[object, object]", value).items()):
            if index >= _MOST_PARTS:
                return
            where = repr(key) if type(key) in (str, int, float, bool, bytes) else f"<{type_name(key)}>"
            yield f"[{where[:60]}]", inner
            yield f" key {where[:60]}", key
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(cast("list[object]", value)[:_MOST_PARTS]):
            yield f"[{index}]", inner
    elif isinstance(value, (set, frozenset)):
        for inner in cast("set[object]", value):
            yield " item", inner


def _attributes(value: object) -> Iterator[tuple[str, object]]:
    try:
        state = vars(value)
    except TypeError:
        state = {}
    for key, inner in state.items():
        yield f".{key}", inner
    for cls in type(value).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else tuple(cast("tuple[str, ...]", slots)):
            if slot not in ("__dict__", "__weakref__") and hasattr(value, slot):
                yield f".{slot}", getattr(value, slot)


def _closure(value: object) -> Iterator[tuple[str, object]]:
    code = getattr(value, "__code__", None)
    cells = getattr(value, "__closure__", None) or ()
    for name, cell in zip(getattr(code, "co_freevars", ()), cells, strict=False):
        try:
            yield f" closure variable {name}", cell.cell_contents
        except ValueError:
            continue


def _kind(value: object) -> str:
    for cls in type(value).__mro__:
        name = f"{cls.__module__}.{cls.__qualname__}"
        if name in _KINDS:
            return _KINDS[name]
        if cls.__name__ == "FlowSpec":
            return "flow"
        if cls.__module__.startswith("stepwell.runtime") and "Input" in cls.__name__:
            return "input"
        if cls.__module__ in ("_io", "io", "tempfile"):
            return "file"
        if cls.__module__.partition(".")[0] in _CONNECTION_PACKAGES:
            return "connection"
    return "other"
