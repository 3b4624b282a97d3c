"""Calls of the metadata port, as they travel."""

import pytest

from stepwell.exceptions import (
    AlreadyCommitted,
    StepwellNotFound,
    StepwellTaggingError,
    StoreError,
    StoreFormatError,
    StoreUnavailable,
)
from stepwell.metadata_store.calls import API_VERSION, CALLS, error_in, refusal_of
from stepwell.metadata_store.store import MetadataStore, RunQuery, StepCount, TaskQuery
from stepwell.metadata_stores.memory import MemoryMetadata
from stepwell.model.run import RunRecord, TaskRecord

NO_CALLS = {"location", "close"}


# SPEC 12.4-1
def test_every_method_of_the_port_can_be_called():
    assert set(CALLS) == MetadataStore.__abstractmethods__ - NO_CALLS


# Who changes what travels makes another version of the API: an older side loses what it does not know.
def test_what_travels_is_what_this_version_of_the_api_says():
    kinds = (RunRecord, TaskRecord, RunQuery, TaskQuery, StepCount)

    assert API_VERSION == 1
    assert [" ".join(kind.__struct_fields__) for kind in kinds] == [
        "flow run state user created_at finished_at heartbeat_at host pid pid_started reason tags "
        "system_tags fields number",
        "flow run step task number state attempt created_at started_at finished_at index_path label pid host "
        "exit_code error parents fields",
        "flow tags states before limit",
        "flow run step states index_path before limit ascending",
        "step state tasks first_number created_at finished_at",
    ]


@pytest.mark.parametrize("text", ["", "ä", "\0", "\udcff", "a\udcffb", "\ud83d", "😀", '"\\'])
def test_texts_travel_as_they_are_whatever_they_hold(text):
    call = CALLS["change_tags"]

    assert call.arguments(call.request("F", text, (text,), ())) == ("F", text, (text,), ())


def test_a_call_is_carried_out_and_its_answer_is_the_result():
    call = CALLS["next_run_id"]

    assert call.result(call.answer(call.arguments(call.request()), MemoryMetadata())) == 1


@pytest.mark.parametrize("may_pass", [True, False])
@pytest.mark.parametrize(
    "kind", [StepwellNotFound, StepwellTaggingError, StoreError, StoreFormatError, StoreUnavailable]
)
def test_an_error_arrives_as_what_it_was(kind, may_pass):
    error = kind("what \udcff happened")
    if kind is StoreUnavailable:
        error.may_pass = may_pass

    arrived = error_in(refusal_of(error).body)

    assert type(arrived) is kind and arrived.message == error.message
    assert getattr(arrived, "may_pass", None) == getattr(error, "may_pass", None)


def test_an_error_of_a_kind_that_does_not_travel_arrives_as_the_nearest_that_does():
    assert type(error_in(refusal_of(AlreadyCommitted("x")).body)) is StoreError
    assert type(error_in(b'{"error": "OfANewerVersion", "message": "x"}')) is StoreError
    assert error_in(b"<html>") is None and error_in(b"{}") is None
