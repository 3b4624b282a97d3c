"""What `current.checkpoint` saves and loads, in a datastore of this process."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.datastore import checkpoints
from stepwell.datastore.datastore import Datastore
from stepwell.datastore.layout import BLOBS, checkpoint_key
from stepwell.exceptions import BlobCorrupted, DataException, StepwellDataMissing
from stepwell.model.checkpoint import Checkpoint, KeptFile
from stepwell.model.ids import TaskKey
from stepwell.model.run import RunInfo
from stepwell.runtime.task.checkpoint import TaskCheckpoint
from stepwell.storages.memory import MemoryStorage

KEY = TaskKey("F", "1", "train", "3")
INFO = RunInfo(flow="F", run="1", script="f.py", user="ann", namespace="user:ann")
CONTENT = st.binary(max_size=200)
TREE = st.dictionaries(
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=3).map("/".join),
    CONTENT,
    max_size=6,
).filter(lambda tree: not any(other.startswith(f"{one}/") for one in tree for other in tree))


class Store:
    """A datastore in memory, and the checkpoints of tasks in it."""

    def __init__(self):
        self.storage = MemoryStorage()
        self.datastore = Datastore.open(self.storage)

    def task(self, key=KEY, attempt=0, load_policy="fresh", info=INFO, index_path=(1,)):
        return TaskCheckpoint(self.datastore, info, key, attempt, index_path, load_policy)

    def blobs(self):
        return set(self.storage.list(BLOBS))


@pytest.fixture
def store():
    return Store()


def write(folder, tree):
    for name, data in tree.items():
        place = Path(folder, name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)


def read(folder):
    root = Path(folder)
    return {str(one.relative_to(root)): one.read_bytes() for one in root.rglob("*") if one.is_file()}


# SPEC 6.1-13
@settings(max_examples=30, deadline=None)
@given(TREE, TREE)
def test_every_checkpoint_comes_back_as_it_was_saved(tmp_path_factory, first, second):
    store = Store()
    task = store.task()
    one, two = (tmp_path_factory.mktemp("files") for _ in range(2))
    write(one, first)
    write(two, second)

    saved = [task.save(one), task.save(two)]

    loaded = [read(task.load(ref, tmp_path_factory.mktemp("loaded"))) for ref in saved]
    assert loaded == [first, second]
    assert task.list() == saved[::-1]


# SPEC 6.1-13
def test_a_file_that_has_not_changed_is_not_stored_again(store):
    task = store.task()
    write(task.directory, {"model": b"m" * 1000, "state": b"1"})
    task.save()
    before = store.blobs()
    write(task.directory, {"state": b"2"})

    task.save()

    assert len(before) == 2 and len(store.blobs() - before) == 1


# SPEC 6.1-13
def test_of_a_long_file_only_the_piece_that_has_changed_is_stored_again(store, tmp_path):
    size = checkpoints.CHUNK
    file = tmp_path / "long"
    file.write_bytes(b"a" * size + b"b" * size)
    task = store.task()
    task.save(file)
    before = store.blobs()
    with open(file, "ab") as stream:
        stream.write(b"c")

    ref = task.save(file)

    assert len(before) == 2 and len(store.blobs() - before) == 1
    assert Path(task.load(ref, tmp_path / "out"), "long").stat().st_size == ref.size == 2 * size + 1


def test_folders_links_and_modes_come_back(store, tmp_path):
    root = tmp_path / "root"
    write(root, {"run.sh": b"#!/bin/sh"})
    (root / "empty" / "inner").mkdir(parents=True)
    (root / "link").symlink_to("run.sh")
    (root / "run.sh").chmod(0o750)

    loaded = Path(store.task().load(store.task().save(root), tmp_path / "out"))

    assert (loaded / "empty" / "inner").is_dir()
    assert os.readlink(loaded / "link") == "run.sh"
    assert stat.S_IMODE((loaded / "run.sh").stat().st_mode) == 0o750


# SPEC 6.1-13
def test_a_checkpoint_that_is_not_to_be_the_latest_is_kept_and_not_gone_on_from(store):
    first = store.task()
    write(first.directory, {"state": b"1"})
    good = first.save(name="good")
    write(first.directory, {"state": b"2"})
    aside = first.save(name="aside", latest=False)

    second = store.task(attempt=1)

    assert second.is_loaded and second.loaded == good
    assert read(second.directory) == {"state": b"1"}
    assert second.list() == [aside, good]
    assert second.list(name="aside") == [aside] and second.list(attempt=1) == []


# SPEC 6.1-13
def test_fresh_means_the_same_task_and_eager_the_same_step_and_index_in_the_namespace(store):
    store.task().save(name="of task 3")
    other_run = RunInfo(flow="F", run="2", script="f.py", user="ann", namespace="user:ann")
    bob = RunInfo(flow="F", run="3", script="f.py", user="bob", namespace="user:bob")
    there = TaskKey("F", "2", "train", "8")

    assert not store.task(TaskKey("F", "1", "train", "4"), index_path=(2,)).is_loaded
    assert not store.task(TaskKey("F", "1", "train", "9")).is_loaded
    assert not store.task(there, info=other_run).is_loaded
    assert store.task(there, info=other_run, load_policy="eager").is_loaded
    assert not store.task(there, info=other_run, load_policy="eager", index_path=(2,)).is_loaded
    assert not store.task(TaskKey("F", "3", "train", "8"), info=bob, load_policy="eager").is_loaded
    assert not store.task(attempt=1, load_policy="none").is_loaded


# SPEC 12.5-1
def test_a_checkpoint_that_was_deleted_with_its_run_is_not_gone_on_from(store):
    store.task().save(name="of run 1")
    other_run = RunInfo(flow="F", run="2", script="f.py", user="ann", namespace="user:ann")
    there = TaskKey("F", "2", "train", "8")
    assert store.task(there, info=other_run, load_policy="eager").is_loaded

    store.storage.delete(list(store.storage.list("runs/F/0/1")))

    assert not store.task(there, info=other_run, load_policy="eager").is_loaded


def test_loading_into_the_directory_leaves_the_files_of_the_checkpoint_only(store, tmp_path):
    task = store.task()
    write(task.directory, {"state": b"1"})
    ref = task.save()
    write(task.directory, {"state": b"2", "more/file": b"x"})
    write(tmp_path, {"own": b"y"})

    task.load(ref)
    task.load(ref, tmp_path)

    assert read(task.directory) == {"state": b"1"}
    assert read(tmp_path) == {"state": b"1", "own": b"y"}


def test_two_processes_of_one_attempt_save_side_by_side(store):
    one, two = store.task(), store.task()

    refs = [one.save(), two.save(), one.save()]

    assert [ref.number for ref in refs] == [0, 1, 2]


def test_a_manifest_without_its_bytes_is_a_named_error(store, tmp_path):
    task = store.task()
    write(task.directory, {"state": b"1"})
    ref = task.save()
    store.storage.delete(list(store.blobs()))

    with pytest.raises(
        (StepwellDataMissing, BlobCorrupted), match="file state of the checkpoint 'checkpoint'"
    ):
        task.load(ref, tmp_path)


def test_a_checkpoint_of_somebody_else_writes_nothing_outside_of_its_folder(store, tmp_path):
    task = store.task()
    inside = store.datastore.checkpoints()
    size, chunks = 1, (store.datastore._blobs.put([b"x"], 1),)
    evil = [
        (KeptFile("../out", 0o600, size, chunks),),
        (KeptFile("/tmp/out", 0o600, size, chunks),),
    ]
    for number, files in enumerate(evil):
        ref = inside.save(a_checkpoint(number), files, ())
        with pytest.raises(DataException, match="outside"):
            task.load(ref, tmp_path / "in")
    (tmp_path / "in" / "link").symlink_to(tmp_path)
    through = inside.save(a_checkpoint(2), (KeptFile("link/out", 0o600, size, chunks),), ())
    with pytest.raises(DataException, match="outside"):
        task.load(through, tmp_path / "in")

    assert not (tmp_path / "out").exists()


def a_checkpoint(number):
    return Checkpoint(
        flow="F", run="1", step="train", task="3", attempt=0, number=number, name="x", metadata={},
        latest=True, index_path="", created_at=0.0, size=0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"path": "/no/such/file"}, "No such file"),
        ({"path": "/dev/null"}, "no file, folder or link"),
        ({"metadata": {"x": object()}}, "JSON"),
        ({"name": ""}, "name of a checkpoint"),
    ],
)
def test_what_cannot_be_saved_is_refused_in_words(store, given, words):
    with pytest.raises(DataException, match=words):
        store.task().save(**given)
    assert store.task().list() == []


@pytest.mark.parametrize("task", ["1/train/3", 5])
def test_what_is_no_task_is_refused(store, task):
    with pytest.raises(DataException, match="FLOW/RUN/STEP/TASK"):
        store.task().list(task=task)


def test_only_what_was_saved_can_be_loaded(store):
    with pytest.raises(DataException, match="`save` or `list` returned"):
        store.task().load("checkpoint")


def test_many_checkpoints_overfill_no_folder():
    keys = [checkpoint_key(KEY, 0, number) for number in (0, 999, 1000, 12_345_678)]

    assert len({key.rpartition("/")[0] for key in keys}) == 3


@pytest.fixture(autouse=True)
def _own_scratch(monkeypatch, tmp_path_factory):
    """Folders of these tests lie where pytest clears up."""
    import tempfile

    monkeypatch.setenv("TMPDIR", str(tmp_path_factory.mktemp("scratch")))
    monkeypatch.setattr(tempfile, "tempdir", None)
