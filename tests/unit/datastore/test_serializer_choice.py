"""The choice among serializers: by type and priority when writing, by name when reading."""

import os
from decimal import Decimal

import pytest
from msgspec.structs import replace

from stepwell.datastore.datastore import Datastore
from stepwell.datastore.serializer import Serializer
from stepwell.datastore.serializers import Distrust, Serializers
from stepwell.datastore.unstorable import Unstorable
from stepwell.exceptions import DataException, UntrustedData
from stepwell.model.ids import TaskKey
from stepwell.model.pack import Pack
from stepwell.model.task import TaskOutcome
from stepwell.storages.memory import MemoryStorage


class Point:
    def __init__(self, x):
        self.x = x

    def __eq__(self, other):
        return isinstance(other, Point) and self.x == other.x


class Point3(Point):
    pass


POINT = f"{Point.__module__}.Point"
POINT3 = f"{Point.__module__}.Point3"


def serializer(mark, kinds, refuses=lambda value: False, **more):
    """A serializer whose bytes start with a mark of its own."""

    class Marked(Serializer):
        types = kinds
        priority = more.get("priority", 0)
        safe = more.get("safe", False)

        def dump(self, value):
            return None if refuses(value) else [mark, str(value.x).encode()]

        def load(self, data):
            assert bytes(data[:1]) == mark
            return Point(int(bytes(data[1:])))

    return Marked()


def store(usable, broken=(), storage=None, distrust=None):
    found = (usable, dict(broken))
    return Datastore(storage or MemoryStorage(), serializers=Serializers(lambda: found, distrust))


# SPEC 12.2-1
def test_values_of_its_types_and_of_subclasses_go_to_a_serializer_and_back():
    one = store({"a@one": serializer(b"a", (POINT,))})

    entries = [one.save("x", value) for value in (Point(1), Point3(2), 3)]

    assert [entry.serializer for entry in entries] == ["a@one", "a@one", "pickle"]
    assert one.load("F", entries[0]) == Point(1)


# SPEC 12.2-1
def test_the_highest_priority_is_asked_first_then_the_nearest_class_then_the_name():
    of = {
        "far@one": serializer(b"f", (POINT,)),
        "z@one": serializer(b"z", (POINT3,)),
        "b@one": serializer(b"b", (POINT3,)),
        "first@one": serializer(b"1", ("object",), refuses=lambda value: value.x == 0, priority=5),
    }

    assert store(of).save("x", Point3(1)).serializer == "first@one"
    assert store(of).save("x", Point3(0)).serializer == "b@one"
    assert store(of).save("x", Point(0)).serializer == "far@one"


# SPEC 12.2-1
def test_what_all_refuse_is_pickled():
    one = store({"a@one": serializer(b"a", (POINT,), refuses=lambda value: True)})

    entry = one.save("x", Point(1))

    assert entry.serializer == "pickle"
    assert one.load("F", entry) == Point(1)


# SPEC 12.2-1
def test_items_of_a_foreach_go_through_it_too():
    one = store({"a@one": serializer(b"a", (POINT,))})

    items, table, _ = one.save_items([Point(4), 5])

    assert b"a@one" in table
    assert items.count == 2


# SPEC 12.2-1
def test_one_that_fails_is_named_and_nothing_is_stored():
    class Failing(Serializer):
        types = (POINT,)

        def dump(self, value):
            raise KeyError("no luck")

        def load(self, data):
            raise AssertionError("never written")

    with pytest.raises(Unstorable, match=r"self\.x .* serializer a@one said KeyError: 'no luck'"):
        store({"a@one": Failing()}).save("x", Point(1))


# SPEC 12.2-1
@pytest.mark.parametrize("wrong", ["text", [1, 2], b"bytes", 7])
def test_one_that_returns_no_bytes_in_pieces_is_named(wrong):
    class Wrong(Serializer):
        types = (POINT,)

        def dump(self, value):
            return wrong

        def load(self, data):
            raise AssertionError("never written")

    with pytest.raises(Unstorable, match="a@one said `dump` must return bytes in a sequence of pieces"):
        store({"a@one": Wrong()}).save("x", Point(1))


# SPEC 12.2-1
def test_where_a_serializer_is_missing_the_error_says_what_to_install():
    storage = MemoryStorage()
    entry = store({"a@acme-points": serializer(b"a", (POINT,))}, storage=storage).save("x", Point(1))
    elsewhere = store({}, storage=storage)

    wanted = r"'x'.*'a' of the distribution acme-points.*pip install acme-points"
    with pytest.raises(DataException, match=wanted):
        elsewhere.load("F", entry)

    assert bytes(elsewhere.stored("F", entry)) == b"a1"


# SPEC 12.2-1
def test_where_it_cannot_be_used_the_error_says_why():
    storage = MemoryStorage()
    entry = store({"a@acme": serializer(b"a", (POINT,))}, storage=storage).save("x", Point(1))

    with pytest.raises(
        DataException, match=r"'a' of the distribution acme, .*No module named 'points'.*Mend"
    ):
        store({}, {"a@acme": "No module named 'points'"}, storage).load("F", entry)


# SPEC 12.2-1
def test_one_that_is_installed_meanwhile_is_found():
    storage, found = MemoryStorage(), []
    entry = store({"a@one": serializer(b"a", (POINT,))}, storage=storage).save("x", Point(1))
    late = Datastore(storage, serializers=Serializers(lambda: (dict(found), {})))
    with pytest.raises(DataException):
        late.load("F", entry)

    found.append(("a@one", serializer(b"a", (POINT,))))

    assert late.load("F", entry) == Point(1)


STRANGE = Distrust("/theirs", "the datastore /theirs belongs to the user ann")


class Trap:
    """Runs code when it is loaded."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return (os.mkdir, (self.file,))


# SPEC 18.2-1
def test_a_pickle_of_strangers_that_would_run_code_is_not_loaded(tmp_path):
    storage = MemoryStorage()
    entry = store({}, storage=storage).save("x", {"deep": [Trap(str(tmp_path / "sprung"))]})

    with pytest.raises(UntrustedData) as refused:
        store({}, storage=storage, distrust=STRANGE).load("F", entry)

    assert not (tmp_path / "sprung").exists()
    for word in (
        "'x'",
        "the user ann",
        "mkdir",
        "trust=True",
        "STEPWELL_TRUST=/theirs",
        ".preview",
        ".bytes()",
    ):
        assert word in str(refused.value)


# SPEC 18.2-1
@pytest.mark.parametrize(
    "value",
    [None, True, 7, 10**400, 1.5, "text", "x" * 50_000, b"bytes", b"b" * 50_000, bytearray(b"b" * 50_000),
     [1, [2, {"a": (3, frozenset({4}))}], {5}]],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_plain_data_of_strangers_is_loaded(value):
    storage = MemoryStorage()
    entry = store({}, storage=storage).save("x", value)

    loaded = store({}, storage=storage, distrust=STRANGE).load("F", entry)

    assert loaded == value


# SPEC 18.2-1
def test_what_is_not_plain_is_refused_also_when_it_is_harmless():
    storage = MemoryStorage()
    entry = store({}, storage=storage).save("x", Decimal("1.5"))

    with pytest.raises(UntrustedData, match=r"decimal\.Decimal"):
        store({}, storage=storage, distrust=STRANGE).load("F", entry)


# SPEC 18.2-1
@pytest.mark.parametrize(
    "data", [b"", b"\x80", b"\x80\x05.", b"SWB1", b"SWB1" + b"\xff" * 40, b"cos\nsystem\n."]
)
def test_bytes_that_are_no_pickle_are_refused(data):
    entry = store({}).save("x", 1)
    broken = replace(entry, size=len(data), inline=data)

    with pytest.raises(UntrustedData):
        store({}, distrust=STRANGE).load("F", broken)


# SPEC 18.2-1
def test_of_strangers_a_serializer_reads_only_if_it_promises_to_be_safe():
    storage = MemoryStorage()
    of = {"a@one": serializer(b"a", (POINT,)), "s@one": serializer(b"s", (POINT3,), safe=True)}
    unsafe, safe = (store(of, storage=storage).save("x", kind(3)) for kind in (Point, Point3))
    strange = store(of, storage=storage, distrust=STRANGE)

    assert strange.load("F", safe) == Point(3)
    with pytest.raises(UntrustedData, match="'a' of the distribution one does not promise"):
        strange.load("F", unsafe)


# SPEC 18.2-1
def test_of_strangers_nobody_is_told_what_to_install():
    storage = MemoryStorage()
    entry = store({"a@evil": serializer(b"a", (POINT,))}, storage=storage).save("x", Point(1))

    with pytest.raises(UntrustedData) as refused:
        store({}, storage=storage, distrust=STRANGE).load("F", entry)

    assert "install" not in str(refused.value)


# SPEC 18.2-1
def test_items_of_strangers_are_not_loaded_either(tmp_path):
    storage = MemoryStorage()
    items, table, _ = store({}, storage=storage).save_items([Trap(str(tmp_path / "sprung"))])
    key, outcome = TaskKey("F", "1", "start", "1"), TaskOutcome(ok=True, started_at=0, ended_at=1)
    pack = Pack(key=key, attempt=0, outcome=outcome, items=items, item_table=table)

    with pytest.raises(UntrustedData, match="Item 0 of F/1/start/1"):
        store({}, storage=storage, distrust=STRANGE).load_item(pack, 0)

    assert not (tmp_path / "sprung").exists()
