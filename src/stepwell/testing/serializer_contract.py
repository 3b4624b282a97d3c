"""What every serializer must do. Subclass, give it the three fixtures, and run it with pytest."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from stepwell.datastore.datastore import Datastore
from stepwell.datastore.preview import class_name
from stepwell.datastore.serializer import Serializer
from stepwell.datastore.serializers import Serializers
from stepwell.storages.memory import MemoryStorage

_LABEL = "contract@tests"


class SerializerContract:
    """The promises of the serializer port, each as a test.

    Fixtures to give: ``serializer``; ``values``, a few that it takes, small and large; ``refused``, values of
    its types that it refuses, empty if there are none.
    """

    def same(self, one: object, other: object) -> bool:
        """Whether two values are equal. Override it for types, such as arrays, where ``==`` does not tell."""
        return one == other

    def test_its_types_are_names_and_its_values_are_of_them(
        self, serializer: Serializer, values: Sequence[object]
    ) -> None:
        assert isinstance(serializer.types, tuple)
        for value in values:
            assert {class_name(cls) for cls in type(value).__mro__}.intersection(serializer.types)

    def test_another_one_of_its_class_reads_what_it_wrote(
        self, serializer: Serializer, values: Sequence[object]
    ) -> None:
        for value in values:
            assert self.same(type(serializer)().load(_written(serializer, value)), value)

    def test_reading_and_writing_again_gives_the_same_bytes(
        self, serializer: Serializer, values: Sequence[object]
    ) -> None:
        for value in values:
            data = _written(serializer, value)
            kept = bytes(data)
            assert bytes(_written(serializer, serializer.load(data))) == kept

    def test_it_refuses_by_returning_none(self, serializer: Serializer, refused: Sequence[object]) -> None:
        if not refused:
            pytest.skip("it takes every value of its types")
        assert [serializer.dump(value) for value in refused] == [None] * len(refused)

    def test_a_datastore_keeps_its_values(self, serializer: Serializer, values: Sequence[object]) -> None:
        store = Datastore(MemoryStorage(), serializers=Serializers(lambda: ({_LABEL: serializer}, {})))
        for value in values:
            entry = store.save("x", value)
            loaded = store.load("Flow", entry)
            assert entry.serializer == _LABEL
            assert self.same(loaded, value)
            assert store.resave("x", loaded, entry, loaded) is entry


def _written(serializer: Serializer, value: object) -> memoryview:
    """Return what is written of a value as `load` gets it: in one piece, private and writable."""
    pieces = serializer.dump(value)
    assert pieces is not None, f"{value!r} was refused"
    return memoryview(bytearray(b"".join(memoryview(piece).cast("B") for piece in pieces if len(piece))))
