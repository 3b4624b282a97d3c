"""Where things lie: no folder of a datastore has more than 10,000 entries."""

from collections import defaultdict
from hashlib import sha256

import pytest

from stepwell.datastore.layout import (
    blob_key,
    detached_output_key,
    failure_key,
    log_end_key,
    log_key,
    pack_key,
    run_record_key,
    task_of,
)
from stepwell.model.ids import TaskKey

MOST = 10_000


# SPEC 12.3-3
@pytest.mark.parametrize("run", ["1", "argo-x1", "50%, ü"])
@pytest.mark.parametrize("key", [pack_key, lambda task: failure_key(task, 3)])
def test_the_key_of_a_pack_tells_its_task(run, key):
    task = TaskKey("F", run, "packs", "12345")

    assert task_of(key(task)) == task.pathspec


def entries(keys):
    """How many entries the fullest folder has."""
    folders = defaultdict(set)
    for key in keys:
        parts = key.split("/")
        for depth in range(len(parts)):
            folders["/".join(parts[:depth])].add(parts[depth])
    return max(map(len, folders.values()))


# Every shard of numbers and every kind of id; within a shard, neighbours.
NUMBERS = [*range(2_001), *range(3_000, 10_003_000, 1_000)]
TEXTS = [f"argo-{number:x}" for number in range(4_000)]


# SPEC 12.1-3
@pytest.mark.parametrize(
    "key",
    [
        lambda ident: pack_key(TaskKey("F", "1", "work", ident)),
        lambda ident: pack_key(TaskKey("F", ident, "work", "1")),
        lambda ident: failure_key(TaskKey("F", "1", "work", ident), 0),
        lambda ident: log_key(TaskKey("F", "1", "work", ident), 0, 0),
        lambda ident: log_key(TaskKey("F", ident, "work", "1"), 0, 0),
        lambda ident: run_record_key(ident),
        lambda ident: run_record_key(ident) + ".end",
        lambda ident: detached_output_key(ident),
    ],
)
def test_many_runs_and_tasks_overfill_no_folder(key):
    idents = [*map(str, NUMBERS), *TEXTS]

    keys = {key(ident) for ident in idents}

    assert len(keys) == len(set(idents))
    assert entries(keys) <= MOST


# SPEC 12.1-3
def test_all_that_belongs_to_a_thousand_neighbouring_runs_fits_in_their_folder():
    keys = [run_record_key(str(number)) + end for number in range(3_000) for end in ("", ".end", ".tags")]

    assert entries(keys) == 3_000


# SPEC 12.1-3
def test_the_segments_of_large_logs_overfill_no_folder():
    tasks = [TaskKey("F", "1", "work", str(number)) for number in range(1_000)]
    keys = [log_key(task, 0, 0) for task in tasks]
    keys += [log_key(tasks[0], 0, number) for number in range(1, 3_000)]
    keys += [log_end_key(task, 0, 5, stream, 3) for task in tasks for stream in ("stdout", "stderr")]

    assert len(set(keys)) == len(keys)
    assert entries(keys) <= MOST


# SPEC 12.1-3
def test_many_blobs_overfill_no_folder():
    keys = [blob_key(sha256(number.to_bytes(4)).digest()) for number in range(20_000)]

    assert entries(keys) <= 256


def test_ids_that_look_alike_lie_apart():
    idents = ["1", "01", "001", "1000", "x", "X", "9000000", "8999999"]

    assert len({run_record_key(ident) for ident in idents}) == len(idents)


def test_keys_are_part_of_the_format():
    assert pack_key(TaskKey("F", "12345", "work", "7")) == "runs/F/12/12345/packs/work/0/7"
    assert run_record_key("argo-1") == "index/h32/bf/argo-1"
