"""What the metadata port promises of runs that live, fall silent and live again, as tests."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from stepwell.metadata_store.liveness import SILENCE_S, settle
from stepwell.metadata_store.store import MetadataStore
from stepwell.model.run import RunRecord, TaskRecord
from stepwell.model.states import RunState, TaskState
from stepwell.testing.metadata_records import FLOW, a_run, a_task

_OPEN = [TaskState.WAITING, TaskState.RUNNING, TaskState.RETRYING]


class LivenessContract:
    """Part of `MetadataContract`. ``store`` is empty."""

    def test_a_heartbeat_is_recorded_and_changes_nothing_else(self, store: MetadataStore) -> None:
        store.save_run(a_run())

        store.beat(FLOW, "1", 110.5)

        assert store.run(FLOW, "1") == replace(a_run(), heartbeat_at=110.5)

    def test_a_heartbeat_of_an_unknown_run_does_nothing(self, store: MetadataStore) -> None:
        store.beat(FLOW, "1", 110.0)

        assert store.run(FLOW, "1") is None

    def test_a_lost_run_that_beats_is_running_again(self, store: MetadataStore) -> None:
        store.save_run(replace(a_run(state=RunState.LOST), finished_at=130.0, reason="silent"))

        store.beat(FLOW, "1", 170.0)

        assert store.run(FLOW, "1") == replace(a_run(), heartbeat_at=170.0)

    @pytest.mark.parametrize("state", [RunState.SUCCEEDED, RunState.FAILED, RunState.INTERRUPTED])
    def test_a_late_heartbeat_brings_no_ended_run_back(self, store: MetadataStore, state: RunState) -> None:
        store.save_run(replace(a_run(state=state), finished_at=130.0, reason="because"))

        store.beat(FLOW, "1", 131.0)

        found = _run(store)
        assert (found.state, found.finished_at, found.reason) == (state, 130.0, "because")

    def test_a_run_read_long_after_its_last_heartbeat_is_recorded_as_lost(self, store: MetadataStore) -> None:
        store.save_run(a_run())

        settled = settle(store, a_run(), 100.0 + SILENCE_S + 1, "here")

        assert settled.state == RunState.LOST
        assert store.run(FLOW, "1") == settled

    # SPEC 12.4-3
    @pytest.mark.parametrize("state", _OPEN)
    def test_tasks_that_have_not_ended_are_lost_with_their_run(
        self, store: MetadataStore, state: TaskState
    ) -> None:
        ended, other = a_task(1, state=TaskState.FAILED), a_task(3, run="2")
        store.save_run(a_run())
        store.save_tasks([ended, a_task(2, state=state), other])

        store.replace_run(a_run(), replace(a_run(), state=RunState.LOST, finished_at=130.0))

        assert _task(store, 2) == replace(a_task(2, state=TaskState.LOST), finished_at=130.0)
        assert _task(store, 1) == ended
        assert store.task(FLOW, "2", "start", "3") == other

    # SPEC 12.4-3
    def test_tasks_are_not_lost_with_a_run_that_gave_a_sign_of_life_meanwhile(
        self, store: MetadataStore
    ) -> None:
        store.save_run(a_run())
        store.save_tasks([a_task(1)])
        store.beat(FLOW, "1", 150.0)

        store.replace_run(a_run(), replace(a_run(), state=RunState.LOST, finished_at=130.0))

        assert _task(store, 1) == a_task(1)

    # SPEC 12.4-3
    def test_a_run_that_is_running_again_has_its_tasks_again_but_none_lost_before(
        self, store: MetadataStore
    ) -> None:
        before = replace(a_task(1, state=TaskState.LOST), finished_at=110.0)
        store.save_run(a_run())
        store.save_tasks([before, a_task(2)])
        store.replace_run(a_run(), replace(a_run(), state=RunState.LOST, finished_at=130.0))

        store.beat(FLOW, "1", 170.0)
        store.beat(FLOW, "1", 180.0)

        assert _task(store, 1) == before
        assert _task(store, 2) == a_task(2)

    # SPEC 12.4-3
    def test_a_lost_run_ended_at_the_last_sign_of_life_of_its_tasks(self, store: MetadataStore) -> None:
        store.save_run(a_run())
        assert settle(store, a_run(), 200.0, "here").finished_at == 100.0

        store.beat(FLOW, "1", 100.0)
        store.save_tasks([replace(a_task(1, state=TaskState.SUCCEEDED), finished_at=104.0)])
        assert settle(store, a_run(), 200.0, "here").finished_at == 104.0

        store.beat(FLOW, "1", 100.0)
        store.save_tasks([replace(a_task(2), started_at=106.0)])
        assert settle(store, a_run(), 200.0, "here").finished_at == 106.0


def _task(store: MetadataStore, number: int) -> TaskRecord | None:
    return store.task(FLOW, "1", "start", str(number))


def _run(store: MetadataStore) -> RunRecord:
    found = store.run(FLOW, "1")
    assert found is not None
    return found
