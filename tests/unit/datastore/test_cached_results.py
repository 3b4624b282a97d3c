"""Results are found by what their step has read: in a storage that can only write, read and replace."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.datastore.cached_results import CachedResults, Claim, candidates
from stepwell.model.cache import CacheKey
from stepwell.model.ids import TaskKey
from stepwell.model.observed import CacheEntry, Merge, Observed, Read, Shape
from stepwell.storages.memory import MemoryStorage

NAMES = "abcd"
values = st.fixed_dictionaries({name: st.integers(0, 1) for name in NAMES})


def task(number, run="1"):
    return TaskKey("F", run, "s", str(number))


def digests_in(world):
    def digests(shape):
        return tuple(str(world[read.name]).encode() for read in shape.reads)

    return digests


def observed(world, names, prefix=b"p", place=()):
    shape = Shape(tuple(Read("", name) for name in sorted(names)))
    return Observed(key=CacheKey(prefix=prefix), shape=shape, place=place, digests=digests_in(world)(shape))


def entry(number, user="me"):
    return CacheEntry(task(number), user, float(number))


def found(cache, world, prefix=b"p", place=()):
    return {entry.task.task for entry in candidates(cache, prefix, place, digests_in(world))}


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(values, st.sets(st.sampled_from(NAMES)), st.sampled_from("uv"))), values)
def test_an_entry_is_found_when_and_only_when_all_that_was_read_has_equal_values(kept, now):
    cache = CachedResults(MemoryStorage())
    newest = {}
    for number, (world, names, user) in enumerate(kept):
        cache.keep(observed(world, names), entry(number, user))
        newest[frozenset(names), tuple(world[name] for name in sorted(names)), user] = str(number)

    expected = {
        number
        for (names, read, _), number in newest.items()
        if read == tuple(now[name] for name in sorted(names))
    }
    assert found(cache, now) == expected


def test_another_prefix_or_place_is_another_key():
    world = dict.fromkeys(NAMES, 0)
    cache = CachedResults(MemoryStorage())
    cache.keep(observed(world, "a", place=(("foreach item", b"1"),)), entry(1))

    assert found(cache, world, place=(("foreach item", b"1"),)) == {"1"}
    assert not found(cache, world, place=(("foreach item", b"2"),))
    assert not found(cache, world, b"q", (("foreach item", b"1"),))


def test_what_merges_a_step_has_made_belongs_to_the_key():
    world = dict.fromkeys(NAMES, 0)
    cache = CachedResults(MemoryStorage())
    plain = observed(world, "a")
    merge = Merge(None, (), None, ())
    merged = Observed(key=plain.key, shape=Shape(plain.shape.reads, (merge,)), digests=plain.digests)
    cache.keep(plain, entry(1))
    cache.keep(merged, entry(2))

    assert len(cache.shapes(b"p")) == 2


def test_a_result_that_another_process_has_kept_is_found():
    storage, world = MemoryStorage(), dict.fromkeys(NAMES, 0)
    ours, theirs = CachedResults(storage), CachedResults(storage)
    assert not found(ours, world)

    theirs.keep(observed(world, "ab"), entry(1))
    theirs.keep(observed(world, "a"), entry(2))

    assert found(ours, world) == {"1", "2"}


def test_two_processes_that_meet_a_shape_at_once_both_keep_theirs():
    storage, world = MemoryStorage(), dict.fromkeys(NAMES, 0)
    ours, theirs = CachedResults(storage), CachedResults(storage)
    ours.shapes(b"p"), theirs.shapes(b"p")
    ours.keep(observed(world, "a"), entry(1))
    theirs.keep(observed(world, "b"), entry(2))

    assert found(CachedResults(storage), world) == {"1", "2"}


@pytest.mark.parametrize("what", ["shapes", "entries", "claims"])
def test_what_a_power_cut_has_torn_counts_as_not_there(what):
    storage, world = MemoryStorage(), dict.fromkeys(NAMES, 0)
    cache = CachedResults(storage)
    cache.keep(observed(world, "a"), entry(1))
    cache.claim(b"d" * 32, Claim(task(1), "me"))
    for key in list(storage.list(f"cache/{what}")):
        storage.replace(key, b"")

    fresh = CachedResults(storage)

    assert found(fresh, world) == (set() if what != "claims" else {"1"})
    assert fresh.claim(b"d" * 32, Claim(task(2), "me")).task == task(2 if what == "claims" else 1)
    fresh.keep(observed(world, "a"), entry(3))
    assert found(CachedResults(storage), world) == {"3"}


def test_of_several_claims_the_first_holds_until_it_is_released():
    cache, digest = CachedResults(MemoryStorage()), b"d" * 32

    assert cache.claim(digest, Claim(task(1), "me")).task == task(1)
    assert cache.claim(digest, Claim(task(2), "you")).task == task(1)
    cache.release(digest)
    assert cache.claimed(digest) is None
    assert cache.claim(digest, Claim(task(2), "you")).task == task(2)
