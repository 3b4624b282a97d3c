"""A process that reads for long keeps a bounded amount of what it has read."""

import gc
import mmap
import tracemalloc

import pytest

from stepwell.datastore.blobs import Blobs
from stepwell.datastore.datastore import Datastore
from stepwell.datastore.unchanged import Mappings
from stepwell.storages.memory import MemoryStorage


@pytest.fixture
def grown():
    """Returns by how many bytes the memory that Python objects take has grown since the last call."""
    tracemalloc.start()

    def grown():
        gc.collect()
        size, _ = tracemalloc.get_traced_memory()
        before, grown.size = grown.size, size
        return size - before

    grown.size = 0
    yield grown
    tracemalloc.stop()


# SPEC 10.3-12
def test_hashes_that_were_right_are_not_remembered_without_end(grown):
    blobs = Blobs(MemoryStorage())
    digests = [blobs.put([b"%d" % number], len(b"%d" % number)) for number in range(100_000)]

    def read(some):
        for digest in some:
            blobs.get(digest, -1, str)
        return grown()

    read(digests[:40_000])

    assert read(digests[40_000:]) < 1_000_000


# SPEC 10.3-12
def test_mappings_that_nobody_uses_are_forgotten_and_those_in_use_are_not(grown):
    mappings = Mappings()
    used = [memoryview(mmap.mmap(-1, mmap.PAGESIZE)) for _ in range(3)]

    def read(numbers):
        for number in numbers:
            mappings.remember(b"%d" % number, memoryview(mmap.mmap(-1, mmap.PAGESIZE)))
        return grown()

    for number, view in enumerate(used):
        mappings.remember(b"used %d" % number, view)
    read(range(5_000))

    assert read(range(5_000, 50_000)) < 400_000
    assert [len(mappings._of[b"used %d" % number]) for number in range(3)] == [1, 1, 1]


# SPEC 10.3-12
def test_small_values_are_kept_up_to_a_few_megabytes(grown):
    store = Datastore(MemoryStorage())
    entries = [store.save("x", b"%06d" % number * 2_000) for number in range(2_000)]

    def read(some):
        for entry in some:
            store.load("F", entry)
        return grown()

    read(entries[:500])

    assert read(entries[500:]) < 1_000_000
