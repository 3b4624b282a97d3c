from stepwell.datastore.run_records import RunRecords
from stepwell.model.run import RunRecord
from stepwell.model.states import RunState
from stepwell.storages.memory import MemoryStorage


def a_run(run="1", flow="F", **more):
    return RunRecord(flow=flow, run=run, state=RunState.RUNNING, user="ann", created_at=1.0, **more)


# SPEC 12.3-4
def test_of_two_runs_with_one_id_the_second_must_take_another():
    records = RunRecords(MemoryStorage())

    assert records.claim(a_run())
    assert not records.claim(a_run(flow="Other"))
    assert [kept.record.flow for kept in records.all()] == ["F"]


def test_the_record_of_the_end_and_the_latest_tags_count():
    records = RunRecords(MemoryStorage())
    records.claim(a_run(tags=("a",)))
    (begun,) = records.all()
    records.end(a_run(tags=("a",), reason="done"))
    records.tag("1", ("b",))

    (kept,) = records.all()

    assert not begun.ended and begun.record.tags == ("a",)
    assert kept.ended and (kept.record.reason, kept.record.tags) == ("done", ("b",))


def test_an_id_that_was_given_back_can_be_had_again():
    records = RunRecords(MemoryStorage())
    records.claim(a_run())
    records.forget(a_run())

    assert records.claim(a_run(flow="Other"))


def test_text_that_is_no_unicode_and_ids_of_schedulers_are_kept():
    records = RunRecords(MemoryStorage())
    records.claim(a_run(run="argo-hello/1", fields={"command": "caf\udce9"}))

    (kept,) = records.all()

    assert kept.record.run == "argo-hello/1" and "caf" in kept.record.fields["command"]


def test_a_damaged_record_is_told_by_its_place():
    storage = MemoryStorage()
    records = RunRecords(storage)
    records.claim(a_run())
    storage.replace("index/0/1", b"{")

    (kept,) = records.all()

    assert kept.record is None and kept.key == "index/0/1"


# SPEC 12.5-1
def test_a_deleted_run_is_passed_over_until_it_is_taken_up_again_or_erased():
    storage = MemoryStorage()
    records = RunRecords(storage)
    records.claim(a_run())
    records.delete(a_run())

    assert not list(records.all()) and list(records.deleted()) == [a_run()]
    assert not records.is_there("1") and not records.claim(a_run(flow="Other"))

    records.reopen(a_run())
    assert records.is_there("1") and not list(records.deleted())

    records.delete(a_run())
    records.erase(a_run(), before=float("inf"))
    assert not list(storage.list("index")) and records.claim(a_run(flow="Other"))


# SPEC 12.5-1
def test_erasing_a_run_spares_one_that_has_got_its_id_since():
    storage = MemoryStorage()
    records = RunRecords(storage)
    records.claim(a_run(flow="Other"))
    begun = records.begun_at("1")

    records.erase(a_run(), before=begun)

    assert records.is_there("1")
