import numpy as np
import pytest

from stepwell.datastore.pickles import PickleSerializer
from stepwell.datastore.serializer import Serializer
from stepwell.testing.serializer_contract import SerializerContract


class TestPickle(SerializerContract):
    @pytest.fixture
    def serializer(self):
        return PickleSerializer()

    @pytest.fixture
    def values(self):
        return [None, 7, "x" * 100_000, b"y" * 100_000, {"a": [1.5, {2, 3}]}, np.arange(50_000)]

    @pytest.fixture
    def refused(self):
        return []

    def same(self, one, other):
        return np.array_equal(one, other) if isinstance(other, np.ndarray) else one == other


class Ascii(Serializer):
    """Takes text that is ASCII."""

    types = ("str",)
    safe = True

    def dump(self, value):
        return [value.encode("ascii")] if value.isascii() else None

    def load(self, data):
        return str(data, "ascii")


class TestOneThatRefuses(SerializerContract):
    @pytest.fixture
    def serializer(self):
        return Ascii()

    @pytest.fixture
    def values(self):
        return ["", "text", "x" * 100_000]

    @pytest.fixture
    def refused(self):
        return ["é"]


class TestAViewOfItsBytes(SerializerContract):
    """A serializer of arrays, whose values are views of what was read."""

    class Floats(Serializer):
        types = ("numpy.ndarray",)

        def dump(self, value):
            return [memoryview(value)] if value.dtype == float and value.ndim == 1 else None

        def load(self, data):
            return np.frombuffer(data, dtype=float)

    @pytest.fixture
    def serializer(self):
        return self.Floats()

    @pytest.fixture
    def values(self):
        return [np.arange(4.0), np.arange(100_000.0)]

    @pytest.fixture
    def refused(self):
        return [np.zeros((2, 2)), np.arange(3)]

    def same(self, one, other):
        return np.array_equal(one, other)
