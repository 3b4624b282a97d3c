"""What a collection takes for live, and what belongs to it at all."""

import os

from msgspec.structs import replace
from worlds import FLOW, HERE, LARGE, NOW, World, finish

from stepwell.datastore import layout
from stepwell.metadata_store.liveness import SILENCE_S, process_started
from stepwell.model.run import RunRecord
from stepwell.model.states import RunState
from stepwell.upkeep.live_runs import Here, is_ending, runs_of


def garbage(world):
    """Store a value that nothing refers to; return its key."""
    datastore = world.datastore()
    return layout.blob_key(datastore.save("x", b"garbage" * 10_000).digest)


def begun(world, **more):
    """Return a run that has begun, as its record and the index have it."""
    run = RunRecord(
        flow=FLOW, run=str(world.metadata.next_run_id()), state=RunState.RUNNING, user="ann", created_at=NOW,
        heartbeat_at=NOW, host="elsewhere", **more,
    )  # fmt: skip
    world.datastore().run_records.claim(run)
    world.metadata.save_run(run)
    return run


# SPEC 12.5-1
def test_what_a_run_that_goes_on_has_stored_is_not_old_and_what_lay_there_before_is():
    world = World()
    before = garbage(world)
    run = begun(world)
    after = layout.blob_key(world.datastore().save("x", LARGE[0]).digest)

    found = world.collect()

    assert world.storage.size(before) is None and world.storage.size(after) is not None
    assert (found.values.count, found.young.count) == (1, 1)
    world.metadata.save_run(replace(run, state=RunState.FAILED))
    world.collect()
    assert world.storage.size(after) is None


# SPEC 12.5-1
def test_the_grace_is_counted_from_now_and_from_the_oldest_run_that_goes_on():
    world = World()
    key = garbage(world)

    assert world.collect(grace_s=60.0).values.count == 0
    begun(world)
    assert world.collect(grace_s=60.0).values.count == 0
    assert world.storage.size(key) is not None


# SPEC 12.5-1
def test_a_run_that_the_index_does_not_have_counts_as_going_on_unless_it_has_ended():
    world = World()
    run = begun(world)
    key = garbage(world)
    world.metadata.delete_run(run)

    found = world.collect()

    assert found.unknown == [run] and world.storage.size(key) is not None
    world.datastore().run_records.end(replace(run, state=RunState.FAILED))
    assert world.collect().unknown == []
    assert world.storage.size(key) is None


# SPEC 12.5-1
def test_a_run_of_this_host_whose_process_is_gone_does_not_go_on():
    world = World()
    run = begun(world, pid=2**22 + 1, pid_started=1.0)
    gone = replace(run, host=HERE.host)
    world.metadata.delete_run(run)
    world.storage.replace(layout.run_record_key(run.run), b"")
    world.storage.delete([layout.run_record_key(run.run)])
    world.datastore().run_records.claim(gone)

    assert world.collect().unknown == []


# SPEC 12.5-1
def test_runs_of_another_datastore_that_shares_the_index_are_left_alone():
    world, other = World(), World()
    other.metadata = world.metadata
    finish(world.run([1]))
    (here,) = runs_of(world.datastore(), world.metadata, FLOW, HERE)
    key = garbage(world)
    elsewhere = RunRecord(
        flow=FLOW, run="7", state=RunState.RUNNING, user="ann", created_at=NOW, heartbeat_at=NOW, host="x",
        fields={"ds-root": "/other"},
    )  # fmt: skip
    world.metadata.save_run(elsewhere)

    assert runs_of(world.datastore(), world.metadata, FLOW, HERE) == [here]
    world.collect()
    assert world.storage.size(key) is None, "its life says nothing of what is stored here"
    assert world.metadata.run(FLOW, "7") == elsewhere


# SPEC 12.5-1
def test_the_code_of_a_run_stays_with_it_whether_the_record_or_the_index_knows_it():
    world = World()
    finish(world.run([1]))
    (run,) = runs_of(world.datastore(), world.metadata, FLOW, HERE)
    digest = world.datastore().save_file(b"code" * 10_000)
    world.metadata.save_run(replace(run, fields={"code-package": digest}))

    world.collect()

    assert world.storage.size(layout.blob_key(bytes.fromhex(digest))) is not None
    world.collect(delete=[world.record(run.run)])
    assert world.storage.size(layout.blob_key(bytes.fromhex(digest))) is None


# SPEC 12.5-3
def test_a_deleted_run_that_something_outside_stands_on_keeps_its_results_until_that_is_gone():
    world = World()
    finish(world.run([1]))
    before = [key for key in world.stored() if key.startswith(("runs/", "blobs/"))]

    found = world.collect(delete=[world.record("1")], pinned=frozenset({(FLOW, "1")}))

    assert found.waiting == [(FLOW, "1")]
    assert [key for key in world.stored() if key.startswith(("runs/", "blobs/"))] == before
    world.collect()
    assert world.stored() == []


# SPEC 12.5-3
def test_while_something_is_left_of_a_deleted_run_nobody_gets_its_id():
    world = World()
    finish(world.run([1]))
    finish(world.run([2], origin="1"))
    seen = world.record("1")
    world.collect(delete=[seen])
    records = world.datastore().run_records

    assert not records.claim(seen)
    assert not records.is_there("1") and [kept.record.run for kept in records.all()] == ["2"]
    world.collect(delete=[world.record("2")])
    assert records.claim(seen)


# SPEC 12.5-1
def test_a_process_that_has_just_ended_its_run_may_have_a_last_word():
    run = RunRecord(
        flow=FLOW, run="1", state=RunState.SUCCEEDED, user="ann", created_at=NOW, finished_at=NOW,
        host="here", pid=os.getpid(), pid_started=process_started(os.getpid()),
    )  # fmt: skip

    assert is_ending(run, Here("here", NOW + 1))
    assert not is_ending(run, Here("here", NOW + SILENCE_S))
    assert not is_ending(replace(run, pid_started=1.0), Here("here", NOW + 1))
    assert not is_ending(run, Here("elsewhere", NOW + 1))


# SPEC 12.5-1
def test_no_value_is_removed_while_it_is_not_known_what_a_damaged_pack_needs():
    world = World()
    finish(world.run([0]))
    (task,) = world.expected["1"]
    key, needless = layout.pack_key(task), garbage(world)
    whole = bytes(world.storage.read(key))
    world.storage.replace(key, whole[:40] + bytes([whole[40] ^ 1]) + whole[41:])

    found = world.collect()

    assert (found.damaged, found.values.count) == ((task.pathspec,), 0)
    assert world.storage.size(needless) is not None
    world.storage.replace(key, whole)  # as from a backup
    assert world.collect().values.count == 1
    datastore = world.datastore()
    assert datastore.load(FLOW, datastore.visible(datastore.pack(task))["x"]) == LARGE[0]
