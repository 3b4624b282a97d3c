"""A storage laid over another reads through to it and leaves it as it is."""

import pytest

from stepwell.storages.memory import MemoryStorage
from stepwell.storages.overlay import OverlayStorage


@pytest.fixture
def below():
    below = MemoryStorage()
    for key in ("f/a", "f/c"):
        below.write(key, [b"below"])
    return below


@pytest.fixture
def above():
    return MemoryStorage()


@pytest.fixture
def storage(above, below):
    return OverlayStorage(above, below)


# SPEC 7.6-2
def test_what_lies_below_is_read(storage):
    assert storage.read("f/a") == b"below"
    assert storage.read("f/a", 2, 2) == b"lo"
    assert (storage.size("f/a"), bytes(storage.map("f/a"))) == (5, b"below")


# SPEC 7.6-2
def test_an_object_from_below_counts_as_written(storage, above):
    assert not storage.write("f/a", [b"again"])
    assert not storage.write(lambda: "f/a", [b"again"])
    assert list(above.list("")) == []


# SPEC 7.6-2
def test_nothing_below_is_changed(storage, below):
    storage.replace("f/a", b"new")
    storage.write("f/b", [b"new"])
    storage.delete(["f/c"])

    assert [(key, below.read(key)) for key in below.list("")] == [("f/a", b"below"), ("f/c", b"below")]
    assert [(key, storage.read(key)) for key in storage.list("f")] == [("f/a", b"new"), ("f/b", b"new")]


# SPEC 7.6-2
def test_what_was_deleted_can_be_written_anew(storage):
    storage.delete(["f/a"])
    assert (storage.read("f/a"), storage.map("f/a"), storage.size("f/a")) == (None, None, None)
    assert not storage.untouched("f/a")

    assert storage.write("f/a", [b"mine"])
    assert storage.read("f/a") == b"mine"
    assert list(storage.list("")) == ["f/a", "f/c"]
