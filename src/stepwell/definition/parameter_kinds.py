"""Types that parameters can have: from text to values, and what values of a program must be."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from enum import Enum
from pathlib import Path
from typing import Any, cast, get_origin

from stepwell.definition.given_text import json_in

_TRUE = frozenset({"true", "1", "yes", "on", "t", "y"})
_FALSE = frozenset({"false", "0", "no", "off", "f", "n"})
_DURATION = re.compile(
    r"(?:(?P<weeks>\d+(?:\.\d+)?)w)?(?:(?P<days>\d+(?:\.\d+)?)d)?(?:(?P<hours>\d+(?:\.\d+)?)h)?"
    r"(?:(?P<minutes>\d+(?:\.\d+)?)m)?(?:(?P<seconds>\d+(?:\.\d+)?)s)?"
)


class Kind(ABC):
    """A type of parameters.

    Attributes
    ----------
    name
        The type as users read it.
    repeats
        Whether its option may be repeated.
    reads_files
        Whether a value is what a file holds: a flow can be right without that file.
    is_bool
        Whether it is True or False, which has options of its own.
    """

    name = ""
    repeats = False
    reads_files = False
    is_bool = False

    @property
    def metavar(self) -> str:
        """What stands for a value in help."""
        return self.name.upper()

    @abstractmethod
    def read(self, text: str) -> object:
        """Return the value that a text stands for; a `ValueError` says what is wrong with it."""

    def read_all(self, texts: Sequence[str]) -> object:
        """Return the value that the texts of an option stand for which was given several times."""
        return self.read(texts[-1])

    @abstractmethod
    def check(self, value: object) -> object:
        """Return a program's value in this type; a `ValueError` says what is wrong with it."""

    def _refuse(self, value: object) -> ValueError:
        return ValueError(f"{value!r} is {type(value).__name__}, not {self.name}")


class Text(Kind):
    name = "str"

    def read(self, text: str) -> object:
        return text

    def check(self, value: object) -> object:
        if not isinstance(value, str):
            raise self._refuse(value)
        return value


class Number(Kind):
    def __init__(self, kind: type[int] | type[float]) -> None:
        self.name = kind.__name__
        self._kind = kind

    def read(self, text: str) -> object:
        try:
            return self._kind(text)
        except ValueError:
            raise ValueError(f"{text!r} is not {'an' if self._kind is int else 'a'} {self.name}") from None

    def check(self, value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int | self._kind):
            raise self._refuse(value)
        try:
            return self._kind(value)
        except OverflowError:
            raise ValueError(f"a whole number this large is no {self.name}") from None


class Bool(Kind):
    """True or False."""

    name = "bool"
    is_bool = True

    def read(self, text: str) -> object:
        word = text.strip().lower()
        if word not in _TRUE | _FALSE:
            raise ValueError(f"{text!r} is neither True nor False")
        return word in _TRUE

    def check(self, value: object) -> object:
        if not isinstance(value, bool):
            raise self._refuse(value)
        return value


class Json(Kind):
    name = "JSON"

    def read(self, text: str) -> object:
        try:
            return json_in(text)
        except ValueError as error:
            raise ValueError(f"it is {error}") from None

    def check(self, value: object) -> object:
        return value


class Shaped(Json):
    """JSON of a given shape, checked field by field."""

    def __init__(self, shape: Any) -> None:
        from msgspec.inspect import CustomType, type_info

        if isinstance(type_info(shape), CustomType):
            raise TypeError(f"{shape!r} is no shape of JSON")
        self._shape = shape

    def read(self, text: str) -> object:
        return self._checked(super().read(text))

    def check(self, value: object) -> object:
        origin = get_origin(self._shape) or self._shape
        if isinstance(origin, type) and origin is not dict and isinstance(value, origin):
            return value
        return self._checked(value)

    def _checked(self, value: object) -> object:
        from msgspec import ValidationError, convert

        try:
            return convert(value, self._shape)
        except ValidationError as error:
            title = getattr(self._shape, "__name__", self._shape)
            raise ValueError(f"it does not fit {title}: {error}") from None


class Choice(Kind):
    """One of a few values, by their texts."""

    def __init__(self, choices: Mapping[str, object]) -> None:
        self._choices = choices
        self.name = f"[{'|'.join(choices)}]"

    @property
    def metavar(self) -> str:
        return self.name

    def read(self, text: str) -> object:
        if text not in self._choices:
            raise ValueError(f"{text!r} is none of {', '.join(self._choices)}")
        return self._choices[text]

    def check(self, value: object) -> object:
        for known in self._choices.values():
            if value == known and type(value) is type(known):
                return known
        return self.read(value.name if isinstance(value, Enum) else str(value))


class EnumMember(Choice):
    def __init__(self, kind: type[Enum]) -> None:
        super().__init__({member.name: member for member in kind})
        self._by_value = {str(member.value): member for member in kind}

    def read(self, text: str) -> object:
        return self._by_value[text] if text in self._by_value else super().read(text)


class Time(Kind):
    def __init__(self, kind: type) -> None:
        self.name = kind.__name__
        self._kind = kind

    def read(self, text: str) -> object:
        from msgspec import ValidationError, convert

        if self._kind is timedelta and (found := _duration(text)) is not None:
            return found
        if self._kind is datetime and len(text) == 10:
            text += "T00:00:00"
        try:
            return cast("object", convert(text.replace(" ", "T"), self._kind))
        except ValidationError:
            example = EXAMPLES[self._kind]
            raise ValueError(f"{text!r} is no {self.name}, as in {example}") from None

    def check(self, value: object) -> object:
        if type(value) is not self._kind:
            raise self._refuse(value)
        return value


EXAMPLES: Mapping[type, str] = {
    date: "2026-01-31",
    datetime: "2026-01-31T12:00:00",
    time: "12:00:00",
    timedelta: "7d, 1h30m or 90s",
}


def _duration(text: str) -> timedelta | None:
    matched = _DURATION.fullmatch(text.replace(" ", ""))
    parts = (
        {} if matched is None else {name: float(part) for name, part in matched.groupdict().items() if part}
    )
    try:
        return timedelta(**parts) if parts else None
    except OverflowError:
        raise ValueError(f"{text!r} is longer than a timedelta can be, {timedelta.max.days} days") from None


class PathKind(Kind):
    name = "path"

    def read(self, text: str) -> object:
        return Path(text)

    def check(self, value: object) -> object:
        if not isinstance(value, str | Path):
            raise self._refuse(value)
        return Path(value)


class OfClick(Kind):
    def __init__(self, kind: Any) -> None:
        self.name = str(kind.name)
        self._kind = kind

    def read(self, text: str) -> object:
        import click

        try:
            return self._kind.convert(text, None, None)
        except click.ClickException as error:
            raise ValueError(error.message) from None

    def check(self, value: object) -> object:
        return self.read(cast("str", value))


class Listed(Kind):
    """Several values of one type: an option that is repeated, or a JSON list."""

    repeats = True

    def __init__(self, item: Kind, container: Callable[[Sequence[object]], object]) -> None:
        self._item = item
        self._container = container
        self.name = f"list of {item.name}"

    @property
    def metavar(self) -> str:
        return self._item.metavar

    def read(self, text: str) -> object:
        if not text.lstrip().startswith("["):
            return self._container([self._item.read(text)])
        found = cast("list[object]", Json().read(text))
        return self._container([self._item_of(one) for one in found])

    def read_all(self, texts: Sequence[str]) -> object:
        """Return the value that options stand for; one alone may be a JSON list."""
        return self.read(texts[0]) if len(texts) == 1 else self._container(list(map(self._item.read, texts)))

    def check(self, value: object) -> object:
        if not isinstance(value, list | tuple):
            raise self._refuse(value)
        return self._container([self._item.check(one) for one in cast("list[object]", value)])

    def _item_of(self, found: object) -> object:
        return self._item.read(found) if isinstance(found, str) else self._item.check(found)


class Separated(Kind):
    """Text that is split into a list."""

    name = "str"

    def __init__(self, separator: str) -> None:
        self._separator = separator

    def read(self, text: str) -> object:
        return text.split(self._separator)

    def check(self, value: object) -> object:
        if isinstance(value, list | tuple):
            return list(cast("list[object]", value))
        return self.read(cast("str", Text().check(value)))
