"""Origins of other users, resumed runs that are resumed or continued, and origins that succeeded."""

import os

from command_line import nothing_left, until, words
from nested_flow import FLOW, MADE, failed
from stored_runs import (
    begin,
    events_of,
    of_kind,
    scope,
    states_of,
    stored_run,
    tasks_of,
)
from test_resume import HANGING, executed, resume, succeeded

from stepwell.client.objects import Flow


# SPEC 7.4-4
def test_another_user_s_run_can_be_gone_on_from_and_the_new_run_is_one_s_own(folder, monkeypatch):
    monkeypatch.setenv("STEPWELL_USER", "somebody")
    failed(folder, "join")
    monkeypatch.setenv("STEPWELL_USER", "tester")
    assert resume(folder).returncode == 2

    done = resume(folder, "--origin-run-id", "1")

    assert done.returncode == 0, words(done)
    run = stored_run(folder, "2")
    assert run.data.all == MADE
    assert "user:tester" in run.system_tags and "user:somebody" not in run.tags
    assert [found.id for found in Flow("F", scope(folder)).runs("user:tester")] == ["2"]


# SPEC 7.4-4
def test_a_resumed_run_can_be_resumed_and_its_tasks_lead_to_where_they_ran(folder):
    folder.file(FLOW)
    assert folder.run("--keep-going", env={**os.environ, "FAIL": "b1"}).returncode == 1
    assert resume(folder, env={**os.environ, "FAIL": "left"}).returncode == 1
    assert resume(folder, env={**os.environ, "FAIL": "join"}).returncode == 1

    done = resume(folder, "--json")

    assert {step for step, _ in executed(done)} == {"join", "end"}
    run = stored_run(folder, "4")
    assert run.data.all == MADE and run.data.sides == ["left", "right"]
    origins = {task.origin_pathspec.split("/")[1] for task in tasks_of(run).values() if task.origin_pathspec}
    assert origins == {"1", "2", "3"}
    assert all(
        task.metadata_dict["origin-run-id"] == task.origin_pathspec.split("/")[1]
        for task in tasks_of(run).values()
        if task.origin_pathspec
    )
    ids = [task.id for task in tasks_of(run).values()]
    assert len(set(ids)) == len(ids)


# SPEC 7.4-4
# SPEC 7.3-1
def test_a_resumed_run_that_failed_can_be_continued(folder):
    failed(folder, "join")
    assert resume(folder, env={**os.environ, "FAIL": "join"}).returncode == 1

    done = folder.call("flow.py", "continue", "--json")

    assert executed(done) == [("join", ()), ("end", ())]
    run = stored_run(folder, "2")
    assert run.successful and run.data.all == MADE
    assert states_of(run)["inner"] == ["reused"] * 6
    assert run["inner"].task.origin_pathspec.startswith("F/1/inner/")
    assert run["join"].task.metadata_dict["origin-run-id"] == "1"
    (reused,) = [e for e in of_kind(events_of(done), "step_reused") if e["step"] == "inner"]
    assert reused["origin"] == "1"


# SPEC 7.4-4
def test_a_lost_resumed_run_can_be_continued(folder, mark):
    failed(folder, "join")
    folder.file(HANGING)
    process = begin(folder, "resume", env={**os.environ, "HANG": "1"})
    until((folder.path / "hangs").exists, "the join hangs")
    process.kill()
    process.wait()
    nothing_left(mark)

    done = folder.call("flow.py", "continue", "2", "--json")

    assert executed(done) == [("join", ()), ("end", ())]
    assert stored_run(folder, "2").data.all == MADE


# SPEC 7.4-4
def test_a_successful_origin_gives_a_successful_run_without_executing_anything(folder):
    succeeded(folder)

    done = resume(folder, "--json")

    assert executed(done) == []
    run = stored_run(folder, "2")
    assert run.successful and run.data.all == MADE
    assert set(state for states in states_of(run).values() for state in states) == {"reused"}
    assert [found.id for found in Flow("F", scope(folder))] == ["2", "1"]
    assert Flow("F", scope(folder)).latest_successful_run.id == "2"
