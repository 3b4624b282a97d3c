import asyncio
import os
import sqlite3
import sys
import threading
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.datastore.datastore import Datastore
from stepwell.datastore.layout import pack_key
from stepwell.datastore.unstorable import Unstorable
from stepwell.exceptions import AlreadyCommitted, BlobCorrupted, StoreFormatError
from stepwell.model.ids import TaskKey
from stepwell.model.pack import Pack
from stepwell.model.task import TaskOutcome, TaskRef
from stepwell.storages.local import LocalStorage
from stepwell.storages.memory import MemoryStorage

KEY = TaskKey("Flow", "1", "start", "1")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner)
    | st.frozensets(st.integers()),
    max_leaves=20,
)  # fmt: skip


def a_pack(key=KEY, attempt=0, ok=True, **more):
    return Pack(key=key, attempt=attempt, outcome=TaskOutcome(ok=ok, started_at=0.0, ended_at=1.0), **more)


@pytest.fixture
def local(tmp_path):
    return Datastore.open(LocalStorage(tmp_path / "root"))


# SPEC 12.2-1
@given(VALUES)
def test_any_plain_value_comes_back(value):
    store = Datastore(MemoryStorage())
    entry = store.save("x", value)
    loaded = store.load("Flow", entry)
    assert loaded == value and type(loaded) is type(value)


# SPEC 1.3-8
@given(VALUES)
def test_a_value_that_was_only_loaded_is_not_stored_again(value):
    store = Datastore(MemoryStorage())
    entry = store.save("x", value)
    loaded = store.load("Flow", entry)
    assert store.resave("x", loaded, entry, loaded) is entry


# SPEC 1.3-7
@given(st.lists(VALUES), VALUES)
def test_a_value_changed_in_place_is_a_new_version(value, added):
    store = Datastore(MemoryStorage())
    entry = store.save("x", value)
    loaded = store.load("Flow", entry)
    loaded.append(added)
    after = store.resave("x", loaded, entry, loaded)
    assert store.load("Flow", after) == [*value, added]
    assert store.load("Flow", entry) == value


# SPEC 12.2-3
def test_a_large_array_is_mapped_writable_and_unchanged_on_disk(local):
    entry = local.save("a", np.arange(200_000))
    first, second = local.load("Flow", entry), local.load("Flow", entry)
    first[0] = 99
    assert second[0] == 0 and local.load("Flow", entry)[0] == 0
    assert first.ctypes.data % 64 == 0


# SPEC 1.3-7
@settings(max_examples=20, deadline=None)
@given(st.integers(0, 199_999))
def test_one_written_element_makes_a_mapped_array_new(tmp_path_factory, index):
    store = Datastore(LocalStorage(tmp_path_factory.mktemp("root")))
    entry = store.save("a", np.zeros(200_000))
    loaded = store.load("Flow", entry)
    loaded[index].item()
    unchanged = store.resave("a", loaded, entry, loaded)
    loaded[index] = 1.0
    after = store.resave("a", loaded, entry, loaded)
    assert unchanged is entry
    assert after.digest != entry.digest and store.load("Flow", after)[index] == 1.0


# SPEC 12.2-2
def test_equal_large_values_are_stored_once(local, tmp_path):
    one, two = local.save("a", b"x" * 100_000), local.save("b", b"x" * 100_000)
    assert one.digest == two.digest
    assert len(list(LocalStorage(tmp_path / "root").list("blobs"))) == 1


# SPEC 12.2-2
def test_small_values_sit_in_the_pack(local, tmp_path):
    small, large = local.save("small", b"x" * 16_000), local.save("large", b"x" * 17_000)
    assert (small.inline is None, large.inline is None) == (False, True)
    assert len(list(LocalStorage(tmp_path / "root").list("blobs"))) == 1


# SPEC 12.2-5
@pytest.mark.parametrize("verify", ["always", "new", "never"])
def test_when_a_hash_is_checked_is_a_setting(tmp_path, verify):
    local = Datastore(LocalStorage(tmp_path / "root"), verify)
    entry = local.save("model", b"x" * 100_000)
    path = next((tmp_path / "root/blobs").rglob(entry.digest.hex()))
    local.load("Flow", entry)
    with open(path, "r+b") as file:
        file.seek(50_000)
        file.write(b"y")
    if verify == "always":
        with pytest.raises(BlobCorrupted):
            local.load("Flow", entry)
    else:
        assert b"y" in local.load("Flow", entry)


# SPEC 12.2-5
@pytest.mark.parametrize("size", [100_000, 3_000_000])
def test_a_corrupted_blob_is_an_error_that_names_it(local, tmp_path, size):
    entry = local.save("model", b"x" * size)
    path = next((tmp_path / "root/blobs").rglob(entry.digest.hex()))
    with open(path, "r+b") as file:
        file.seek(size // 2)
        file.write(b"y")
    with pytest.raises(BlobCorrupted, match=f"(?s)model.*{entry.digest.hex()}"):
        local.load("Flow", entry)


# SPEC 7.3-4
@pytest.mark.parametrize("damage", ["flip", "cut", "empty"])
def test_an_attempt_takes_the_place_of_a_pack_that_cannot_be_read(damage):
    storage = MemoryStorage()
    store = Datastore(storage)
    store.seal(a_pack())
    data = storage.read(pack_key(KEY))
    assert data is not None
    broken = {"flip": data[:-1] + bytes([data[-1] ^ 1]), "cut": data[:-9], "empty": b""}[damage]
    storage.replace(pack_key(KEY), broken)

    store.seal(a_pack(attempt=1))

    assert store.pack(KEY) == a_pack(attempt=1)
    with pytest.raises(AlreadyCommitted):
        store.seal(a_pack(attempt=2))


# SPEC 12.3-1
@pytest.mark.parametrize("size", [100_000, 20_000_000])
@pytest.mark.parametrize("damage", ["torn", "zeros"])
def test_a_blob_that_a_power_cut_damaged_is_made_good_by_who_stores_it_again(local, tmp_path, size, damage):
    entry = local.save("model", b"q" * size)
    path = next((tmp_path / "root/blobs").rglob(entry.digest.hex()))
    whole = path.stat().st_size
    os.truncate(path, size // 2)
    if damage == "zeros":
        os.truncate(path, whole)
    again = local.save("model", b"q" * size)
    assert again.digest == entry.digest
    assert Datastore(LocalStorage(tmp_path / "root"), "always").load("Flow", again) == b"q" * size


# SPEC 12.3-1
def test_of_two_processes_that_seal_one_task_one_wins(local):
    statuses = []
    pids = []
    for attempt in range(2):
        pid = os.fork()
        if not pid:
            try:
                local.seal(a_pack(attempt=attempt))
            except AlreadyCommitted:
                os._exit(3)
            except BaseException:  # noqa: BLE001 - the child must never return into pytest
                os._exit(4)
            os._exit(0)
        pids.append(pid)
    statuses = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    assert sorted(statuses) == [0, 3]
    assert local.pack(KEY).attempt == statuses.index(0)


def test_a_pack_that_a_power_cut_tore_was_never_committed(local, tmp_path):
    local.seal(a_pack())
    path = next(p for p in (tmp_path / "root/runs").rglob("1") if p.is_file())
    path.write_bytes(path.read_bytes()[:30])
    assert local.pack(KEY) is None
    local.seal(a_pack(attempt=1))
    assert local.pack(KEY).attempt == 1


# SPEC 1.3-10
def test_failure_packs_are_kept_apart_from_the_winner(local):
    local.seal_failure(a_pack(attempt=0, ok=False))
    local.seal(a_pack(attempt=1))
    assert local.pack(KEY).attempt == 1 and local.pack(KEY, 0).attempt == 0
    assert [pack.attempt for pack in local.failures(KEY)] == [0]


def test_small_values_are_inherited_from_their_home(local):
    entry = local.save("x", [1, 2])
    local.seal(a_pack(own=(entry,)))
    (pack,) = local.packs("Flow", "1", [TaskRef("start", "1")])
    inherited = local.visible(pack)["x"]
    assert (inherited.home, inherited.inline, inherited.preview) == ("1/start/1", None, "")
    assert local.load("Flow", inherited) == [1, 2]


def test_many_inherited_entries_are_kept_apart(local):
    entries = [local.visible(a_pack(own=(local.save(f"a{i}", i),)))[f"a{i}"] for i in range(100)]
    inherited, blob = local.with_inherited(entries)
    pack = a_pack(inherited=inherited, inherited_blob=blob)
    assert inherited == () and blob
    assert sorted(local.visible(pack)) == sorted(f"a{i}" for i in range(100))


# SPEC 2.3-3
@given(st.lists(VALUES, max_size=30))
def test_each_child_gets_its_item(items):
    store = Datastore(MemoryStorage())
    ref, table, labels = store.save_items(item for item in items)
    pack = a_pack(items=ref, item_table=table)
    assert [store.load_item(pack, i) for i in range(ref.count)] == items
    assert len(labels) == len(items) and all(len(label) <= 30 for label in labels)


# SPEC 2.3-5
def test_a_child_reads_its_own_item_only():
    class Counting(MemoryStorage):
        bytes_read = 0

        def read(self, key, start=0, length=None):
            found = super().read(key, start, length)
            self.bytes_read += len(found or b"")
            return found

    storage = Counting()
    store = Datastore(storage)
    ref, table, _ = store.save_items(["x" * 10_000] * 99 + ["small"])
    storage.bytes_read = 0
    assert store.load_item(a_pack(items=ref, item_table=table), 99) == "small"
    assert storage.bytes_read < 100


def test_an_iterable_that_raises_says_at_which_item():
    def items():
        yield 1
        raise KeyError("gone")

    with pytest.raises(KeyError) as caught:
        Datastore(MemoryStorage()).save_items(items())
    assert "item 1" in caught.value.__notes__[0]


# SPEC 1.3-11, 1.3-12
@pytest.mark.parametrize(
    ("part", "kind"),
    [
        (threading.Lock(), "lock"),
        ((i for i in ()), "generator"),
        (threading.Thread(), "thread or process"),
        (sys.stderr.__class__, None),
    ],
)
def test_the_part_that_cannot_be_stored_is_found(part, kind):
    store = Datastore(MemoryStorage())
    if kind is None:
        store.save("x", part)
        return
    with pytest.raises(Unstorable) as caught:
        store.save("x", {"jobs": [1, part]})
    offender = caught.value.offender
    assert (offender.path, offender.kind) == ("self.x['jobs'][1]", kind)


# SPEC 1.3-12
def test_an_open_connection_is_recognised():
    with closing(sqlite3.connect(":memory:")) as connection, pytest.raises(Unstorable) as caught:
        Datastore(MemoryStorage()).save("x", [connection])
    assert (caught.value.offender.path, caught.value.offender.kind) == ("self.x[0]", "connection")


# SPEC 1.3-12
def test_a_task_of_an_event_loop_is_recognised():
    async def store_own_task():
        Datastore(MemoryStorage()).save("x", [asyncio.current_task()])

    with pytest.raises(Unstorable) as caught:
        asyncio.run(store_own_task())
    assert (caught.value.offender.path, caught.value.offender.kind) == ("self.x[0]", "event loop task")


# SPEC 1.3-12
def test_an_open_file_is_recognised(tmp_path):
    with open(tmp_path / "f", "w+") as file, pytest.raises(Unstorable) as caught:
        Datastore(MemoryStorage()).save("x", [file])
    assert (caught.value.offender.path, caught.value.offender.kind) == ("self.x[0]", "file")


# SPEC 12.1-2
def test_a_newer_format_is_refused_with_both_versions(tmp_path):
    storage = LocalStorage(tmp_path)
    storage.replace("stepwell.json", b'{"format": 7}')
    with pytest.raises(StoreFormatError, match=r"format 7.*up to 1"):
        Datastore.open(storage)


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(StoreFormatError, match="is not a Stepwell datastore"):
        Datastore.open(LocalStorage(tmp_path))
