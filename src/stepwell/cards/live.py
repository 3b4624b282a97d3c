"""Components that change while the step works."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from datetime import datetime
from math import isfinite

from stepwell.cards.best_component import component_for
from stepwell.cards.component import Component
from stepwell.model.card_parts import AnyPart, Event, ProgressPart, TimelinePart, ValuePart

_PLAIN = (str, int, float, bool, type(None))


class ProgressBar(Component):
    """How far something has come.

    Parameters
    ----------
    max
        The value at which it is done.
    label
        What it is that comes on.
    value
        How far it is at first.
    unit
        What is counted.
    metadata
        A remark beside it.
    """

    def __init__(
        self,
        max: float = 100,
        label: str | None = None,
        value: float = 0,
        unit: str | None = None,
        metadata: str | None = None,
    ) -> None:
        self._max = _number(max)
        self._label = label or ""
        self._value = _number(value)
        self._unit = unit or ""
        self._metadata = metadata or ""
        self._revision = 0

    @property
    def revision(self) -> int:
        return self._revision

    def update(self, new_value: float, metadata: str | None = None) -> None:
        """Say how far it is; shown from the next `refresh` on."""
        self._value = _number(new_value)
        if metadata is not None:
            self._metadata = metadata
        self._revision += 1

    def part(self) -> AnyPart:
        return ProgressPart(self._value, self._max, self._label, self._unit, self._metadata)


def _number(value: float) -> float:
    number = float(value)
    return number if isfinite(number) else 0.0


class ValueBox(Component):
    """One number or word that matters.

    Parameters
    ----------
    title
        What it is.
    value
        A number is shown with separators.
    subtitle
        A remark below it.
    theme
        ``default``, ``success``, ``warning`` or ``danger``, which colours it.
    change_indicator
        How it has changed, such as ``+3 %``.
    """

    def __init__(
        self,
        title: str | None = None,
        value: object = "",
        subtitle: str | None = None,
        theme: str | None = None,
        change_indicator: str | None = None,
    ) -> None:
        self._shown: dict[str, object] = {}
        self._revision = -1
        self.update(title, value, subtitle, theme, change_indicator)

    @property
    def revision(self) -> int:
        return self._revision

    def update(
        self,
        title: str | None = None,
        value: object = None,
        subtitle: str | None = None,
        theme: str | None = None,
        change_indicator: str | None = None,
    ) -> None:
        """Change what is given; shown from the next `refresh` on."""
        given = {
            "title": title,
            "value": value,
            "subtitle": subtitle,
            "theme": theme,
            "change": change_indicator,
        }
        self._shown |= {name: new for name, new in given.items() if new is not None}
        self._revision += 1

    def part(self) -> AnyPart:
        texts = {
            name: _shown(value) if name == "value" else str(value) for name, value in self._shown.items()
        }
        return ValuePart(
            texts.get("title", ""),
            texts.get("value", ""),
            texts.get("subtitle", ""),
            texts.get("change", ""),
            texts.get("theme", "default"),
        )


def _shown(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:,.6g}" if isinstance(value, float) else str(value)


class EventsTimeline(Component):
    """What has happened, the latest first.

    Parameters
    ----------
    title
        What is said above it.
    max_events
        How many of the latest are shown.
    """

    def __init__(self, title: str | None = None, max_events: int = 100) -> None:
        self._title = title or ""
        self._events: deque[Event] = deque(maxlen=max(1, max_events))
        self._total = 0
        self._finished = False

    @property
    def revision(self) -> int:
        return self._total + self._finished

    def update(
        self,
        event_data: Mapping[str, object],
        style_theme: str = "default",
        payloads: Mapping[str, object] | None = None,
        finished: bool | None = None,
        at: datetime | None = None,
    ) -> None:
        """Add an event; shown from the next `refresh` on.

        Parameters
        ----------
        event_data
            What there is to say of it, by name.
        style_theme
            ``default``, ``success``, ``warning``, ``error`` or ``info``.
        payloads
            Components, or other values, that belong to it, by name.
        finished
            Whether no more events are to come.
        at
            When it happened; now unless given.
        """
        fields = {str(name): _shown(value) for name, value in event_data.items()}
        parts = {str(name): component_for(value).part() for name, value in (payloads or {}).items()}
        moment = time.time() if at is None else at.timestamp()
        self._events.appendleft(Event(moment, fields, style_theme, parts))
        self._total += 1
        if finished is not None:
            self._finished = finished

    def part(self) -> AnyPart:
        return TimelinePart(self._title, tuple(self._events), self._total, self._finished)
