"""What a step says of itself with ``current.log`` and ``current.metric``: facts and series."""

from __future__ import annotations

import json
from collections.abc import Mapping
from threading import Lock
from time import time

from stepwell.exceptions import DataException
from stepwell.model.pack import MetricPoint

FACTS_SIZE = 64 * 1024
"""Most characters that the facts of one task may have, as JSON with their names."""
SERIES_COUNT = 100
"""Most series that a task may have."""
SERIES_LENGTH = 1000
"""Points kept of a series. When they become more, every second one goes; the first and the latest stay."""
_NAME_LENGTH = 200


class Notes:
    """Facts and series of one task attempt; threads of the step may write at the same time."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._facts: dict[str, str] = {}
        self._series: dict[str, _Series] = {}

    def log(self, fields: Mapping[str, object]) -> None:
        """Keep facts by name, all or none of them; a name given before gets its new value.

        Raises
        ------
        DataException
            A value is no JSON, or the facts have become too large.
        """
        texts = {name: _json(name, value) for name, value in fields.items()}
        with self._lock:
            facts = {**self._facts, **texts}
            size = sum(len(name) + len(text) for name, text in facts.items())
            if size > FACTS_SIZE:
                raise DataException(
                    f"The facts that `current.log` keeps of a task may have {FACTS_SIZE} characters in all; "
                    f"with {', '.join(texts)} they have {size}. Store large values as artifacts, on `self`."
                )
            self._facts = facts

    def metric(self, name: str, value: object, step: object) -> None:
        """Add a point to a series.

        Raises
        ------
        DataException
            Name, value or step are of a wrong kind, or there are too many series.
        """
        _check_name("metric", name)
        what = f"`current.metric({name!r}, ...)`"
        number = _number(what, "value", value)
        place = None if step is None else _number(what, "step", step)
        with self._lock:
            series = self._series.get(name)
            if series is None:
                if len(self._series) == SERIES_COUNT:
                    raise DataException(
                        f"{what} would begin series number {SERIES_COUNT + 1} of this task; it may have "
                        f"{SERIES_COUNT}. Give what changes as `step`, not in the name."
                    )
                series = self._series[name] = _Series()
            series.add(number, place)

    def facts(self) -> dict[str, str]:
        """Return the facts, each as JSON text."""
        return dict(self._facts)

    def metrics(self) -> dict[str, tuple[MetricPoint, ...]]:
        """Return the series."""
        with self._lock:
            return {name: series.points() for name, series in self._series.items()}


class _Series:
    """Every ``stride``-th point so far, and the latest."""

    def __init__(self) -> None:
        self._kept: list[MetricPoint] = []
        self._latest: MetricPoint | None = None
        self._stride = 1
        self._count = 0

    def add(self, value: float, step: float | None) -> None:
        point = MetricPoint(float(self._count) if step is None else step, value, time())
        if len(self._kept) == SERIES_LENGTH:
            self._kept = self._kept[::2]
            self._stride *= 2
        if self._count % self._stride == 0:
            self._kept.append(point)
        self._latest = point
        self._count += 1

    def points(self) -> tuple[MetricPoint, ...]:
        if self._latest is None or self._kept[-1] is self._latest:
            return tuple(self._kept)
        return (*self._kept, self._latest)


def _json(name: str, value: object) -> str:
    _check_name("log", name)
    try:
        return json.dumps(value, default=_scalar)
    except (TypeError, ValueError, RecursionError) as error:
        raise DataException(
            f"`current.log({name}=...)` takes what JSON can hold: text, numbers, True, False, None, and "
            f"lists and dictionaries of these. The {type(value).__name__} given is not: {error}. "
            "Store it as an artifact, on `self`, or convert it."
        ) from None


def _check_name(method: str, name: object) -> None:
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= _NAME_LENGTH:
        raise DataException(
            f"`current.{method}` got the name {name!r:.60}. "
            f"A name has 1 to {_NAME_LENGTH} printable characters."
        )


def _scalar(value: object) -> object:
    """Return the Python value of a NumPy scalar or of a tensor without dimensions."""
    item = getattr(value, "item", None)
    if item is None or getattr(value, "ndim", None) != 0:
        raise TypeError(f"it holds a {type(value).__name__}")
    return item()


def _number(what: str, part: str, value: object) -> float:
    try:
        if isinstance(value, (str, bytes)):
            raise TypeError
        return float(value)  # pyright: ignore[reportArgumentType]  # what is no number raises
    except (TypeError, ValueError, OverflowError, RuntimeError):  # the last is a tensor's
        raise DataException(f"{what} takes a number as {part}, not {value!r:.60}.") from None
