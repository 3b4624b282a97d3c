"""Addresses as people type them."""

import pytest
from stored_results import Results, foreach_run

from stepwell.client import Flow, Run, Step, Task
from stepwell.client.pathspec import resolve
from stepwell.exceptions import StepwellInvalidPathspec, StepwellNamespaceMismatch, StepwellNotFound
from stepwell.model.states import RunState, TaskState


@pytest.fixture
def place():
    place = Results()
    foreach_run(place)
    place.run("F", "2", state=RunState.FAILED)
    place.run("G", "3", state=RunState.FAILED, user="bob")
    return place


# SPEC 9.1-4
@pytest.mark.parametrize(
    ("text", "flow", "kind", "pathspec"),
    [
        ("F", None, Flow, "F"),
        ("F/1", None, Run, "F/1"),
        ("1", None, Run, "F/1"),
        ("1", "F", Run, "F/1"),
        ("F/1", "F", Run, "F/1"),
        ("G/3", "F", Run, "G/3"),
        ("latest", None, Run, "G/3"),
        ("latest", "F", Run, "F/2"),
        ("F/latest", None, Run, "F/2"),
        ("F/latest-successful", "G", Run, "F/1"),
        ("latest-successful/work", None, Step, "F/1/work"),
        ("1/work/2", "F", Task, "F/1/work/2"),
        ("1/work[0]", "F", Task, "F/1/work/2"),
        ("F/1/work[2]", None, Task, "F/1/work/4"),
        (" F/1/work/ ", None, Step, "F/1/work"),
    ],
)
def test_an_address_leads_to_what_it_names(place, text, flow, kind, pathspec):
    found = resolve(text, flow, place.scope)

    assert type(found) is kind
    assert found.pathspec == pathspec


# SPEC 9.1-4
def test_nested_indexes_name_one_task(place):
    run = place.run("F", "4")
    run.record("deep", 5, TaskState.SUCCEEDED, path=(1, 2))
    run.record("deep", 6, TaskState.SUCCEEDED, path=(2, 1))

    assert resolve("4/deep[2, 1]", "F", place.scope).id == "6"


def test_a_run_whose_id_is_no_number_is_found_with_its_flow(place):
    record = place.stores.metadata.run("F", "1")
    place.stores.metadata.save_run(
        type(record)(flow="F", run="argo-x1", state=record.state, user="u", created_at=0.0)
    )

    assert resolve("argo-x1", "F", place.scope).pathspec == "F/argo-x1"
    assert resolve("F/argo-x1", None, place.scope).pathspec == "F/argo-x1"


# SPEC 9.1-4
@pytest.mark.parametrize(
    ("text", "flow", "said"),
    [
        ("H/1", None, "no flow `H`.*`F`, `G`"),
        ("9", "F", "no run `F/9`.*`F/2`, `F/1`"),
        ("9", None, "no run `9`.*`G/3`"),
        ("G/latest-successful", None, "no run `G/latest-successful`.*`G/3`"),
        ("1/wrk", "F", "no step `wrk`.*`work`"),
        ("1/work/9", "F", r"no task F/1/work/9.*`2` \[0\], `3` \[1\]"),
        ("1/work[7]", "F", r"no task F/1/work\[7\].*`2` \[0\]"),
        ("1/wrk[7]", "F", "no step `wrk`"),
    ],
)
def test_a_part_that_does_not_exist_is_an_error_that_shows_what_does(place, text, flow, said):
    with pytest.raises(StepwellNotFound, match=said):
        resolve(text, flow, place.scope)


@pytest.mark.parametrize("text", ["", "/", "F//1", "F/1/work/2/x", "1/work[a]", "1/work[]", "1/work[1]/2"])
def test_what_is_no_address_is_told_the_form(place, text):
    with pytest.raises(StepwellInvalidPathspec, match=r"\[FLOW/\]RUN\[/STEP\[/TASK\]\]"):
        resolve(text, "F", place.scope)


def test_a_run_id_that_two_flows_have_needs_the_flow(place):
    place.run("G", "1")

    with pytest.raises(StepwellInvalidPathspec, match="`F/1`, `G/1`"):
        resolve("1", None, place.scope)


def test_the_latest_run_is_that_of_the_namespace_if_one_is_given(place):
    assert resolve("latest", None, place.within("user:ann")).pathspec == "F/2"
    with pytest.raises(StepwellNamespaceMismatch):
        resolve("3", None, place.within("user:ann"))
