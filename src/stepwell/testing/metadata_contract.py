"""The promises of the metadata port as tests: subclass, give ``store``, and every one is held."""

from __future__ import annotations

import threading
from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from stepwell.exceptions import StepwellNotFound, StepwellTaggingError
from stepwell.metadata_store.store import MetadataStore, RunQuery, StepCount, TaskQuery
from stepwell.model.run import RunRecord, TaskRecord
from stepwell.model.states import RunState, TaskState
from stepwell.testing.liveness_contract import LivenessContract
from stepwell.testing.metadata_records import FLOW, a_run, a_task


def ids(records: Iterable[RunRecord | TaskRecord]) -> list[str]:
    """Return the ids, in the order given."""
    return [record.task if isinstance(record, TaskRecord) else record.run for record in records]


class MetadataContract(LivenessContract):
    """The promises of the metadata port, each as a test. ``store`` is empty."""

    def test_run_ids_increase(self, store: MetadataStore) -> None:
        handed_out = [store.next_run_id() for _ in range(5)]

        assert handed_out == sorted(set(handed_out))
        assert handed_out[0] > 0

    def test_run_ids_stay_above_those_of_runs_that_were_saved(self, store: MetadataStore) -> None:
        store.save_run(a_run("41"))
        store.save_run(a_run("7"))
        store.save_run(a_run("sched-2024-99999"))

        assert store.next_run_id() == 42

    def test_a_run_comes_back_as_it_was_saved(self, store: MetadataStore) -> None:
        run = RunRecord(
            flow=FLOW,
            run="1",
            state=RunState.FAILED,
            user="änn",
            created_at=100.25,
            finished_at=200.5,
            heartbeat_at=199.0,
            host="box",
            pid=4_194_304,
            pid_started=1234567.0,
            reason="step 'a' failed\nwith \"quotes\" and \0",
            tags=("a", "b"),
            system_tags=("user:änn",),
            fields={"git-info": "c0ffee-dirty", "command": "run --x '1'"},
        )

        store.save_run(run)

        assert store.run(FLOW, "1") == run
        assert list(store.runs(RunQuery())) == [run]

    def test_a_run_with_nothing_more_than_needed_comes_back(self, store: MetadataStore) -> None:
        run = RunRecord(flow=FLOW, run="1", state=RunState.PENDING, user="", created_at=0.0)

        store.save_run(run)

        assert store.run(FLOW, "1") == run

    def test_what_is_not_there_is_none_or_empty(self, store: MetadataStore) -> None:
        assert store.run(FLOW, "1") is None
        assert store.task(FLOW, "1", "start", "1") is None
        assert not store.runs(RunQuery())
        assert not store.tasks(TaskQuery(flow=FLOW, run="1"))
        assert not store.steps(FLOW, "1")
        assert not store.flows()

    def test_no_record_is_refused_for_text_that_is_no_unicode(self, store: MetadataStore) -> None:
        given, kept = "run --file \udcff", "run --file \\udcff"
        run = replace(a_run(), reason=given, tags=("t", given), fields={given: given})

        store.save_run(run)
        store.save_tasks([replace(a_task(1), label=given, error=given), a_task(2)])

        assert store.run(FLOW, "1") == replace(run, reason=kept, tags=("t", kept), fields={kept: kept})
        assert store.task(FLOW, "1", "start", "1") == replace(a_task(1), label=kept, error=kept)
        assert store.run(FLOW, given) is None
        assert not store.runs(RunQuery(tags=(given,)))

    def test_saving_a_run_again_replaces_it_but_for_its_tags(self, store: MetadataStore) -> None:
        store.save_run(replace(a_run(), tags=("kept",), system_tags=("user:ann",)))

        ended = replace(a_run(), state=RunState.SUCCEEDED, finished_at=300.0, tags=("other",))
        store.save_run(ended)

        assert store.run(FLOW, "1") == replace(ended, tags=("kept",), system_tags=("user:ann",))
        assert ids(store.runs(RunQuery(tags=("kept",)))) == ["1"]
        assert not store.runs(RunQuery(tags=("other",)))

    def test_saving_a_run_keeps_its_latest_heartbeat(self, store: MetadataStore) -> None:
        store.save_run(a_run())
        store.beat(FLOW, "1", 150.0)

        store.save_run(a_run())
        assert _run(store).heartbeat_at == 150.0
        store.save_run(replace(a_run(), heartbeat_at=None))
        assert _run(store).heartbeat_at == 150.0
        store.save_run(replace(a_run(), heartbeat_at=160.0))
        assert _run(store).heartbeat_at == 160.0

    def test_runs_come_newest_first_by_number_not_by_text(self, store: MetadataStore) -> None:
        for run in ("9", "10", "2", "100"):
            store.save_run(a_run(run))

        assert ids(store.runs(RunQuery())) == ["100", "10", "9", "2"]

    def test_runs_whose_ids_are_no_numbers_come_last_the_newest_first(self, store: MetadataStore) -> None:
        store.save_run(a_run("1"))
        store.save_run(replace(a_run("nightly-a"), created_at=100.0))
        store.save_run(replace(a_run("nightly-b"), created_at=200.0))
        store.save_run(replace(a_run("9" * 40), created_at=150.0))

        assert ids(store.runs(RunQuery())) == ["1", "nightly-b", "9" * 40, "nightly-a"]

    def test_runs_are_chosen_by_flow_and_by_state(self, store: MetadataStore) -> None:
        store.save_run(a_run("1", state=RunState.SUCCEEDED))
        store.save_run(a_run("2", state=RunState.FAILED))
        store.save_run(a_run("3", flow="Other", state=RunState.FAILED))

        assert ids(store.runs(RunQuery(flow="Other"))) == ["3"]
        assert ids(store.runs(RunQuery(states=(RunState.FAILED,)))) == ["3", "2"]
        assert ids(store.runs(RunQuery(flow=FLOW, states=("succeeded", "failed")))) == ["2", "1"]
        assert ids(store.runs(RunQuery(flow="contract"))) == []

    def test_runs_are_chosen_by_all_tags_named_of_both_kinds(self, store: MetadataStore) -> None:
        store.save_run(replace(a_run("1"), tags=("x",), system_tags=("user:ann",)))
        store.save_run(replace(a_run("2"), tags=("x", "y"), system_tags=("user:ann",)))
        store.save_run(replace(a_run("3"), tags=("x", "y"), system_tags=("user:bob",)))

        assert ids(store.runs(RunQuery(tags=("x",)))) == ["3", "2", "1"]
        assert ids(store.runs(RunQuery(tags=("y", "user:ann")))) == ["2"]
        assert ids(store.runs(RunQuery(tags=("X",)))) == []

    def test_pages_of_runs_meet_without_gap_or_overlap(self, store: MetadataStore) -> None:
        for number in range(1, 8):
            store.save_run(a_run(str(number)))

        assert ids(store.runs(RunQuery(limit=3))) == ["7", "6", "5"]
        assert ids(store.runs(RunQuery(limit=3, before=5))) == ["4", "3", "2"]
        assert ids(store.runs(RunQuery(limit=3, before=2))) == ["1"]
        assert ids(store.runs(RunQuery(limit=0))) == []

    def test_a_run_whose_id_is_no_number_stands_where_its_number_says(self, store: MetadataStore) -> None:
        for run, number in (("1", 0), ("argo-b", 2), ("3", 0), ("argo-a", 4)):
            store.save_run(replace(a_run(run), number=number))
        store.save_run(replace(a_run("argo-b"), number=2, state=RunState.FAILED))

        assert ids(store.runs(RunQuery(limit=3))) == ["argo-a", "3", "argo-b"]
        assert ids(store.runs(RunQuery(before=2))) == ["1"]
        assert store.run(FLOW, "argo-a") == replace(a_run("argo-a"), number=4)
        assert store.next_run_id() == 5

    def test_flows_are_named_once_and_sorted(self, store: MetadataStore) -> None:
        for run, flow in (("1", "Zeta"), ("2", "Alpha"), ("3", "Zeta")):
            store.save_run(a_run(run, flow))

        assert list(store.flows()) == ["Alpha", "Zeta"]

    def test_a_run_is_replaced_if_it_is_as_it_was_seen(self, store: MetadataStore) -> None:
        store.save_run(replace(a_run(), tags=("kept",)))
        lost = replace(a_run(), state=RunState.LOST, reason="silent")

        returned = store.replace_run(a_run(), lost)

        assert returned == store.run(FLOW, "1") == replace(lost, tags=("kept",))

    def test_a_run_that_has_beaten_since_is_not_replaced(self, store: MetadataStore) -> None:
        store.save_run(a_run())
        store.beat(FLOW, "1", 170.0)

        returned = store.replace_run(a_run(), replace(a_run(), state=RunState.LOST))

        assert returned == store.run(FLOW, "1") == replace(a_run(), heartbeat_at=170.0)

    def test_a_run_that_has_ended_since_is_not_replaced(self, store: MetadataStore) -> None:
        store.save_run(a_run())
        ended = replace(a_run(), state=RunState.SUCCEEDED, finished_at=120.0)
        store.save_run(ended)

        assert store.replace_run(a_run(), replace(a_run(), state=RunState.LOST)) == ended

    def test_a_run_that_is_not_there_cannot_be_replaced(self, store: MetadataStore) -> None:
        with pytest.raises(StepwellNotFound, match="Contract/1"):
            store.replace_run(a_run(), a_run())

        assert store.run(FLOW, "1") is None

    def test_a_deleted_run_is_gone_with_its_tasks_and_tags_and_no_other_is(
        self, store: MetadataStore
    ) -> None:
        run = replace(a_run(), tags=("x",), system_tags=("user:ann",))
        other = replace(a_run("2"), tags=("x",), system_tags=("user:ann",))
        store.save_run(run)
        store.save_run(other)
        store.save_tasks([a_task(1), a_task(2, run="2")])

        assert store.delete_run(run)

        assert store.run(FLOW, "1") is None
        assert list(store.runs(RunQuery())) == list(store.runs(RunQuery(tags=("x", "user:ann")))) == [other]
        assert not store.tasks(TaskQuery(flow=FLOW, run="1"))
        assert not store.steps(FLOW, "1")
        assert store.task(FLOW, "2", "start", "2") == a_task(2, run="2")

    def test_a_run_that_has_beaten_or_been_taken_up_since_is_not_deleted(self, store: MetadataStore) -> None:
        store.save_run(a_run())
        store.save_tasks([a_task(1)])
        store.beat(FLOW, "1", 170.0)

        assert not store.delete_run(a_run())
        assert not store.delete_run(replace(a_run(), state=RunState.LOST, heartbeat_at=170.0))

        assert store.run(FLOW, "1") == replace(a_run(), heartbeat_at=170.0)
        assert store.task(FLOW, "1", "start", "1") == a_task(1)

    def test_deleting_what_is_not_there_is_no_error(self, store: MetadataStore) -> None:
        store.save_tasks([a_task(1)])

        assert store.delete_run(a_run())
        assert store.delete_run(a_run())

        assert not store.tasks(TaskQuery(flow=FLOW, run="1"))
        store.beat(FLOW, "1", 170.0)
        assert store.run(FLOW, "1") is None

    def test_the_id_of_a_deleted_run_is_not_handed_out_again(self, store: MetadataStore) -> None:
        store.save_run(a_run("41"))
        store.delete_run(a_run("41"))

        assert store.next_run_id() == 42

    def test_tags_are_removed_then_added(self, store: MetadataStore) -> None:
        store.save_run(replace(a_run(), tags=("a", "b"), system_tags=("user:ann",)))

        after = store.change_tags(FLOW, "1", add=["b", "c"], remove=["a", "b", "unknown"])

        assert after == store.run(FLOW, "1")
        assert after.tags == ("b", "c")
        assert ids(store.runs(RunQuery(tags=("c", "user:ann")))) == ["1"]
        assert not store.runs(RunQuery(tags=("a",)))

    def test_a_change_of_tags_that_breaks_a_rule_changes_nothing(self, store: MetadataStore) -> None:
        store.save_run(replace(a_run(), tags=("a",), system_tags=("user:ann",)))

        for add, remove in (([""], []), (["b"], ["user:ann"]), ([str(n) for n in range(60)], [])):
            with pytest.raises(StepwellTaggingError):
                store.change_tags(FLOW, "1", add, remove)

        assert _run(store).tags == ("a",)
        assert ids(store.runs(RunQuery(tags=("a", "user:ann")))) == ["1"]

    def test_tags_of_a_run_that_is_not_there_cannot_be_changed(self, store: MetadataStore) -> None:
        with pytest.raises(StepwellNotFound, match="Contract/1"):
            store.change_tags(FLOW, "1", ["a"], [])

    def test_a_task_comes_back_as_it_was_saved(self, store: MetadataStore) -> None:
        task = TaskRecord(
            flow=FLOW,
            run="1",
            step="fit",
            task="12",
            number=12,
            state=TaskState.FAILED,
            attempt=2,
            created_at=100.0,
            started_at=101.5,
            finished_at=102.5,
            index_path="3,0",
            label="päris",
            pid=77,
            host="box",
            exit_code=-9,
            error="Signal: killed",
            parents="start/1,a/7-99",
            fields={"attempt_ok": "False"},
        )

        store.save_tasks([task])

        assert store.task(FLOW, "1", "fit", "12") == task
        assert list(store.tasks(TaskQuery(flow=FLOW, run="1"))) == [task]

    def test_saving_a_task_again_replaces_it(self, store: MetadataStore) -> None:
        store.save_tasks([a_task(1), a_task(2)])
        store.save_tasks([])

        store.save_tasks([a_task(1, state=TaskState.SUCCEEDED)])

        assert store.task(FLOW, "1", "start", "1") == a_task(1, state=TaskState.SUCCEEDED)
        assert store.task(FLOW, "1", "start", "2") == a_task(2)

    def test_tasks_are_of_one_run_newest_first_or_oldest_first(self, store: MetadataStore) -> None:
        store.save_tasks([a_task(2), a_task(10), a_task(9), a_task(3, run="2")])

        assert ids(store.tasks(TaskQuery(flow=FLOW, run="1"))) == ["10", "9", "2"]
        assert ids(store.tasks(TaskQuery(flow=FLOW, run="1", ascending=True))) == ["2", "9", "10"]

    def test_tasks_are_chosen_by_step_state_and_item(self, store: MetadataStore) -> None:
        store.save_tasks(
            [
                a_task(1),
                a_task(2, "fit", index_path="0"),
                a_task(3, "fit", TaskState.FAILED, index_path="1"),
                a_task(4, "test", index_path="1"),
            ]
        )

        assert ids(store.tasks(TaskQuery(flow=FLOW, run="1", step="fit"))) == ["3", "2"]
        assert ids(store.tasks(TaskQuery(flow=FLOW, run="1", states=(TaskState.FAILED,)))) == ["3"]
        assert ids(store.tasks(TaskQuery(flow=FLOW, run="1", index_path="1"))) == ["4", "3"]
        assert ids(store.tasks(TaskQuery(flow=FLOW, run="1", index_path=""))) == ["1"]

    def test_pages_of_tasks_meet_without_gap_or_overlap(self, store: MetadataStore) -> None:
        store.save_tasks([a_task(number) for number in range(1, 6)])

        assert ids(store.tasks(TaskQuery(flow=FLOW, run="1", limit=2))) == ["5", "4"]
        assert ids(store.tasks(TaskQuery(flow=FLOW, run="1", limit=2, before=4))) == ["3", "2"]
        assert ids(store.tasks(TaskQuery(flow=FLOW, run="1", ascending=True, limit=2))) == ["1", "2"]

    def test_tasks_are_counted_by_step_and_state_in_the_order_in_which_steps_began(
        self, store: MetadataStore
    ) -> None:
        store.save_tasks(
            [
                replace(a_task(1, "zero", TaskState.SUCCEEDED), finished_at=150.0),
                replace(a_task(2, "fit", TaskState.SUCCEEDED), finished_at=170.0),
                a_task(3, "fit"),
                replace(a_task(4, "fit", TaskState.SUCCEEDED), finished_at=160.0),
                a_task(5, "aside"),
            ]
        )

        assert list(store.steps(FLOW, "1")) == [
            StepCount("zero", "succeeded", 1, 1, 101.0, 150.0),
            StepCount("fit", "running", 1, 3, 103.0, None),
            StepCount("fit", "succeeded", 2, 2, 102.0, 170.0),
            StepCount("aside", "running", 1, 5, 105.0, None),
        ]

    def test_it_can_go_from_thread_to_thread(self, store: MetadataStore) -> None:
        handed_out = [store.next_run_id()]

        thread = threading.Thread(target=lambda: handed_out.append(store.next_run_id()))
        thread.start()
        thread.join()

        assert len(set(handed_out)) == 2

    def test_it_says_where_it_is(self, store: MetadataStore) -> None:
        assert store.location

    def test_it_can_be_closed_twice(self, store: MetadataStore) -> None:
        store.close()
        store.close()


def _run(store: MetadataStore) -> RunRecord:
    found = store.run(FLOW, "1")
    assert found is not None
    return found
