from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from enum import Enum, Flag
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from stepwell.datastore.preview import label_of, preview


def refuse(*_args, **_more):
    raise SystemExit("a preview ran the user's code")


class Rude:
    __repr__ = __str__ = __iter__ = __len__ = __getattr__ = __getattribute__ = refuse


class RudeDict(dict):
    __repr__ = items = __iter__ = __len__ = __getitem__ = __getattribute__ = refuse


class RudeList(list):
    __repr__ = __iter__ = __len__ = __bool__ = __getattribute__ = refuse


class RudeError(ValueError):
    __repr__ = __str__ = __getattribute__ = refuse


class RudeZone(tzinfo):
    __repr__ = utcoffset = dst = tzname = refuse


def rude_kind():
    class RudeMeta(type):
        __instancecheck__ = __subclasscheck__ = __getattr__ = refuse

    class RudeKind(metaclass=RudeMeta):
        __class__ = property(refuse)

    return RudeKind


@dataclass(repr=False)
class Point:
    x: int
    y: object = None
    password: str = field(default="", repr=False)
    __repr__ = __getattr__ = refuse


@dataclass(slots=True)
class Slotted:
    x: int
    shared: ClassVar[int] = 3


class Colour(Enum):
    RED = 1
    __repr__ = __str__ = refuse


class Ways(Flag):
    UP = 1
    DOWN = 2


Pair = namedtuple("Pair", "left right")


# SPEC 12.2-4
def test_the_users_code_never_runs():
    assert preview([Rude(), {"k": Rude()}]) == f"[<{__name__}.Rude>, {{'k': <{__name__}.Rude>}}]"
    assert preview(rude_kind()()).endswith("RudeKind>")
    assert preview(slice(Rude())) == f"slice(None, <{__name__}.Rude>, None)"
    assert preview(datetime(2020, 1, 1, tzinfo=RudeZone())) == "datetime.datetime(2020, 1, 1, 0, 0)"


COMMON = [
    (Counter("aab"), "Counter({'a': 2, 'b': 1})"), (defaultdict(list, a=[1]), "defaultdict({'a': [1]})"),
    (OrderedDict(), "OrderedDict({})"), (deque([1, 2]), "deque([1, 2])"), ({3}, "{3}"), (set(), "set()"),
    (RudeDict(a=1), "RudeDict({'a': 1})"), (RudeList([1]), "RudeList([1])"),
    (RudeError("no", 3), "RudeError('no', 3)"), (KeyError("k"), "KeyError('k')"),
    (Colour.RED, "Colour.RED"), (Ways.UP, "Ways.UP"), (Ways(0), "Ways(0)"),
    (Pair(1, "b"), "Pair(left=1, right='b')"), (SimpleNamespace(a=1), "SimpleNamespace(a=1)"),
    (Point(1, [Colour.RED], "secret"), "Point(x=1, y=[Colour.RED])"), (Slotted(2), "Slotted(x=2)"),
    (datetime(2020, 1, 2, tzinfo=UTC), repr(datetime(2020, 1, 2, tzinfo=UTC))),
    (Path("a/b"), repr(Path("a/b"))), (Decimal("1.50"), "Decimal('1.50')"), (range(3), "range(0, 3)"),
    (Point, f"<class {__name__}.Point>"), (refuse, f"<function {__name__}.refuse>"),
]  # fmt: skip


# SPEC 12.2-4
@pytest.mark.parametrize(("value", "text"), COMMON, ids=[text for _, text in COMMON])
def test_common_values_show_what_they_are_made_of(value, text):
    assert preview(value) == text


# SPEC 12.2-4
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"), ((1,), "(1,)"), ({"a": [1, "b"]}, "{'a': [1, 'b']}"),
        (np.zeros((2, 3)), "numpy.ndarray 2x3 float64"), (2**600, "<int of 601 bits>"),
        (pd.DataFrame({"a": [1], "b": [2]}), "pandas.DataFrame 1x2: a, b"),
    ],
)  # fmt: skip
def test_small_values_show_themselves_and_large_ones_their_shape(value, text):
    assert preview(value) == text


def test_a_preview_is_short_whatever_the_value():
    assert len(preview([["x" * 1000] * 1000] * 1000)) <= 400
    assert len(preview(Point(Point("x" * 1000, ["y"] * 1000), deque(range(100_000))))) <= 400


# SPEC 2.3-11
@pytest.mark.parametrize(
    ("item", "label"), [("short", "short"), (3, "3"), ("x" * 99, "'" + "x" * 26 + "...")]
)
def test_a_label_is_the_item_or_its_beginning(item, label):
    assert label_of(item) == label
