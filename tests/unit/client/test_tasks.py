"""Runs, steps and tasks: states, artifacts, fields, logs."""

import os
from datetime import datetime

import pytest
from stored_results import BEGAN, Results, foreach_run

from stepwell.client import DataArtifact, Flow, Run, Step, Task
from stepwell.exceptions import BlobCorrupted, StepwellDataMissing, StepwellNotFound
from stepwell.model.foreach import Frame
from stepwell.model.states import RunState, TaskState


@pytest.fixture
def place():
    return Results()


def pathspecs(tasks):
    return [task.pathspec.removeprefix("F/1/") for task in tasks]


# SPEC 10.2-1
def test_a_flow_knows_its_newest_run_and_its_newest_successful_one(place):
    place.run(run="1")
    place.run(run="2", tags=("x", "y"))
    place.run(run="3", state=RunState.FAILED, tags=("x",))
    flow = Flow("F", at=place.scope)

    assert flow.latest_run.id == "3"
    assert flow.latest_successful_run.id == "2"
    assert [run.id for run in flow.runs("x")] == ["3", "2"]
    assert [run.id for run in flow.runs("x", "y")] == ["2"]


# SPEC 10.2-1
def test_a_flow_without_success_has_no_latest_successful_run(place):
    place.run(state=RunState.FAILED)

    assert Flow("F", at=place.scope).latest_successful_run is None


# SPEC 10.2-3
@pytest.mark.parametrize(
    ("state", "finished", "successful"),
    [
        (RunState.RUNNING, False, False),
        (RunState.SUCCEEDED, True, True),
        (RunState.FAILED, True, False),
        (RunState.INTERRUPTED, True, False),
    ],
)
def test_a_run_says_whether_it_has_ended_and_how(place, state, finished, successful):
    place.run(state=state)
    run = Run("F/1", at=place.scope)

    assert (run.finished, run.successful) == (finished, successful)
    assert (run.finished_at is not None) == finished
    assert run.created_at == datetime.fromtimestamp(BEGAN + 1)


# SPEC 10.2-3
def test_a_run_that_ends_while_one_looks_is_seen_to_end(place):
    place.run(state=RunState.RUNNING)
    run = Run("F/1", at=place.scope)
    before = run.finished

    place.run(state=RunState.SUCCEEDED)

    assert (before, run.finished, run.successful) == (False, True, True)


def test_a_run_without_a_sign_of_life_is_lost_and_so_are_its_running_tasks(place):
    run = place.run(state=RunState.RUNNING, silent_s=3600)
    run.record("start", 1, TaskState.RUNNING)

    lost = Run("F/1", at=place.scope)

    assert (lost.status, lost.finished, lost.successful) == ("lost", True, False)
    assert lost.finished_at is not None
    assert (lost["start"].task.status, lost["start"].task.finished) == ("lost", True)


# SPEC 10.2-3
def test_the_data_of_a_run_are_those_of_the_newest_task_of_its_exit_step(place):
    run = place.run(end_step="last")
    run.task("last", 4, {"x": 1})
    run.task("last", 6, {"x": 2})
    opened = Run("F/1", at=place.scope)

    assert opened.end_task.id == "6"
    assert opened.data.x == 2


# SPEC 10.2-3
def test_a_run_that_has_not_reached_its_exit_step_has_no_data(place):
    place.run(state=RunState.RUNNING)
    opened = Run("F/1", at=place.scope)

    assert opened.end_task is None and opened.data is None
    assert opened.code is None and opened.trigger is None


# SPEC 10.2-3
# SPEC 10.2-5
def test_steps_and_tasks_are_chosen_by_the_tags_of_their_run(place):
    foreach_run(place)
    run = Run("F/1", at=place.scope)
    run.add_tag("a")

    assert len(list(run.steps("a", "user:ann"))) == 4
    assert len(list(run["work"].tasks("a"))) == 3
    assert list(run.steps("b")) == list(run["work"].tasks("b")) == []


# SPEC 10.2-5
def test_a_step_knows_its_tasks_neighbours_and_end(place):
    run = foreach_run(place)
    run.record("extra", 30, TaskState.RUNNING)
    work = Step("F/1/work", at=place.scope)

    assert work.task in list(work)
    assert [step.id for step in work.parent_steps] == ["start"]
    assert [step.id for step in work.child_steps] == ["join"]
    assert work.finished_at == datetime.fromtimestamp(BEGAN + 5)
    assert Step("F/1/extra", at=place.scope).finished_at is None
    assert work.environment_info["runtime"] == "local"


# SPEC 10.2-5
def test_only_a_gang_has_control_tasks(place):
    run = place.run()
    run.record("alone", 1, TaskState.SUCCEEDED)
    run.record("gang", 2, TaskState.SUCCEEDED, fields={"parallel-world-size": "2"})

    assert Step("F/1/alone", at=place.scope).control_task is None
    assert Step("F/1/gang", at=place.scope).control_task.id == "2"


# SPEC 10.3-1
def test_artifacts_are_read_by_attribute_by_name_and_as_a_tuple(place):
    run = place.run()
    run.task("start", 1, {"x": [1, 2], "_p": 3, "class": "c"})
    task = Task("F/1/start/1", at=place.scope)

    assert task.data.x == task["x"].data == task.artifacts.x.data == [1, 2]
    assert task.data._p == 3
    assert "x" in task.data and "_p" in task.data and "z" not in task.data
    assert dir(task.data) == ["class", "x"]
    with pytest.raises(AttributeError, match="no artifact 'z'; it has class, x"):
        task.data.z
    with pytest.raises(AttributeError, match="cannot be set"):
        task.data.x = 1


# SPEC 10.3-1
def test_inherited_artifacts_are_the_tasks_own_to_readers(place):
    run = place.run()
    run.task("start", 1, {"small": 1, "big": bytes(100_000)}, to=("end",))
    pack = place.stores.datastore.pack(run.key("start", 1))
    run.task("end", 2, inherited=place.stores.datastore.visible(pack).values(), parents=(("start", 1),))

    task = Task("F/1/end/2", at=place.scope)

    assert (task.data.small, task.data.big) == (1, bytes(100_000))
    assert task["big"].sha == Task("F/1/start/1", at=place.scope)["big"].sha


# SPEC 1.3-16
def test_artifacts_that_tools_read_exist_in_every_task(place):
    foreach_run(place)

    inner, last = Task("F/1/work/3", at=place.scope), Task("F/1/end/6", at=place.scope)

    (frame,) = inner["_foreach_stack"].data
    assert frame._asdict() == {"step": "start", "var": "letters", "num_splits": 3, "index": 1, "value": "b"}
    assert inner.data._transition == (["join"], None)
    assert (inner.data._current_step, inner.data._task_ok, inner.data._success) == ("work", True, True)
    assert inner["_foreach_stack"].size > 0 and len(inner["_foreach_stack"].sha) == 64
    assert (last.data._foreach_stack, last.data._transition) == ([], None)
    assert "_exception" not in inner


# SPEC 1.3-16
# SPEC 10.3-1
def test_a_failed_task_shows_its_exception_and_what_it_had_made(place):
    run = place.run(state=RunState.FAILED)
    run.failed("start", 1, ValueError("no luck"))
    task = Task("F/1/start/1", at=place.scope)

    assert (task.finished, task.successful, task.status) == (True, False, "failed")
    assert task.exception.exception == task.data._exception.exception == "no luck"
    assert (task.data._task_ok, task.data._success, task.data.x) == (False, False, 0)


def test_a_failed_task_shows_what_it_had_from_its_parent(place):
    run = place.run(state=RunState.FAILED)
    run.task("start", 1, {"x": "old", "y": "kept"}, to=("work",))
    run.failed("work", 2, ValueError("no luck"), parents=(("start", 1),))

    data = Task("F/1/work/2", at=place.scope).data

    assert (data.x, data.y) == (0, "kept")


def test_a_task_whose_process_died_without_a_word_shows_what_is_known_of_its_end(place):
    run = place.run(state=RunState.FAILED)
    run.record("start", 1, TaskState.FAILED, error="Signal: The task died by signal 11")
    task = Task("F/1/start/1", at=place.scope)

    assert "signal 11" in task.exception.exception
    assert list(task) == []
    assert "_success" not in task


def test_a_task_that_the_index_does_not_have_yet_is_found_by_its_pack(place):
    run = place.run(state=RunState.RUNNING)
    run.task("start", 1, {"x": 1}, to=("work",), kind="foreach", items=["a", "b"])
    inputs = (("start", 1),)
    run.task(
        "work", 3, {"x": 2}, parents=inputs, frames=(Frame("start", "1", None, 2, 1, "b"),), indexed=False
    )
    task = Task("F/1/work/3", at=place.scope)

    assert (task.data.x, task.successful, task.finished, task.index) == (2, True, True, 1)
    assert pathspecs(task.parent_tasks) == ["start/1"]


def test_a_sealed_pack_counts_more_than_an_index_that_lags_behind(place):
    run = place.run(state=RunState.RUNNING)
    run.task("start", 1, {"x": 1})
    run.record("start", 1, TaskState.RUNNING)
    task = Task("F/1/start/1", at=place.scope)

    assert task.successful and task.finished
    assert task.finished_at == datetime.fromtimestamp(BEGAN + 1.5)


# SPEC 10.3-3
def test_each_attempt_can_be_shown(place):
    run = place.run()
    run.failed("start", 1, ValueError("first"), latest=False)
    run.task("start", 1, {"x": "good"}, attempt=1)

    latest, first = Task("F/1/start/1", at=place.scope), Task("F/1/start/1", attempt=0, at=place.scope)

    assert (latest.current_attempt, latest.data.x, latest.successful, latest.exception) == (
        1,
        "good",
        True,
        None,
    )
    assert (first.current_attempt, first.data.x, first.successful, first.finished) == (0, 0, False, True)
    assert first.exception.exception == "first"
    assert first.finished_at == datetime.fromtimestamp(BEGAN + 7)
    assert DataArtifact("F/1/start/1/x", attempt=0, at=place.scope).data == 0
    with pytest.raises(StepwellNotFound, match="no attempt 2; its attempts are 0 to 1"):
        Task("F/1/start/1", attempt=2, at=place.scope)


# SPEC 10.3-3
@pytest.mark.parametrize("state", [TaskState.RUNNING, TaskState.RETRYING])
def test_a_task_is_not_finished_while_it_runs_or_is_to_be_tried_again(place, state):
    run = place.run(state=RunState.RUNNING)
    run.failed("start", 1, ValueError("first"))
    run.record("start", 1, state)
    task = Task("F/1/start/1", at=place.scope)

    assert (task.finished, task.successful, task.exception) == (False, False, None)


# SPEC 10.3-3
def test_an_object_at_hand_shows_the_attempt_that_came_later(place):
    run = place.run(state=RunState.RUNNING)
    run.failed("start", 1, ValueError("first"))
    task = Task("F/1/start/1", at=place.scope)
    before = task.data.x

    run.task("start", 1, {"x": "good"}, attempt=1)

    assert (before, task.data.x, task.current_attempt, task.exception) == (0, "good", 1, None)


# SPEC 12.4-5
def test_recorded_fields_have_the_names_that_tools_know(place):
    run = place.run(
        **{
            "ds-type": "local",
            "ds-root": "/d",
            "git-info": "abc",
            "python_version": "3.11.7",
            "script-name": "f.py",
        }
    )
    run.task("start", 1, to=("work",), kind="foreach", items=["a", "b"])
    frame = Frame("start", "1", "letters", 2, 1, "b")
    run.task("work", 2, frames=(frame,), path=(1,), parents=(("start", 1),), attempt=1)
    task = Task("F/1/work/2", at=place.scope)

    found = task.metadata_dict
    assert found["ds-type"] == "local" and found["ds-root"] == "/d" and found["git-info"] == "abc"
    assert (found["user"], found["runtime"], found["script-name"]) == ("ann", "local", "f.py")
    assert (found["attempt"], found["attempt_ok"], found["attempt-done"]) == ("1", "True", "1")
    assert found["foreach-stack"] == '["letters=b"]'
    assert found["foreach-execution-path"] == "start:1"
    attempts = [field for field in task.metadata if field.type == "attempt"]
    assert [field.value for field in attempts] == ["0", "1"]
    assert {field.task for field in task.metadata} == {"F/1/work/2"}
    assert task.runtime_name == "local"


# SPEC 12.4-5
def test_the_parameters_task_names_entry_and_exit_step(place):
    run = place.run()
    run.parameters()
    fields = {"start_step": "begin", "end_step": "finish"}
    run.record("_parameters", 0, TaskState.SUCCEEDED, (), fields=fields)

    found = Run("F/1", at=place.scope)["_parameters"].task.metadata_dict

    assert (found["start_step"], found["end_step"]) == ("begin", "finish")


# SPEC 10.3-1
def test_logs_are_read_by_stream_whatever_their_bytes(place):
    run = place.run()
    run.task("start", 1)
    run.printed("start", 1, "stdout", b"one\ntwo \xff")
    run.printed("start", 1, "stderr", "ärger\n".encode())
    task = Task("F/1/start/1", at=place.scope)

    assert (task.stdout, task.stderr) == ("one\ntwo \ufffd", "ärger\n")
    assert (task.stdout_size, task.stderr_size) == (9, 7)
    at = datetime.fromtimestamp(BEGAN)
    assert list(task.loglines("stdout")) == [(at, "one"), (at, "two \ufffd")]
    assert list(task.loglines("stdout", as_unicode=False)) == [(at, b"one"), (at, b"two \xff")]


# SPEC 10.3-1
def test_the_index_is_that_of_the_innermost_foreach(place):
    run = place.run()
    run.record("a", 1, TaskState.SUCCEEDED, path=(3, 12))
    run.record("b", 2, TaskState.SUCCEEDED)

    assert Task("F/1/a/1", at=place.scope).index == 12
    assert Task("F/1/b/2", at=place.scope).index is None


# SPEC 10.3-5
def test_an_artifact_knows_value_size_hash_and_time(place):
    run = place.run()
    run.task("start", 1, {"x": "same", "y": "same", "z": "other"})
    x, y, z = Task("F/1/start/1", at=place.scope)

    assert (x.data, z.data) == ("same", "other")
    assert x.sha == y.sha != z.sha
    assert x.size == y.size == z.size - 1
    assert x.finished_at == datetime.fromtimestamp(BEGAN + 2)


# SPEC 10.3-5
@pytest.mark.parametrize(("harm", "error"), [("flip", BlobCorrupted), ("remove", StepwellDataMissing)])
def test_a_blob_that_is_not_as_it_was_written_is_an_error_and_never_a_value(place, harm, error):
    run = place.run()
    run.task("start", 1, {"x": os.urandom(100_000)})
    storage = place.stores.datastore._storage
    (blob,) = [key for key in storage.list("") if (storage.size(key) or 0) >= 100_000]
    data = bytearray(storage.read(blob))
    storage.delete([blob])
    if harm == "flip":
        data[50_000] ^= 1
        storage.write(blob, [bytes(data)])

    with pytest.raises(error):
        Task("F/1/start/1", at=place.scope).data.x


def test_a_foreach_whose_items_are_gone_says_so(place):
    run = place.run()
    run.task("work", 2, frames=(Frame("start", "1", "letters", 2, 1, "b"),), path=(1,))

    with pytest.raises(StepwellDataMissing, match="1/start/1"):
        Task("F/1/work/2", at=place.scope).data._foreach_stack
